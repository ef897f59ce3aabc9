"""Tests of callmon.logs."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import Micros
from callmon.logs import Repeats, configure_logging


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    """Leave no configuration behind."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def _fail_with_a_secret_in_scope() -> None:
    secret = "hunter2"
    if secret:
        raise RuntimeError("login failed")


@pytest.mark.parametrize("as_json", [True, False])
def test_traceback_shows_no_locals(as_json: bool) -> None:
    """A password held in a local variable stays out of the log."""
    out = io.StringIO()
    configure_logging(json=as_json, level=logging.INFO, stream=out)

    try:
        _fail_with_a_secret_in_scope()
    except RuntimeError:
        structlog.stdlib.get_logger("callmon.app").exception("feed.failed", feed="pbx1")
        logging.getLogger("aiohttp.server").exception("request failed")

    assert 2 <= out.getvalue().count("_fail_with_a_secret_in_scope")
    assert "hunter2" not in out.getvalue()


def test_json_is_one_object_a_line() -> None:
    """What a log shipper sees."""
    out = io.StringIO()
    configure_logging(json=True, level=logging.INFO, stream=out)

    structlog.stdlib.get_logger("callmon.app").warning("feed.lost", feed="呼叫", attempt=2)

    line = json.loads(out.getvalue())
    assert "呼叫" in out.getvalue()
    assert line.pop("ts").endswith("Z")
    assert {
        "event": "feed.lost",
        "level": "warning",
        "logger": "callmon.app",
        "feed": "呼叫",
        "attempt": 2,
    } == line


def test_lines_of_libraries_come_out_alike() -> None:
    """A library that knows nothing of structlog writes the same kind of line."""
    out = io.StringIO()
    configure_logging(json=True, level=logging.INFO, stream=out)

    logging.getLogger("aiohttp.server").error("Error handling %s", "/metrics")

    line = json.loads(out.getvalue())
    assert line.pop("ts")
    assert {
        "event": "Error handling /metrics",
        "level": "error",
        "logger": "aiohttp.server",
    } == line


def test_a_line_per_request_is_not_logged() -> None:
    """A scrape each second must not fill the disk, whatever the level."""
    out = io.StringIO()
    configure_logging(json=True, level=logging.DEBUG, stream=out)

    logging.getLogger("aiohttp.access").info("GET /metrics 200")

    assert "" == out.getvalue()


def test_the_last_configuration_counts() -> None:
    """After a second call the old stream is silent and the new level holds."""
    old, new = io.StringIO(), io.StringIO()
    configure_logging(json=True, level=logging.INFO, stream=old)
    configure_logging(json=False, level=logging.ERROR, stream=new)
    log = structlog.stdlib.get_logger("callmon.app")

    log.warning("feed.lost")
    log.error("feed.failed")

    assert "" == old.getvalue()
    assert ["feed.failed"] == [
        word for word in new.getvalue().split() if word.startswith("feed.")
    ]


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ab")), max_size=12))
def test_each_failure_is_logged_or_counted(steps: list[tuple[int, str]]) -> None:
    """No failure is logged twice within the time, and none is lost from the count."""
    every = 3
    repeats = Repeats(every)
    now = 0
    logged: dict[str, list[Micros]] = {"a": [], "b": []}
    pending = {"a": 0, "b": 0}
    for pause, failure in steps:
        now += pause
        count = repeats.admit(failure, now)
        if count is None:
            pending[failure] += 1
        else:
            assert pending[failure] == count
            pending[failure] = 0
            assert all(now - earlier >= every for earlier in logged[failure])
            logged[failure].append(now)


def test_a_failure_is_logged_again_when_its_time_is_up() -> None:
    """At the very end of the time, not after it."""
    repeats = Repeats(3)

    assert [0, None, 1, None] == [repeats.admit("a", now) for now in (0, 2, 3, 5)]


def test_memory_for_failures_is_bounded() -> None:
    """The least recently logged is forgotten first."""
    repeats = Repeats(10, limit=2)
    for now, failure in ((0, "a"), (1, "b"), (10, "a"), (11, "c")):
        repeats.admit(failure, now)

    assert [None, None, 0] == [repeats.admit(failure, 12) for failure in ("a", "c", "b")]


@pytest.mark.parametrize(("error", "logged"), [(ConnectionResetError, 0), (ValueError, 1)])
def test_who_leaves_without_the_answer_is_no_error(error: type[Exception], logged: int) -> None:
    """A scraper that gives up is its own business; what we do wrong is written."""
    out = io.StringIO()
    configure_logging(json=True, level=logging.INFO, stream=out)

    logging.getLogger("aiohttp.server").error("Error handling request", exc_info=error())

    assert logged == len(out.getvalue().splitlines())
