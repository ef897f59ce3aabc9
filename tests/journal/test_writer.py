"""The thread's work, step by step: a commit in doubt, deleting between commits."""

from pathlib import Path

import pytest
import structlog

from callmon.clock import SystemClock
from callmon.journal import Retention, Stored, store
from callmon.journal.handover import Handover, Run
from callmon.journal.reading import later_inputs
from callmon.journal.writer import Pace, Report, Writer
from tests.journal.desk import joined, numbers


class Desk:
    """A writer without its thread, and what it reports."""

    def __init__(self, directory: Path) -> None:
        self.reports: list[Report] = []
        self.handover = Handover(1_000, 1_000, 1_000)
        self.path = directory / "journal.db"
        self.writer = Writer(
            directory,
            SystemClock(),
            self.handover,
            remembered=1_000,
            pace=Pace(patience_s=0.0),
            report=self.reports.append,
        )
        self.stored, self.trouble = self.writer.begin()

    def tell(self, number: int) -> None:
        """Hand an event over."""
        self.handover.add(Run("mq", [joined(number)], [number], {"place": number}), 1)

    def end(self) -> list[int]:
        """Let go, and return the numbers in the file."""
        self.writer._leave()
        self.writer._lock.release()
        everything = Stored(last=1_000)
        return numbers(later_inputs(self.path, everything, lambda _: None))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return a writer on an empty directory."""
    return Desk(tmp_path)


@pytest.mark.parametrize("arrived", [True, False])
def test_a_commit_in_doubt_is_settled(desk: Desk, *, arrived: bool) -> None:
    """Whether it is in the file or not: in the end it is there once, and told once."""
    desk.tell(1)
    flight = desk.handover.take()
    assert flight is not None
    assert desk.writer._store is not None
    desk.writer._flight = flight
    if arrived:
        desk.writer._store.write(flight)  # and the answer was an error
    desk.writer._leave()

    desk.tell(2)
    desk.writer.attempt()

    loads = [report.load for report in desk.reports if report.load is not None]
    assert 2 == sum(load.count for load in loads)
    assert (0, False) == (desk.handover.pending, desk.handover.wants_whole)
    assert [1, 2] == desk.end()


def test_commits_come_between_slices(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for a commit does not wait until all that is old is deleted."""
    monkeypatch.setattr(store, "ROWS_A_SLICE", 2)
    for number in range(7):
        desk.tell(number)
    desk.handover.add_checkpoint(1, {}, whole=True)
    desk.writer.attempt()
    desk.writer.prune(Retention(events=1), 10**18)

    left = []
    for number in range(7, 10):
        desk.tell(number)
        desk.writer.attempt()
        left.append(numbers(later_inputs(desk.path, Stored(last=1_000), lambda _: None)))

    assert [[*range(2, 8)], [*range(4, 9)], [*range(6, 10)]] == left
    assert [*range(6, 10)] == desk.end()


def test_deleting_goes_on_after_a_failure(desk: Desk) -> None:
    """On the next connection it begins anew, and comes to its end."""
    desk.tell(1)
    desk.handover.add_checkpoint(1, {}, whole=True)
    desk.writer.attempt()
    desk.writer.prune(Retention(events=1), 10**18)
    desk.writer.attempt()
    desk.writer._leave()

    for _ in range(10):
        desk.writer.attempt()

    assert desk.writer._pruning is None
    assert [] == [report for report in desk.reports if report.up is False]
    assert [] == desk.end()


def _told(desk: Desk) -> list[int]:
    return [report.damaged for report in desk.reports if report.damaged is not None]


@pytest.mark.parametrize("running", [False, True])
def test_what_a_damaged_file_costs_is_said(tmp_path: Path, *, running: bool) -> None:
    """In words in the log, and in the count of such files: at a start more is lost."""
    desk = Desk(tmp_path)
    with structlog.testing.capture_logs() as logs:
        if running:
            desk.writer.condemn()
            desk.writer.attempt()
        else:
            desk.end()
            desk.path.write_bytes(b"nonsense" * 1000)
            desk = Desk(tmp_path)

    (line,) = [line for line in logs if line["event"] == "journal.set_aside"]
    assert (f"{desk.path}.damaged-1", "error") == (line["path"], line["log_level"])
    assert running == ("the state goes on" in line["error"])
    assert running != ("counters" in line["error"])
    assert "half-hours and alerts" in line["error"]
    assert [0, 1] == _told(desk)[:2]
    assert [] == desk.end()


def test_damaged_files_are_counted_until_they_are_gone(tmp_path: Path) -> None:
    """Those of before are known before anything is opened; who deletes them is noticed."""
    for name in ("journal.db.damaged-1", "journal.db.damaged-1-wal", "journal.db.damaged-7"):
        (tmp_path / name).touch()
    desk = Desk(tmp_path)
    assert 2 == desk.reports[0].damaged

    (tmp_path / "journal.db.damaged-1").unlink()
    desk.writer.attempt()

    assert [2, 1] == _told(desk)
    assert [] == desk.end()


def test_damaged_files_that_nobody_can_count_are_not_told(tmp_path: Path) -> None:
    """A place that cannot be looked at has neither none nor some."""
    place = tmp_path / "state"
    place.touch()

    desk = Desk(place)

    assert [] == _told(desk)
    assert "File exists" in desk.trouble


def test_an_error_of_ours_does_not_end_the_writing(desk: Desk) -> None:
    """What no column takes is a failure that is told; a checkpoint may take its place."""
    desk.handover.add(Run("mq", [joined(2**70)], [1], None), 1)

    desk.writer.attempt()
    assert desk.reports[-1].up is False
    desk.handover.lose()
    desk.handover.add_checkpoint(1, {"a": b"all"}, whole=True)
    desk.writer.attempt()

    assert [] == desk.end()
    assert any(report.up for report in desk.reports)
