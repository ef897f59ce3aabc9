"""The feeds of callmon.yml: defaults, and what is allowed but may be a mistake."""

from pathlib import Path

import pytest

from callmon.clock import SECOND
from callmon.config import Config, load_config
from callmon.feeds.settings import AmiLogin, AmiTls, AsteriskAmiSettings
from callmon.secret import Secret


def loaded(folder: Path, feed: str) -> Config:
    """Return the configuration with one AMI feed of these keys."""
    (folder / "callmon.yml").write_text(
        f"feeds: {{ami: {{type: asterisk_ami, username: callmon, {feed}}}}}\n"
    )
    (folder / "thresholds.yml").write_text("")
    return load_config(folder / "callmon.yml", {"SECRET": "hunter2"})


def test_an_account_is_all_that_a_feed_of_this_machine_needs(tmp_path: Path) -> None:
    """Host, port, login and times have defaults; the source is called like the feed."""
    config = loaded(tmp_path, 'secret: "${SECRET}"')

    expected = AsteriskAmiSettings(
        name="ami",
        source="ami",
        host="127.0.0.1",
        port=5038,
        username="callmon",
        secret=Secret("hunter2"),
        login=AmiLogin.MD5,
        ping=10 * SECOND,
        audit=30 * SECOND,
    )
    assert (expected,) == config.feeds
    assert "hunter2" not in repr(config)


def test_tls_has_a_port_of_its_own(tmp_path: Path) -> None:
    """Without a port, encryption goes to the one that Asterisk has for it."""
    (feed,) = loaded(tmp_path, "secret: x, tls: {}").feeds

    assert isinstance(feed, AsteriskAmiSettings)
    assert (5039, AmiTls()) == (feed.port, feed.tls)


def test_the_secret_is_read_from_its_file_and_watched(tmp_path: Path) -> None:
    """A line end at its end is none of it; a change of the file asks for a reload."""
    (tmp_path / "secret").write_text("hunter2\n")

    config = loaded(tmp_path, "secret_file: secret")

    assert isinstance(config.feeds[0], AsteriskAmiSettings)
    assert "hunter2" == config.feeds[0].secret.reveal()
    assert tmp_path / "secret" in config.files


@pytest.mark.parametrize(
    ("keys", "warning"),
    [
        ("host: pbx, login: plain", "login: warning: the secret goes over the network"),
        ("host: pbx, login: plain, tls: {verify: false}", "verify: warning: whoever pretends"),
        ("host: pbx, login: plain, tls: {}", ""),
        ("host: pbx", ""),
        ("host: pbx, tls: {verify: false}", ""),
        ("host: localhost, login: plain", ""),
        ("host: 127.0.0.7, login: plain", ""),
        ('host: "::1", login: plain', ""),
    ],
)
def test_a_secret_in_the_open_is_warned_of(tmp_path: Path, keys: str, warning: str) -> None:
    """Sending it as it is over a network, or to whoever answers, is allowed but said."""
    warnings = loaded(tmp_path, f'secret: "${{SECRET}}", {keys}').warnings

    assert bool(warning) == bool(warnings)
    assert all(warning in text for text in warnings)
