"""Tests of a past in parts: what is joined is what one process finds, or nothing is joined."""

import dataclasses
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import pytest

from callmon.clock import SECOND, Micros
from callmon.engine import EngineSettings
from callmon.events import ContactAnswered, ContactJoined, Event
from callmon.queues import GroupSettings
from callmon.rules import Direction, Limits, Selector, Threshold
from callmon.trial import JournalHistory, Trial, run_trial
from callmon.trial import journal as trial_journal
from callmon.trial.lean import LeanEngine
from callmon.trial.lived import Lived
from callmon.trial.split import Part, in_processes, joined
from tests.sites import above, threshold
from tests.trial.made import DAY, START, days, write_journal

ALL = Selector(queues=("*",), groups=("*",))
SETTINGS = EngineSettings(
    groups=(GroupSettings(name="everybody", queues=("*",)),), sources=("pbx",)
)
HOUR: Micros = 3_600 * SECOND
NOTHING = Lived(
    transitions=(), standing=(), subjects=(), first=None, last=None, events=0, dropped={}
)


def limits(direction: Direction, limit: Fraction, clear: Fraction) -> Limits:
    """Return limits that must hold for half a minute."""
    return Limits(direction=direction, limit=limit, clear=clear, hold=30 * SECOND, at_least=10)


THRESHOLDS: tuple[Threshold, ...] = (
    threshold(
        "longest_wait",
        limits(Direction.ABOVE, Fraction(60 * SECOND), Fraction(30 * SECOND)),
        name="long_wait",
        select=ALL,
    ),
    threshold(
        "service_level",
        limits(Direction.BELOW, Fraction(80, 100), Fraction(95, 100)),
        "today",
        name="promise",
        select=ALL,
    ),
    threshold(
        "abandonment_rate",
        limits(Direction.ABOVE, Fraction(10, 100), Fraction(5, 100)),
        "1h",
        name="gone",
        select=ALL,
    ),
)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the journal of five days."""
    path = tmp_path_factory.mktemp("split") / "journal.db"
    write_journal(path, days(5))
    return path


def tried(
    path: Path,
    processes: int,
    until: Micros | None = None,
    thresholds: Sequence[Threshold] = THRESHOLDS,
    since: Micros | None = None,
) -> Trial:
    """Return the trial by so many processes."""
    history = JournalHistory(path, split_from=100, may_be=lambda: processes)
    trial = run_trial(history, SETTINGS, thresholds, since=since, until=until)
    assert trial is not None
    return trial


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return a list that tells, of each past in parts, whether they could be joined."""
    found: list[bool] = []

    def watched(parts: list[Part]) -> Lived | None:
        lived = joined(parts)
        found.append(lived is not None)
        return lived

    monkeypatch.setattr(trial_journal, "joined", watched)
    return found


def test_parts_are_the_whole(journal: Path, fitted: list[bool]) -> None:
    """Alerts that stand over a seam, subjects, counts: as one process finds them."""
    expected = tried(journal, 1)

    assert expected == tried(journal, 2)
    assert expected == tried(journal, 3)
    assert [True, True] == fitted
    assert len(expected.episodes) > 100


def test_an_end_in_the_middle_is_one(journal: Path, fitted: list[bool]) -> None:
    """What stands then stands, and nothing of later is known."""
    until = START + 5 * DAY - 12_345_678_901

    assert tried(journal, 1, until) == tried(journal, 2, until)
    assert [True] == fitted


