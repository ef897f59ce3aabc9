"""How durations, shares, counts and names are written."""

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND
from callmon.config.values import (
    Secret,
    address,
    confidence,
    duration,
    format_duration,
    format_limit,
    limit,
    ratio,
    timezone,
    url,
    window_name,
)
from callmon.measures import Unit


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("5m", 300),
        ("1h30m", 5_400),
        ("2d", 172_800),
        ("1.5h", 5_400),
        ("0", 0),
        ("0s", 0),
        ("1d1h1m1s", 90_061),
    ],
)
def test_durations(text: str, seconds: int) -> None:
    """Units from days to seconds, largest first."""
    assert seconds * SECOND == duration(text)


def test_milliseconds_are_no_minutes() -> None:
    """250ms is a quarter of a second."""
    assert 250_000 == duration("250ms")
    assert 60_250_000 == duration("1m250ms")


@pytest.mark.parametrize(
    "text", ["", "m", "30 s", "5min", "1m1h", "1m1m", "180", "-5m", "1s.", "0.0001ms", None, []]
)
def test_no_durations(text: object) -> None:
    """A bare number is refused: 180 of what?"""
    with pytest.raises(ValueError, match="duration"):
        duration(text)


@given(st.integers(0, 10**13))
def test_a_duration_is_read_back_as_it_was_written(length: int) -> None:
    """What ``check`` prints can be pasted into the file."""
    assert length == duration(format_duration(length))


@pytest.mark.parametrize(
    ("text", "share"),
    [("20%", (1, 5)), ("0.2", (1, 5)), ("12.5%", (1, 8)), ("0%", (0, 1)), ("1.0", (1, 1))],
)
def test_shares(text: str, share: tuple[int, int]) -> None:
    """Percent or a fraction, exact."""
    assert Fraction(*share) == ratio(text)


@pytest.mark.parametrize("text", ["1", "20", "0", "-5%", "101%", "1.01", "abc", "%", "", "nan"])
def test_no_shares(text: str) -> None:
    """A bare whole number is ambiguous; nothing lies outside 0 to 100 %."""
    with pytest.raises(ValueError, match="share"):
        ratio(text)


@given(st.integers(0, 1000))
def test_a_share_is_read_back_as_it_was_written(permille: int) -> None:
    """What ``check`` prints can be pasted into the file."""
    share = Fraction(permille, 1000)

    assert share == ratio(format_limit(Unit.RATIO, share))


@pytest.mark.parametrize(
    ("text", "z"), [("90%", 1.645), ("95%", 1.96), ("99%", 2.576), ("0.95", 1.96)]
)
def test_confidence_is_the_usual_two_sided_z(text: str, z: float) -> None:
    """The values of the tables."""
    assert z == confidence(text)


@pytest.mark.parametrize(
    ("unit", "text", "value"),
    [(Unit.SECONDS, "3m", 180 * SECOND), (Unit.CONTACTS, "5", 5), (Unit.RATIO, "50%", 0.5)],
)
def test_a_limit_is_read_by_the_unit_of_its_measure(
    unit: Unit, text: str, value: float
) -> None:
    """Microseconds, contacts, shares."""
    assert value == limit(unit, text)


@pytest.mark.parametrize(
    ("text", "name"), [("900s", "15m"), ("60m", "1h"), ("90m", "1h30m"), ("today", "today")]
)
def test_a_window_has_one_name(text: str, name: str) -> None:
    """Equal lengths are one window, however they are spelled."""
    assert name == window_name(text)


@pytest.mark.parametrize("text", ["0s", "25h", "999ms", "tomorrow", "15"])
def test_no_windows(text: str) -> None:
    """A window is no shorter than a second and no longer than a day."""
    with pytest.raises(ValueError, match=r"window|duration"):
        window_name(text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("127.0.0.1:9877", ("127.0.0.1", 9877)),
        ("[::1]:0", ("::1", 0)),
        (":9877", ("0.0.0.0", 9877)),
        ("localhost:80", ("localhost", 80)),
    ],
)
def test_addresses(text: str, parts: tuple[str, int]) -> None:
    """Host and port, IPv6 in brackets."""
    assert parts == address(text)


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        (address, "localhost"),
        (address, "::1:80"),
        (address, "a:65536"),
        (url, "ftp://a"),
        (url, "http://"),
        (url, "http://a:port"),
        (url, "http://user@a"),
        (timezone, "Mars/Olympus"),
        (timezone, "../etc/passwd"),
    ],
)
def test_refused(reader: Callable[[object], object], text: str) -> None:
    """What cannot be right is refused when the file is read, not when it is used."""
    with pytest.raises(ValueError, match=r"expected|no user"):
        reader(text)


def test_a_secret_prints_as_secret() -> None:
    """In logs, messages and reprs alike."""
    secret = Secret("hunter2")

    assert "<secret> <secret> <secret>" == f"{secret} {secret!r} {secret!s}"
    assert (True, False) == (secret == Secret("hunter2"), secret == Secret("other"))
    assert "hunter2" == secret.reveal()
