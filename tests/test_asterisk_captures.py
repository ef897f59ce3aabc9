"""Recordings of real Asterisks, from queue_log alone, from AMI alone, and from both.

``docs/developers/captures.md`` says what they are. Every way a caller can leave a queue is
there once by itself, and by hundreds in traffic whose truth is known from the telephones.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from callmon.clock import SECOND, Micros
from callmon.decode.queue_log import QueueLogDecoder
from callmon.engine import Engine
from callmon.events import Outcome, TalkEnded
from callmon.rules import SubjectKind
from tests.truth import (
    ANNOUNCEMENT,
    CAPTURES,
    SOURCE,
    Visit,
    ami_steps,
    blind,
    deaf,
    engine,
    exit_steps,
    late,
    log_events,
    log_steps,
    log_truth,
    recording,
    restarted,
    seen,
    tally,
    tell,
    truth,
    worst_start,
    worst_wait,
)

SCENARIOS = [
    "16.28.0/edge",
    "16.28.0/load",
    "22.10.1/edge",
    "22.10.1/load",
    "22.10.1/main",
    "22.10.1/restart-kill9",
    "22.10.1/restart-stop",
    "22.10.1/transfers",
]

LOG_SECOND: Micros = SECOND
"""A log knows whole seconds, and durations as differences of them."""

LOG_START: Micros = SECOND + SECOND // 50
"""The same for an instant, and what a caller takes from his own clock into the log."""

STAMPED: Micros = SECOND // 20
"""AMI has the time of each event where ``timestampevents`` is on."""

UNSTAMPED: Micros = 2 * SECOND // 5
"""Else it is the time of receipt, on a machine with two cores and an Asterisk to run."""

LIVE = [
    ("16.28.0/edge", "ami", STAMPED),
    ("22.10.1/edge", "ami", STAMPED),
    ("22.10.1/main", "ami", UNSTAMPED),
    ("22.10.1/main", "ami-min", UNSTAMPED),
    ("22.10.1/restart-kill9", "ami", UNSTAMPED),
    ("22.10.1/restart-stop", "ami", UNSTAMPED),
    ("22.10.1/transfers", "ami", STAMPED),
    pytest.param("16.28.0/load", "ami-min", UNSTAMPED, marks=pytest.mark.acceptance),
    pytest.param("22.10.1/load", "ami-min", UNSTAMPED, marks=pytest.mark.acceptance),
]
"""Sessions without a gap, and how exact their times are."""

BOTH = [
    ("16.28.0/edge", "ami", STAMPED),
    ("22.10.1/edge", "ami", STAMPED),
    ("22.10.1/main", "ami", UNSTAMPED),
    ("22.10.1/main", "ami-flaky", LOG_SECOND),
    ("22.10.1/main", "ami-min", UNSTAMPED),
    ("22.10.1/restart-kill9", "ami", UNSTAMPED),
    ("22.10.1/restart-stop", "ami", UNSTAMPED),
    ("22.10.1/transfers", "ami", STAMPED),
    pytest.param("16.28.0/load", "ami-min", UNSTAMPED, marks=pytest.mark.acceptance),
    ("22.10.1/load", "ami-min", UNSTAMPED),
]
"""Sessions that the log goes with, and how exact their times are together. A gap makes no
difference but to that."""

STILL_WAITING = {"22.10.1/transfers": {"all": (3, 0), "billing": (3, 0)}}
"""Whoever waits, and talks, when a recording of AMI ends; the log has gone on."""

BEFORE = b"1795330000|NONE|NONE|NONE|QUEUESTART|\n"
"""What stands in every log before the recordings of one way out."""

HOUR: Micros = 3_600 * SECOND


class End(NamedTuple):
    """How a visit in a recording of one way out ended."""

    queue: str
    outcome: str
    wait: float | None
    log: str = ""  #: what the log has for it, where it cannot tell
    log_wait: float | None = None  #: what the log has instead of the wait


EXITS: dict[str, tuple[End, ...]] = {
    "abandon_during_member_gosub": (End("q_gosub", "abandoned", 3.841, "answered", 5),),
    "abandon_during_memberdelay": (End("q_delay", "abandoned", 3.841, log_wait=5),),
    "abandon_ringing": (End("q_noans", "abandoned", 6.839),),
    "agent_dump_then_timeout": (End("q_dump", "timeout", 8.020),),
    "agent_star_disconnect_continue": (End("q_long", "answered", 1.002),),
    "ami_bridge_steals_waiting_callers": (
        End("q_full", "redirected", 1.668, "abandoned"),
        End("q_nomem", "redirected", 3.686, "abandoned"),
    ),
    "ami_hangup_waiting": (End("q_nomem", "abandoned", 1.824),),
    "blind_transfer": (End("q_long", "answered", 1.003),),
    "connect_agent_hangup": (End("q_connect", "answered", 2.007),),
    "connect_caller_hangup": (End("q_long", "answered", 1.002),),
    "full_refused": (End("q_full", "abandoned", 3.863),),
    "join_empty_refused": (),
    "key_exit": (End("q_key", "key_exit", 1.943),),
    "leave_empty": (End("q_lwe", "empty", 15.002),),
    "overflow_requeue_case_mismatch": (
        End("q_noans", "timeout", 3.001),
        End("q_nomem", "timeout", 2.002),
        End("q_nomem", "timeout", 2.003),
    ),
    "queue_status_snapshot": (
        End("q_nomem", "abandoned", 2.871),
        End("q_nomem", "abandoned", 4.416),
    ),
    "redirect_while_talking": (End("q_long", "answered", 1.003),),
    "redirect_while_waiting": (End("q_noans", "redirected", 1.844, "abandoned"),),
    "shutdown_core_stop_now": (
        End("q_long", "answered", 1.003),
        End("q_nomem", "lost", None, "abandoned", 3),
    ),
    "timeout_app": (End("q_nomem", "timeout", 3.002),),
    "timeout_n_option": (End("q_noans", "timeout", 4.003),),
    "withdraw": (End("q_nomem", "withdrawn", 2.002),),
}
"""By recording: what became of its callers, and when, by the time stamps of its AMI events.
The log takes a redirect and a shutdown for the caller's hanging up, and measures until it
noticed. A caller who hangs up while the agent's own dialplan runs it has as answered."""

