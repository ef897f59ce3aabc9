"""What the compose files mount, read by the programs it is for."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.acceptance.peers import ROOT, program
from tests.mosquitto import PROGRAMS, mosquitto

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(60)]


def _run(*arguments: str) -> None:
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("path", ["compose/prometheus.yml", "compose/ha/prometheus.yml"])
def test_prometheus_takes_its_configuration(suite: str, tmp_path: Path, path: str) -> None:
    """With the shipped rules, where the container has them."""
    text = (ROOT / path).read_text()
    rules = tmp_path / "rules"
    shutil.copytree(ROOT / "alertmanager" / "rules", rules)
    config = tmp_path / "prometheus.yml"
    config.write_text(text.replace("/etc/prometheus/rules", str(rules)))

    assert str(rules) in config.read_text()
    _run(
        program(suite, "promtool"), "check", "config", "--lint=all", "--lint-fatal", str(config)
    )


def test_alertmanager_takes_its_configuration(suite: str) -> None:
    """That which tells nobody, until a site names its own."""
    config = ROOT / "compose" / "alertmanager" / "alertmanager.yml"

    _run(program(suite, "amtool"), "check-config", str(config))


@pytest.mark.parametrize("name", ["compose.yml", "compose.ha.yml"])
def test_the_programs_take_their_flags(suite: str, name: str) -> None:
    """No flag of a command is unknown; an unknown one is what a program complains of first."""
    for service in yaml.safe_load((ROOT / name).read_text())["services"].values():
        image = service["image"].rpartition("/")[2].partition(":")[0]
        if image not in ("prometheus", "alertmanager"):
            continue
        done = subprocess.run(
            [program(suite, image), *service["command"], "--version"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert (0, True) == (done.returncode, "version" in done.stdout + done.stderr)


@pytest.mark.anyio
@pytest.mark.parametrize("which", PROGRAMS)
async def test_mosquitto_starts_with_its_configuration(which: str, tmp_path: Path) -> None:
    """It takes connections, and complains of no setting: only port and folder are ours."""
    text = (ROOT / "compose" / "mosquitto.conf").read_text()
    with mosquitto(tmp_path, which) as broker:
        for old, new in (
            ("listener 1883", f"listener {broker.port} 127.0.0.1"),
            ("/mosquitto/data/", f"{tmp_path}/"),
        ):
            assert old in text
            text = text.replace(old, new)
        # Else it gives up root, and may not write where the tests do.
        config = text + ("user root\n" if os.geteuid() == 0 else "")
        (tmp_path / "mosquitto.conf").write_text(config)
        await broker.start()
        broker.stop()

    assert "rror" not in broker.log
    assert (tmp_path / "mosquitto.db").exists()