def test_only_the_last_lets_time_pass_to_the_end(
    tmp_path: Path, fitted: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits at a seam is answered in the next part; who waits at the end is not."""
    monkeypatch.setattr(trial_journal, "LEAD", 600 * SECOND)
    path = tmp_path / "journal.db"
    told: list[Event] = []
    for number in range(400):
        at, who = START + 30 * number * SECOND, str(number)
        told.append(ContactJoined(at, "pbx", 2 * number, "sales", who))
        if number < 399:
            end, wait = at + 50 * SECOND, 50 * SECOND
            told.append(ContactAnswered(end, "pbx", 2 * number + 1, "sales", who, wait, "ann"))
    write_journal(path, sorted(told, key=lambda event: event.at))
    thresholds = [threshold("longest_wait", above(60 * SECOND, hold=30 * SECOND))]
    last = START + 30 * 399 * SECOND
    until = last + HOUR

    found = tried(path, 1, until, thresholds)

    assert found == tried(path, 2, until, thresholds)
    fired = [each.fired_at for each in found.episodes if each.subject.name == "sales"]
    assert [last + 90 * SECOND] == fired
    assert [True] == fitted


def test_what_is_read_of_before_is_told_apart(
    journal: Path, fitted: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events of the span, and those of before it, whatever part reads them."""
    monkeypatch.setattr(trial_journal, "LEAD", 12 * HOUR)
    since = START + 2 * DAY
    told = [event.at for event in days(5)]

    for count in (1, 2, 3):
        trial = tried(journal, count, None, THRESHOLDS[:1], since)
        assert sum(at >= since for at in told) == trial.events
        assert sum(trial.first <= at < since for at in told) == trial.lead > 0
    assert [True, True] == fitted


def test_where_a_seam_does_not_fit_one_process_does_it(
    journal: Path, fitted: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts that begin too late do not know who waits: their findings are not believed."""
    expected = tried(journal, 1)
    monkeypatch.setattr(trial_journal, "LEAD", -12 * 3_600 * SECOND)
    monkeypatch.setattr(LeanEngine, "history_start", lambda _self, now: now - SECOND)

    assert expected == tried(journal, 2)
    assert [False] == fitted


def part(begin: bytes, end: bytes, **more: object) -> Part:
    """Return a part with nothing in it but *more*."""
    return Part(begin, end, dataclasses.replace(NOTHING, **more))  # type: ignore[arg-type]  # by name


def test_seams_must_agree() -> None:
    """Each with the next."""
    first, second = part(b"0", b"1", events=2, dropped={"late": 1}), part(b"1", b"2", events=3)

    whole = joined([first, second])

    assert whole is not None
    assert (5, {"late": 1}) == (whole.events, whole.dropped)
    assert joined([second, first]) is None


def test_processes_tell_what_they_find_and_how_far_they_are() -> None:
    """In order of their parts, whichever is first."""
    told: list[int] = []

    def work(number: int, progress: Callable[[int], None]) -> Part:
        progress(number + 1)
        return part(str(number).encode(), b"", events=os.getpid())

    found = in_processes(work, 3, told.append)

    assert found is not None
    assert [b"0", b"1", b"2"] == [each.begin for each in found]
    assert 3 == len({each.lived.events for each in found} - {os.getpid()})
    assert [1, 2, 3] == sorted(told)


@pytest.mark.parametrize("how", ["raises", "dies"])
def test_a_process_that_cannot_ends_them_all(how: str) -> None:
    """Whoever asked does it alone then, and sees what is wrong."""

    def work(number: int, progress: Callable[[int], None]) -> Part:
        progress(1)
        if number and how == "raises":
            raise OSError("no memory")
        if number:
            os._exit(9)
        return part(b"", b"")

    assert in_processes(work, 2, lambda _read: None) is None


def test_damaged_rows_are_told_of(journal: Path, tmp_path: Path) -> None:
    """They are left out, and their number is among what was not used."""
    path = tmp_path / "journal.db"
    path.write_bytes(journal.read_bytes())
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE events SET body = '{' WHERE number IN (40, 41)")

    found = tried(path, 1)

    assert 2 == found.dropped["journal: unreadable"]
    assert tried(journal, 1).events - 2 <= found.events


def test_processes_end_with_the_one_that_began_them() -> None:
    """Whoever is killed outright leaves nobody behind who lives through the past for no one."""
    code = """
import os, signal
from callmon.trial.split import in_processes

def work(number, told):
    while True:
        told(1)

def killed(read):
    os.kill(os.getpid(), signal.SIGKILL)

in_processes(work, 2, killed)
"""
    began = subprocess.run(  # it is over when the last that holds its output is
        [sys.executable, "-c", code], capture_output=True, check=False, timeout=8
    )

    assert (-signal.SIGKILL, b"") == (began.returncode, began.stderr)