WRITTEN: dict[str, tuple[End, ...]] = {
    "agents_dialplan_of_30_seconds": (End("q_gosub", "answered", 33.751),),
    "attended_transfer_by_the_waiting_leg": (End("q_long", "answered", 8.500),),
    "attended_transfer_of_the_waiting": (End("q_long", "answered", 8.500),),
    "name_that_is_no_utf8": (End("q_long", "answered", 3.752),),
    "no_such_queue": (),
    "syscompat": (End("q_long", "failed", 3.752),),
}
"""The same of what was not recorded but written by hand."""

ALL_EXITS = EXITS | WRITTEN

REFUSED = {"full_refused": ("q_full", "full"), "join_empty_refused": ("q_je", "join_empty")}


def finished(played: Engine) -> Engine:
    """Let everything settle that time settles."""
    played.advance(played.now + HOUR)
    return played


def left_over(played: Engine) -> dict[str, tuple[int, int]]:
    """Return who still waits and talks, by subject."""
    return {
        state.subject.name: (len(state.starts), state.talking)
        for state in played.states()
        if state.starts or state.talking
    }


def place(name: str) -> Path:
    """Return the recording of a way out, without suffix."""
    return CAPTURES / ("exit_paths" if name in EXITS else "synthetic") / name


def ends(played: Engine) -> list[tuple[str, str, Micros | None]]:
    """Return queue, outcome and wait of every visit, in a fixed order."""
    return sorted(
        ((visit.queue, visit.outcome.name.lower(), visit.wait) for visit in seen(played)),
        key=lambda end: (end[0], end[2] or 0),
    )


def close(expected: float | None, found: Micros | None, tolerance: Micros) -> bool:
    """Tell whether a wait is as long as expected, None being unknown."""
    if expected is None or found is None:
        return expected is found
    return abs(found - round(expected * SECOND)) <= tolerance


def test_every_way_out_is_recorded() -> None:
    """No recording is without its truth, and none is missing."""
    assert set(EXITS) == {file.stem for file in (CAPTURES / "exit_paths").glob("*.ami")}
    assert set(WRITTEN) == {file.stem for file in (CAPTURES / "synthetic").glob("*.ami")}


def refused(played: Engine) -> tuple[str, str] | None:
    """Return the queue that refused a caller, and why; at most one does, and once."""
    found = [
        (state.subject.name, reason)
        for state in played.states()
        if state.subject.kind is SubjectKind.QUEUE
        for reason in state.refused
    ]
    assert len(found) <= 1
    return found[0] if found else None


# ---- the log alone ---------------------------------------------------------------------


