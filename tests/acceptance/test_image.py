"""The container image, built and run as an operator would, with podman."""

import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
IMAGE = "localhost/callmon:acceptance"
READY_SECONDS = 60.0

CONFIG = """\
feeds:
  demo: {type: simulator, seed: 7}
storage: {directory: /var/lib/callmon}
server: {listen: "127.0.0.1:9877"}
thresholds: thresholds.yml
"""
THRESHOLDS = """\
thresholds:
  - {name: long_wait, measure: longest_wait, above: 3m, severity: warning}
"""

ASK = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:9877{}').read().decode())"

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]


class Podman:
    """Podman with the settings under which it works without systemd."""

    def __init__(self, containers_conf: str) -> None:
        self._environ = {**os.environ, "CONTAINERS_CONF": containers_conf}

    def __call__(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one command and return what it said."""
        done = subprocess.run(
            ["podman", *arguments],
            env=self._environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if check and done.returncode:
            pytest.fail(f"podman {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done


@pytest.fixture(scope="module")
def podman() -> Podman:
    """Build the image and return the podman that can run it."""
    done = subprocess.run(
        [ROOT / "scripts" / "image-without-docker.sh", IMAGE],
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return Podman(done.stdout.strip())


@pytest.fixture
def container(podman: Podman, tmp_path: Path) -> Iterator[str]:
    """Start callmon in a container that may do as little as possible, and wait until it is up.

    It has a network of its own with nothing on it, so no port of the machine is taken.
    """
    (tmp_path / "callmon.yml").write_text(CONFIG)
    (tmp_path / "thresholds.yml").write_text(THRESHOLDS)
    tmp_path.chmod(0o755)
    name = f"callmon-{uuid.uuid4().hex[:12]}"
    podman(
        *("run", "--detach", "--name", name, "--network", "none", "--read-only"),
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
        *("--volume", f"{tmp_path}:/etc/callmon:ro", IMAGE),
    )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while podman("healthcheck", "run", name, check=False).returncode:
            if time.monotonic() > deadline:
                pytest.fail(f"not healthy in time: {podman('logs', name).stderr}")
            time.sleep(0.5)
        yield name
    finally:
        podman("rm", "--force", "--volumes", "--time", "0", name, check=False)


def test_it_runs_read_only_and_without_root(podman: Podman, container: str) -> None:
    """The health check passes, /metrics answers, the process is nobody special."""
    metrics = podman("exec", container, "python", "-c", ASK.format("/metrics")).stdout

    assert "callmon_build_info{" in metrics
    assert 'callmon_feed_up{feed="demo"} 1' in metrics
    assert "10001\n" == podman("exec", container, "id", "-u").stdout
    assert 0 != podman("exec", container, "touch", "/opt/x", check=False).returncode


def test_it_stops_when_asked(podman: Podman, container: str) -> None:
    """SIGTERM ends it in good time, in good order, without a traceback."""
    began = time.monotonic()
    podman("stop", "--time", "20", container)

    state = podman("inspect", "--format", "{{.State.ExitCode}}", container).stdout
    logs = podman("logs", container)
    assert ("0\n", True) == (state, time.monotonic() - began < 15)
    assert "Traceback" not in logs.stdout + logs.stderr


def test_it_refuses_a_bad_configuration_by_line(podman: Podman, tmp_path: Path) -> None:
    """The check command works in the image, too, and says where the mistake is."""
    (tmp_path / "callmon.yml").write_text(CONFIG.replace("type: simulator", "type: simulater"))
    (tmp_path / "thresholds.yml").write_text(THRESHOLDS)
    tmp_path.chmod(0o755)

    done = podman(
        *("run", "--rm", "--network", "none", "--read-only"),
        *("--volume", f"{tmp_path}:/etc/callmon:ro", IMAGE),
        *("check", "--config", "/etc/callmon/callmon.yml"),
        check=False,
    )

    assert 1 == done.returncode
    assert "callmon.yml:2:" in done.stdout + done.stderr
