"""The way of alerts is built from the configuration, anew when and only when it changed."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import trustme

from callmon.config import Config, load_config
from callmon.delivery import Delivery, build_delivery, delivery_settings, style_of
from callmon.errors import ConfigError
from callmon.telemetry import Telemetry
from callmon.testing import ManualClock
from tests.acceptance.driver import CONFIG, write_config
from tests.sinks.scripted_alertmanager import Notebook

TWO = """\
alertmanagers:
  - {{url: "http://am1.example:9093/am"}}
  - {{url: "https://am2.example:9094", basic_auth: {{username: ann, password: "${{SECRET}}"}}}}
"""
ENVIRON = {"SECRET": "hunter2"}


def loaded(folder: Path, more: str = "") -> Config:
    """Return the configuration with *more* lines."""
    return load_config(write_config(folder, text=CONFIG + more), ENVIRON)


def built(config: Config) -> Delivery:
    """Return the way that *config* describes."""
    return build_delivery(
        config,
        ManualClock(),
        Telemetry("1"),
        Notebook(),
        jitter=lambda: 0.0,
        facts=lambda _content: {},
        seen=lambda _content: True,
    )


def test_each_alertmanager_has_its_connection(tmp_path: Path) -> None:
    """One client for each, and what is stored of an alert knows them by host and port."""
    delivery = built(loaded(tmp_path, TWO))

    assert 2 == len(delivery.clients)
    assert "hunter2" not in repr(delivery)


def test_no_alertmanager_is_no_mistake(tmp_path: Path) -> None:
    """Then Prometheus delivers everything."""
    assert () == built(loaded(tmp_path)).clients


def test_a_certificate_that_is_missing_is_a_mistake(tmp_path: Path) -> None:
    """It is found before the running way is given up."""
    more = 'alertmanagers: [{{url: "https://am", tls: {{ca_file: gone.pem}}}}]\n'

    with pytest.raises(ConfigError, match=r"gone\.pem"):
        built(loaded(tmp_path, more))


def test_a_certificate_is_read(tmp_path: Path) -> None:
    """An authority of one's own is trusted."""
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    more = 'alertmanagers: [{{url: "https://am", tls: {{ca_file: ca.pem}}}}]\n'

    assert 1 == len(built(loaded(tmp_path, more)).clients)


@pytest.mark.parametrize(
    ("more", "same"),
    [
        ("", True),
        ("limits: {{queues: 7}}\n", True),
        (TWO, False),
        ("alerting: {{resend: 30s}}\n", False),
        ("alerting: {{external_labels: {{site: north}}}}\n", False),
        ("wallboard_url: https://callmon.example/\n", False),
    ],
)
def test_only_what_matters_builds_it_anew(tmp_path: Path, more: str, same: bool) -> None:
    """A reload that changes nothing here keeps connections and retries."""
    before = delivery_settings(loaded(tmp_path))

    assert same == (before == delivery_settings(loaded(tmp_path, more)))


def test_alerts_are_written_in_the_style_of_the_house(tmp_path: Path) -> None:
    """Zone, external labels and the wallboard's address come from the configuration."""
    more = (
        "alerting: {{external_labels: {{site: north}}}}\n"
        "wallboard_url: https://callmon.example/\n"
    )
    style = style_of(loaded(tmp_path, more))

    assert ZoneInfo("Asia/Shanghai") == style.zone
    assert {"site": "north"} == style.external_labels
    assert style.wallboard_url is not None
    assert style.wallboard_url.startswith("https://callmon.example")
