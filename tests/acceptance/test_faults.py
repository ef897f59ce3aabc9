"""Nothing lost, nothing twice, whatever is killed, cut, rotated or full.

``tests.faults`` does it, in namespaces of its own; here is what must be true of its outcome.
Its figures of a measured run are in docs/reliability.md.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.peers import ROOT
from tests.faults.outcome import Outcome
from tests.faults.plan import FULL_DISK, MANY_FAULTS

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(420)]

TIMEOUT_S = 400
NAMESPACES = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
FAULTS = [*NAMESPACES, sys.executable, "-m", "tests.faults"]


def outcome_of(folder: Path, *arguments: str) -> Outcome:
    """Run it and read what it came to."""
    with (folder / "faults.out").open("wb") as out:
        process = subprocess.Popen(
            [*FAULTS, "--folder", str(folder / "run"), *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
        try:
            process.wait(TIMEOUT_S)
        finally:
            process.kill()
            process.wait()
    try:
        return Outcome.read(folder / "run")
    except FileNotFoundError:
        pytest.fail((folder / "faults.out").read_text()[-6_000:])


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Kills, restarts, cuts and rotations for some minutes."""
    return outcome_of(tmp_path_factory.mktemp("many"))


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A disk that is full twice, some other faults beside it."""
    return outcome_of(tmp_path_factory.mktemp("full"), "--full-disk")


def test_everything_went_wrong(many: Outcome) -> None:
    """As often as planned, with as many events as planned: else the rest shows little."""
    planned = {fault.value: count for fault, count in MANY_FAULTS.faults.items()}

    assert planned == many.faults
    assert many.events >= MANY_FAULTS.events
    assert many.pages > many.seconds / 4
    assert many.compared > many.pages


def test_the_counters_are_the_truth(many: Outcome) -> None:
    """By queue and outcome and for the group of all, also after one more restart."""
    assert [] == many.wrong
    assert [] == many.wrong_after_restart


def test_no_counter_ever_fell(many: Outcome) -> None:
    """Between two looks, over whatever happened between them."""
    assert [] == many.fallen


def test_whoever_arrived_has_ended_or_waits(many: Outcome) -> None:
    """At every look, of every queue that could be seen."""
    assert [] == many.broken


def test_the_journal_has_every_event_once(many: Outcome) -> None:
    """Of both feeds, and of every published id."""
    assert [] == many.not_stored
    assert [] == many.stored_too_often
    assert [] == many.unseen


def test_repetitions_are_counted(many: Outcome) -> None:
    """The broker repeated, and callmon says exactly how often it was told what it knew."""
    published, known = many.told_again

    assert many.repeated > 0
    assert 0 < many.dropped_as_repeated <= many.repeated
    assert 0 < published == known


def test_it_ended_well(many: Outcome, full: Outcome) -> None:
    """No traceback in the log, and SIGTERM ends it with 0."""
    assert ([], 0) == (many.crashes, many.stopped)
    assert ([], 0) == (full.crashes, full.stopped)


def test_nothing_acknowledged_is_missing_after_a_full_disk(full: Outcome) -> None:
    """Counters are the truth, and each id that was acknowledged to the broker is stored."""
    planned = {fault.value: count for fault, count in FULL_DISK.faults.items()}

    assert planned == full.faults
    assert full.acknowledged > 0
    assert [] == full.acknowledged_unseen
    assert [] == full.wrong
    assert [] == full.wrong_after_restart
    assert [] == full.fallen
    assert [] == full.broken


def test_a_full_disk_is_said_and_monitoring_goes_on(full: Outcome) -> None:
    """While it is full, /readyz gives the reason, and callers go on being counted."""
    for each in full.full:
        assert [reason for reason in each.excuses if "no room" in reason]
        assert each.counted > 0