def from_the_log(scenario: str) -> Engine:
    """Return an engine that was told what the log says, as it came on disk."""
    played = engine()
    for _, events in log_events(scenario):
        played.apply_all(events)
    return finished(played)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_log_alone_counts_every_call(scenario: str) -> None:
    """Per queue and outcome exact, broken lines and restarts included; nobody is left over."""
    played = from_the_log(scenario)

    found = seen(played)
    assert tally(log_truth(scenario)) == tally(found)
    assert {} == left_over(played)
    assert {} == played.dropped
    assert worst_wait(log_truth(scenario), found) <= LOG_SECOND
    assert worst_start(log_truth(scenario), found) <= LOG_START


@pytest.mark.parametrize("name", ALL_EXITS)
def test_the_log_alone_tells_each_way_out(name: str) -> None:
    """Every exit as the log has it; whom the queue refused it does not know."""
    played = engine()
    log = place(name).with_suffix(".queue_log").read_bytes()

    # A log that reaches further back shows that a caller with a new id is none carried in.
    played.apply_all(QueueLogDecoder(SOURCE).decode(BEFORE + log))

    found = ends(finished(played))
    assert [(end.queue, end.log or end.outcome) for end in ALL_EXITS[name]] == [
        (queue, outcome) for queue, outcome, _ in found
    ]
    for end, (_, _, wait) in zip(ALL_EXITS[name], found, strict=True):
        assert close(end.log_wait or end.wait, wait, LOG_SECOND)
    assert {} == left_over(played)
    assert not any(state.refused for state in played.states())


# ---- AMI alone -------------------------------------------------------------------------


def known(visit: Visit, name: str) -> Outcome:
    """Return what AMI without the class ``dialplan`` can know of how a visit ended.

    Neither a timeout nor an empty queue, a withdrawal or a hang-up by the administrator
    gives a reason. Agent events alone do not tell a hang-up from those, either.
    """
    row = visit.row
    if row.get("by_shutdown") and visit.outcome is Outcome.ABANDONED:
        return Outcome.LOST
    if visit.outcome is Outcome.ABANDONED:
        silent = name == "ami-min" or row["plan"]["kind"] == "admin_hangup"
        return Outcome.LOST if silent else visit.outcome
    if visit.outcome in {Outcome.TIMEOUT, Outcome.EMPTY, Outcome.WITHDRAWN}:
        return Outcome.LOST
    return visit.outcome


def check_known(played: Engine, expected: Sequence[Visit], tolerance: Micros) -> None:
    """Compare outcomes and waits with what can be known; who still waits is in truth, too."""
    found = seen(finished(played))
    assert tally(expected) == tally(found)
    assert worst_wait(expected, found) <= tolerance
    assert worst_start(expected, found) <= tolerance


@pytest.mark.parametrize("name", ALL_EXITS)
def test_ami_alone_tells_each_way_out(name: str) -> None:
    """With all event classes every exit is known, and every wait within 50 ms."""
    played = finished(tell(exit_steps(place(name).with_suffix(".ami"))))

    found = ends(played)
    assert [(end.queue, end.outcome) for end in ALL_EXITS[name]] == [
        (queue, outcome) for queue, outcome, _ in found
    ]
    for end, (_, _, wait) in zip(ALL_EXITS[name], found, strict=True):
        assert close(end.wait, wait, STAMPED)
    assert {} == left_over(played)
    assert REFUSED.get(name) == refused(played)


REASONLESS = {"timeout": "lost", "empty": "lost", "withdrawn": "lost"}

LESS = {
    ("agent", "call", "system"): (REASONLESS, {"ami_hangup_waiting": "lost"}),
    ("agent",): (
        {**REASONLESS, "abandoned": "lost", "failed": "lost"},
        {"abandon_during_member_gosub": "answered", "ami_bridge_steals_waiting_callers": ""},
    ),
}
"""What becomes of outcomes where an account may not read all classes, and of some recordings.
Nothing tells agent events of a bridge: who was pulled into it waits until a list shows that
he does not, and so does the former id of one who was transferred."""


@pytest.mark.parametrize("classes", LESS, ids=",".join)
@pytest.mark.parametrize("name", ALL_EXITS)
def test_fewer_classes_tell_less_and_nothing_wrong(name: str, classes: tuple[str, ...]) -> None:
    """Who hung up, or why it ended, is lost where the events that say so are not sent."""
    outcomes, exceptions = LESS[classes]
    expected = [
        (end.queue, outcome)
        for end in ALL_EXITS[name]
        if (outcome := exceptions.get(name, outcomes.get(end.outcome, end.outcome)))
    ]

    path = place(name).with_suffix(".ami")
    played = finished(tell(exit_steps(path, frozenset(classes))))

    assert sorted(expected) == sorted((queue, outcome) for queue, outcome, _ in ends(played))


