"""The judge of the acceptance tests: what it must notice, and what it must forgive."""

import json
from pathlib import Path

import pytest

from tests.asterisk.verdict import Report

CALL = {
    "name": "c00001",
    "queue": "support",
    "kind": "hang_up",
    "contact": "100.1",
    "outcome": "abandoned",
    "cut_by": "",
    "odd": "",
    "joined": 100.0,
    "hung_up": 110.0,
    "ended": 110.0,
}
MOVED = CALL | {"kind": "be_moved", "outcome": "redirected", "hung_up": None}
STOPPED = CALL | {"outcome": "lost", "cut_by": "now", "hung_up": None}
KILLED = CALL | {"outcome": "lost", "cut_by": "kill", "hung_up": None}
EARLY = CALL | {"queue": "asked", "kind": "hang_up_early"}

ENTER = "100|100.1|support|NONE|ENTERQUEUE||555|1\n"
ABANDON = "110|100.1|support|NONE|ABANDON|1|1|10\n"
CONNECT = "110|100.1|asked|Ann|CONNECT|10|100.2|1\n"
LISTENING = [(0.0, 1_000.0)]


def report(
    folder: Path,
    *calls: object,
    log: str = "",
    sessions: object = (),
    events: object = (),
) -> Report:
    """Return a report of *calls*."""
    (folder / "log").mkdir()
    (folder / "log" / "queue_log").write_text(log)
    facts = {"version": "", "cuts": 0, "sessions": sessions, "events": events, "calls": calls}
    (folder / "report.json").write_text(json.dumps(facts))
    return Report.read(folder)


def page(**counts: int) -> str:
    """Return the lines of metrics for one queue."""
    return "".join(
        f'callmon_contacts_total{{queue="support",outcome="{outcome}"}} {count}\n'
        for outcome, count in counts.items()
    )


@pytest.mark.parametrize(
    ("call", "log"),
    [
        (CALL, ENTER + ABANDON),
        (MOVED, ENTER + ABANDON),
        (STOPPED, ENTER + ABANDON),
        (KILLED, ENTER),
        (EARLY, ENTER + CONNECT),
    ],
)
def test_the_log_is_expected_to_say_what_app_queue_writes(
    tmp_path: Path, call: object, log: str
) -> None:
    """Who was moved or stopped is abandoned there, who hung up early answered."""
    assert [] == report(tmp_path, call, log=log).contradictions()


@pytest.mark.parametrize(
    ("call", "log"),
    [
        (CALL, ""),
        (CALL, ENTER),
        (CALL, ENTER + CONNECT),
        (CALL, ENTER + ABANDON + ABANDON),
        (KILLED, ENTER + ABANDON),
    ],
)
def test_a_log_that_says_something_else_is_noticed(
    tmp_path: Path, call: object, log: str
) -> None:
    """Nothing, no end, another end, two ends, or an end nobody can have seen."""
    assert 1 == len(report(tmp_path, call, log=log).contradictions())


def test_a_call_that_nobody_made_is_noticed(tmp_path: Path) -> None:
    """What stands in the log alone is a mistake, too."""
    assert 1 == len(report(tmp_path, log=ENTER).contradictions())


@pytest.mark.parametrize("counts", [{}, {"abandoned": 2}, {"lost": 1}, {"answered": 1}])
def test_wrong_figures_are_noticed(tmp_path: Path, counts: dict[str, int]) -> None:
    """A call that is missing, counted twice, or counted as something else."""
    assert [] != report(tmp_path, CALL, sessions=LISTENING).disagreements(page(**counts))


@pytest.mark.parametrize(
    ("sessions", "kills", "forgiven"),
    [
        (LISTENING, [], False),
        ([(0.0, 105.0), (120.0, 1_000.0)], [], True),
        ([(0.0, 112.0), (120.0, 1_000.0)], [], True),
        ([(0.0, 117.0), (130.0, 1_000.0)], [120.0], True),
        ([(0.0, 117.0), (200.0, 1_000.0)], [190.0], False),
        ([], [], True),
    ],
)
def test_the_word_of_the_log_is_forgiven_where_nobody_listened(
    tmp_path: Path, sessions: object, kills: list[float], *, forgiven: bool
) -> None:
    """Not during a gap, or not to the end, or by a callmon that was killed soon after."""
    events = [{"at": at, "signal": "SIGKILL"} for at in kills]

    found = report(tmp_path, MOVED, sessions=sessions, events=events)

    assert forgiven == (found.disagreements(page(abandoned=1)) == [])
    assert [] == found.disagreements(page(redirected=1))


def test_only_the_word_of_the_log_is_forgiven(tmp_path: Path) -> None:
    """A call that nobody heard is still one call."""
    found = report(tmp_path, MOVED)

    assert [] != found.disagreements(page())
    assert [] != found.disagreements(page(lost=1))
    assert [] != found.disagreements(page(redirected=1, abandoned=1))


def test_refusals_heard_and_unheard_are_told_apart(tmp_path: Path) -> None:
    """They are counted at least while somebody listens, at most all of them."""
    full = CALL | {"outcome": "full", "joined": None}
    sessions = [(200.0, 300.0)]

    found = report(tmp_path, full, full | {"ended": 250.0}, sessions=sessions)

    assert ({("support", "full"): 1}, {("support", "full"): 2}) == found.refusals()