@pytest.mark.parametrize(("scenario", "name", "tolerance"), LIVE)
def test_ami_alone_counts_every_call(scenario: str, name: str, tolerance: Micros) -> None:
    """Per queue and outcome exact as far as the account's classes go; nothing is invented."""
    played = tell(ami_steps(scenario, name))

    expected = [visit._replace(outcome=known(visit, name)) for visit in truth(scenario)]
    check_known(played, expected, tolerance)
    assert STILL_WAITING.get(scenario, {}) == left_over(played)
    assert {} == played.dropped


def test_ami_alone_invents_nothing_in_its_gaps() -> None:
    """After seven losses of the connection: fewer, and some lost, but no outcome too many."""
    played = finished(tell(ami_steps("22.10.1/main", "ami-flaky")))

    expected = tally(truth("22.10.1/main"))
    found = tally(visit for visit in seen(played) if visit.outcome is not Outcome.LOST)
    assert found <= expected
    assert found.total() > 0.75 * expected.total()
    assert {} == left_over(played)


# ---- both ------------------------------------------------------------------------------


def merged(visit: Visit) -> Outcome:
    """Return what both feeds know: a shutdown's hang-up is nobody's outcome."""
    if visit.row.get("by_shutdown") and visit.outcome is Outcome.ABANDONED:
        return Outcome.LOST
    if visit.row["exit"] == "redirected":
        return Outcome.REDIRECTED
    return visit.outcome


def check_counters(played: Engine) -> None:
    """See that the counters, settled for ever, are what the windows show; none corrected."""
    counted = Counter(
        {
            (state.subject.name, outcome.name.lower()): total
            for state in played.states()
            if state.subject.kind is SubjectKind.QUEUE
            for outcome in Outcome
            if (total := state.outcome_total(outcome))
        }
    )
    assert tally(seen(played)) == counted
    assert not any(state.unsettled or state.corrected for state in played.states())


@pytest.mark.parametrize("name", ALL_EXITS)
def test_both_tell_each_way_out(name: str) -> None:
    """What AMI knows and the log knows is one visit, and ends as AMI has it."""
    rows = place(name).with_suffix(".queue_log").read_bytes()
    log = QueueLogDecoder(SOURCE).decode(BEFORE + rows)

    # A row is on disk within the second of its stamp.
    played = finished(
        tell(
            exit_steps(place(name).with_suffix(".ami")),
            ((event.at + SECOND, [event]) for event in log),
        )
    )

    assert [(end.queue, end.outcome) for end in ALL_EXITS[name]] == [
        (queue, outcome) for queue, outcome, _ in ends(played)
    ]
    assert {} == left_over(played)
    check_counters(played)
    assert REFUSED.get(name) == refused(played)


@pytest.mark.parametrize(("scenario", "name", "tolerance"), BOTH)
def test_both_count_every_call(scenario: str, name: str, tolerance: Micros) -> None:
    """Per queue and outcome exact: redirects and shutdowns by AMI, the rest by the log.

    When is AMI's to say, where it listened.
    """
    played = finished(tell(ami_steps(scenario, name), log_steps(scenario)))

    expected = [visit._replace(outcome=merged(visit)) for visit in log_truth(scenario)]
    found = seen(played)
    assert tally(expected) == tally(found)
    assert {} == left_over(played)
    assert worst_wait(expected, found) <= tolerance
    assert worst_start(expected, found) <= tolerance
    check_counters(played)


def test_a_minute_late_without_time_stamps_nobody_is_doubled() -> None:
    """A client too slow for the load hears of calls long after the log has told of them."""
    scenario = "22.10.1/load"
    played = finished(tell(ami_steps(scenario, "ami-stall"), log_steps(scenario)))

    assert tally(log_truth(scenario)) == tally(seen(played))
    assert {} == left_over(played)
    check_counters(played)


def check_main(played: Engine) -> None:
    """See that everything of the main recording was counted, and counted once."""
    expected = tally(
        visit._replace(outcome=merged(visit)) for visit in log_truth("22.10.1/main")
    )
    assert expected == tally(seen(finished(played)))
    assert {} == left_over(played)
    check_counters(played)


@pytest.mark.parametrize(("begin", "length"), [(0, 60), (200, 30), (400, 300), (700, 200)])
def test_a_log_that_cannot_be_read_is_waited_for(begin: int, length: int) -> None:
    """While the log is blind nothing is settled that it decides; then it tells the rest."""
    start = log_truth("22.10.1/main")[0].joined + begin * SECOND
    log = blind(log_steps("22.10.1/main"), start, start + length * SECOND)

    played = tell(ami_steps("22.10.1/main", "ami"), log)

    check_main(played)


@pytest.mark.parametrize(("begin", "length"), [(0, 60), (200, 30), (400, 300), (700, 200)])
def test_the_log_fills_a_gap_of_ami(begin: int, length: int) -> None:
    """Whatever AMI has missed is as the log tells it: redirects in the gap are abandoned."""
    start = log_truth("22.10.1/main")[0].joined + begin * SECOND
    end = start + length * SECOND
    ami = deaf(ami_steps("22.10.1/main", "ami"), start, end)

    played = finished(tell(ami, log_steps("22.10.1/main")))

    expected = Counter[tuple[str, str]]()
    for visit in log_truth("22.10.1/main"):
        left = visit.joined + (visit.wait or 0)
        missed = visit.row["exit"] == "redirected" and start <= left < end
        expected += tally([visit._replace(outcome=visit.outcome if missed else merged(visit))])
    assert expected == tally(seen(played))
    assert {} == left_over(played)
    check_counters(played)


@pytest.mark.parametrize("name", ["ami", "ami-flaky"])
@pytest.mark.parametrize(("ami", "log"), [(2, 0), (30, 0), (0, 2), (0, 30)])
def test_a_feed_may_be_behind(ami: int, log: int, name: str) -> None:
    """One of both half a minute late, as a flooded AMI may be: nothing is settled too early."""
    played = tell(
        late(ami_steps("22.10.1/main", name), ami * SECOND),
        late(log_steps("22.10.1/main"), log * SECOND),
        behind=(ami + log) * SECOND,
    )

    check_main(played)


@pytest.mark.parametrize("gap", [1, 4])
def test_a_restart_while_nobody_listens_changes_nothing(gap: int) -> None:
    """Stopped in a gap of AMI and started again: the log is read anew, the rest remembered."""
    drops = [
        line["t"]
        for line in recording("22.10.1/main", "ami-flaky")
        if line.get("mark") == "drop"
    ]
    cut = round((drops[gap] + 7) * SECOND)
    ami, log = ami_steps("22.10.1/main", "ami-flaky"), log_steps("22.10.1/main")
    first = tell(
        [step for step in ami if step[0] < cut], [step for step in log if step[0] < cut]
    )
    second = restarted(first)
    tell(
        ami_steps("22.10.1/main", "ami-flaky", cut),
        [step for step in log if step[0] >= cut],
        played=second,
    )

    check_main(second)


# ---- talks -----------------------------------------------------------------------------

UNSEEN_TRANSFERS = {"22.10.1/main": {"1795333973.215"}}
"""Talks whose agent, behind a Local channel that stays, handed the caller on: nobody sees
when (docs/feeds/asterisk.md)."""


@pytest.mark.parametrize(
    ("scenario", "name"),
    [
        ("16.28.0/edge", "ami"),
        ("22.10.1/edge", "ami"),
        ("22.10.1/main", "ami"),
        ("22.10.1/main", "ami-min"),
        ("22.10.1/restart-stop", "ami"),
        ("22.10.1/transfers", "ami"),
    ],
)
def test_ami_knows_how_long_they_talked(scenario: str, name: str) -> None:
    """Every talk has an end and is as long as the agent's own: up to a transfer or redirect."""
    talks: dict[tuple[str, str], list[Micros | None]] = {}
    for _, events in ami_steps(scenario, name):
        for event in events:
            if isinstance(event, TalkEnded):
                key = event.queue.casefold(), event.contact
                talks.setdefault(key, []).append(event.talk)
    answered = [visit for visit in truth(scenario) if visit.outcome is Outcome.ANSWERED]

    wrong = set()
    for visit in answered:
        talk = talks[visit.queue, visit.contact].pop(0)
        spoken = visit.row["talk"]  # the telephone's, which the announcement is part of
        if spoken is not None and not close(
            spoken - ANNOUNCEMENT.get(visit.queue, 0) / SECOND, talk, SECOND // 2
        ):
            wrong.add(visit.contact)

    assert not any(talks.values())
    assert UNSEEN_TRANSFERS.get(scenario, set()) == wrong
