"""Recordings of real Asterisks beside what the people on the telephones know.

``docs/developers/captures.md`` says what is recorded and how. Truth comes from the callers'
and agents' own view; neither queue_log nor AMI had a part in it.
"""

import functools
import heapq
import json
import lzma
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from callmon.clock import SECOND, Micros
from callmon.decode.ami import AmiDecoder, Message, message_time
from callmon.decode.ami_interpreter import AmiInterpreter
from callmon.decode.queue_log import QueueLogDecoder
from callmon.decode.recording import parse_records
from callmon.engine import Engine, EngineSettings
from callmon.events import Event, FeedChanged, Outcome
from callmon.replay import TalliedState, report_settings
from callmon.replay.playback import Playback
from callmon.rules import SubjectKind

__all__ = [
    "ANNOUNCEMENT",
    "CAPTURES",
    "SOURCE",
    "Json",
    "Seen",
    "Step",
    "Visit",
    "ami_steps",
    "blind",
    "deaf",
    "engine",
    "exit_steps",
    "late",
    "log_events",
    "log_files",
    "log_steps",
    "log_truth",
    "messages",
    "recording",
    "seen",
    "tally",
    "tell",
    "timeline",
    "truth",
    "worst_start",
    "worst_wait",
]

CAPTURES = Path(__file__).parent / "captures" / "asterisk"

SOURCE = "pbx"

ALL_CLASSES = frozenset(("agent", "call", "dialplan", "system"))
"""The classes of events of the account that docs/feeds/asterisk.md recommends."""

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
"""What stands before the recordings of one way out, which have only what followed."""

Json = dict[str, Any]

Step = tuple[Micros, list[Event]]
"""What becomes known at an instant of our clock."""

OUTCOMES = {
    "abandoned": Outcome.ABANDONED,
    "answered": Outcome.ANSWERED,
    "crash": Outcome.LOST,
    "key": Outcome.KEY_EXIT,
    "leaveempty": Outcome.EMPTY,
    "redirected": Outcome.REDIRECTED,
    "timeout": Outcome.TIMEOUT,
    "withdraw": Outcome.WITHDRAWN,
}
"""Their words and ours. Whoever was refused, or hung up before the queue, is no contact."""

SAID_BY_THE_LOG = {
    "redirected": Outcome.ABANDONED,
    "still_waiting": Outcome.ABANDONED,
}
"""What queue_log has for ends it cannot tell. Who still waited when the truth was closed was
hung up with the server a moment later."""

ANNOUNCEMENT: dict[str, Micros] = {"billing": 2_500_000}
"""What an agent of the queue hears between picking up and talking: the caller waits on."""


class Visit(NamedTuple):
    """One visit of a caller to a queue, as he knows it."""

    queue: str
    outcome: Outcome
    joined: Micros
    wait: Micros | None  #: up to the agent's hello, or to leaving; None: he did not say
    contact: str
    row: Json  #: everything that was noted of it


class Seen(NamedTuple):
    """One visit, as the engine has it."""

    queue: str
    outcome: Outcome
    joined: Micros
    wait: Micros | None


def recording(scenario: str, name: str) -> Iterator[Json]:
    """Yield the lines of a recording of *scenario*, as ``22.10.1/main``."""
    with lzma.open(CAPTURES / scenario / f"{name}.jsonl.xz", "rt") as lines:
        for line in lines:
            yield json.loads(line)


def timeline(scenario: str) -> list[Json]:
    """Return what was done to the server, and when."""
    lines = (CAPTURES / scenario / "timeline.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@functools.cache
def truth(scenario: str) -> tuple[Visit, ...]:
    """Return every visit that began to wait and ended, by the time of joining."""
    visits = [_visit(row) for row in recording(scenario, "truth") if row["exit"] in OUTCOMES]
    return tuple(sorted(visits, key=lambda visit: visit.joined))


@functools.cache
def log_truth(scenario: str) -> tuple[Visit, ...]:
    """Return the same as queue_log, right as far as it goes, must have it."""
    outcomes = OUTCOMES | SAID_BY_THE_LOG
    visits = [
        _visit(row, outcomes) for row in recording(scenario, "truth") if row["exit"] in outcomes
    ]
    return tuple(sorted(visits, key=lambda visit: visit.joined))


def _visit(row: Json, outcomes: Mapping[str, Outcome] = OUTCOMES) -> Visit:
    queue = row["queue"].casefold()
    outcome = outcomes[row["exit"]]
    known = row.get("wait") is not None and row["exit"] != "still_waiting"
    wait = _micros(row["wait"]) if known else None
    if wait is not None and outcome is Outcome.ANSWERED:
        wait += ANNOUNCEMENT.get(queue, 0)
    return Visit(queue, outcome, _micros(row["t_join"]), wait, row["uniqueid"], row)


def _micros(seconds: float) -> Micros:
    return round(seconds * SECOND)


TOLD = frozenset(
    """AgentCalled AgentComplete AgentConnect AgentDump AgentRingNoAnswer FullyBooted Hangup
    HangupRequest OriginateResponse QueueCallerAbandon QueueCallerJoin QueueCallerLeave
    QueueEntry QueueMember QueueMemberAdded QueueMemberPause QueueMemberPenalty
    QueueMemberRemoved QueueMemberRinginuse QueueMemberStatus QueueParams
    QueueStatusComplete Reload Shutdown SoftHangupRequest""".split()  # noqa: SIM905 - a list this long reads better as words
)
"""The events that ``messages`` builds. The others are half of the stream."""


@functools.lru_cache(maxsize=6)
def messages(scenario: str, name: str) -> tuple[tuple[Micros, Message], ...]:
    """Return the messages of a recording, each with the moment of its last byte."""
    found: list[tuple[Micros, Message]] = []
    decoder = AmiDecoder(TOLD)
    for line in recording(scenario, name):
        at = _micros(line["t"])
        if line.get("mark") == "connected":
            decoder = AmiDecoder(TOLD)
        elif "s" in line:
            found += [(at, message) for message in decoder.decode(line["s"].encode("latin-1"))]
    return tuple(found)


# ---- the log ---------------------------------------------------------------------------


def log_files(scenario: str) -> list[bytes]:
    """Return the files that the log became, oldest first, whole: also what was deleted."""
    files: dict[int, bytes] = {}
    for line in recording(scenario, "queue_log"):
        if "s" in line:
            files[line["gen"]] = files.get(line["gen"], b"") + line["s"].encode("latin-1")
    return [files[generation] for generation in sorted(files)]


def log_events(scenario: str) -> Iterator[Step]:
    """Yield the log's events as a daemon has them that follows it: when they are on disk."""
    decoder = QueueLogDecoder(SOURCE)
    generation = 0
    for line in recording(scenario, "queue_log"):
        if "s" not in line:
            continue
        data = line["s"].encode("latin-1")
        if line["gen"] != generation:
            generation = line["gen"]
            decoder.begin(base=int(data.partition(b"|")[0]) * SECOND)
        yield _micros(line["t"]), decoder.decode(data)


# ---- AMI -------------------------------------------------------------------------------


@functools.lru_cache(maxsize=6)
def ami_steps(scenario: str, name: str, since: Micros = 0) -> tuple[Step, ...]:
    """Return what the AMI feed tells of a recording, its ups and downs included.

    With *since* by a feed that knows nothing of what was before.
    """
    interpreter = AmiInterpreter(SOURCE)
    playback = Playback(interpreter)
    steps: list[Step] = []
    up = False
    with lzma.open(CAPTURES / scenario / f"{name}.jsonl.xz", "rt") as lines:
        for record in parse_records(lines):
            if record.at < since:
                continue
            steps += playback.play(record)
            if interpreter.synced != up:
                up = interpreter.synced
                steps.append((record.at, [_changed("ami", record.at, up=up, live=True)]))
    return tuple(steps + _last_ticks(interpreter))


def exit_steps(path: Path, classes: frozenset[str] = ALL_CLASSES) -> tuple[Step, ...]:
    """Return what the AMI feed tells of a recording of one way out.

    There is no other time in it than that of its events. *classes* are those of events that
    the account may read.
    """
    interpreter = AmiInterpreter(SOURCE)
    messages = AmiDecoder().decode(BANNER + path.read_bytes())
    interpreter.connected(now := message_time(messages[0]) or 0)
    steps: list[Step] = []
    for message in messages:
        if message.get("Privilege", "").partition(",")[0] not in {"", *classes}:
            continue
        if message.get("EventList") == "start":
            interpreter.expect(message["ActionID"])
        now = message_time(message) or now
        while (due := interpreter.due) is not None and due < now:
            steps.append((due, interpreter.tick(due)))
        steps.append((now, interpreter.take(message, now)))
    return tuple(steps + _last_ticks(interpreter))


def _last_ticks(interpreter: AmiInterpreter) -> list[Step]:
    """Let time pass until nothing more comes of it."""
    steps: list[Step] = []
    while (due := interpreter.due) is not None:
        steps.append((due, interpreter.tick(due)))
    return steps


def _changed(feed: str, at: Micros, *, up: bool, live: bool) -> FeedChanged:
    return FeedChanged(at, SOURCE, 0, feed, up, live, live)


# ---- the engine ------------------------------------------------------------------------


def engine() -> Engine:
    """Return an engine that remembers every visit."""
    settings = EngineSettings(sources=(SOURCE,))
    return Engine(report_settings(settings), subject_state=TalliedState)


def tell(
    ami: Iterable[Step],
    log: Iterable[Step] = (),
    behind: Micros = 0,
    played: Engine | None = None,
) -> Engine:
    """Return an engine that was told what AMI and log tell, by the time of arrival.

    One of both may be *behind*: time goes no further than all have been heard.
    """
    if played is None:
        played = engine()
        played.apply(_changed("ami", 0, up=False, live=True))
    steps = heapq.merge(
        ((at, True, events) for at, events in ami),
        ((at, False, events) for at, events in log),
        key=lambda step: step[0],
    )
    for at, live, events in steps:
        played.apply_all(events, live=live)
        played.advance(at - behind)
    return played


def late(steps: Iterable[Step], by: Micros) -> Iterator[Step]:
    """Yield *steps* as they come from a feed that is behind."""
    return ((at + by, events) for at, events in steps)


def log_steps(scenario: str) -> tuple[Step, ...]:
    """Return what the log's feed tells, its beginning included."""
    return ((0, [_changed("log", 0, up=True, live=False)]), *log_events(scenario))


def blind(steps: Iterable[Step], begin: Micros, end: Micros) -> Iterator[Step]:
    """Yield *steps* of the log as they come when its file cannot be read for a while."""
    before, during, after = _cut(steps, begin, end)
    yield from before
    yield begin, [_changed("log", begin, up=False, live=False)]
    # A feed that sees again tells everything before it says that it is current.
    held = [event for _, events in during for event in events]
    yield end, [_changed("log", end, up=True, live=False), *held]
    yield from after


def deaf(steps: Iterable[Step], begin: Micros, end: Micros) -> Iterator[Step]:
    """Yield *steps* of AMI without what came while there was no connection.

    What an event after the gap refers to may have been in it; no list is asked for.
    """
    before, _, after = _cut(steps, begin, end)
    yield from before
    yield begin, [_changed("ami", begin, up=False, live=True)]
    yield end, [_changed("ami", end, up=True, live=True)]
    yield from after


def _cut(
    steps: Iterable[Step], begin: Micros, end: Micros
) -> tuple[list[Step], list[Step], list[Step]]:
    """Return what was before *begin*, between it and *end*, and after."""
    parts: tuple[list[Step], list[Step], list[Step]] = ([], [], [])
    for step in steps:
        parts[(step[0] >= begin) + (step[0] >= end)].append(step)
    return parts


def restarted(played: Engine) -> Engine:
    """Return an engine restored from a checkpoint of *played*, with what was seen before."""
    heir = engine()
    heir.restore({key: part for key, part in played.parts(whole=True).items() if part})
    for key, state in heir.subjects.items():
        former = played.subjects[key]
        if isinstance(state, TalliedState) and isinstance(former, TalliedState):
            state.visits = list(former.visits)
    return heir


def seen(played: Engine) -> list[Seen]:
    """Return every visit that has ended, by the time of joining."""
    return sorted(
        (
            Seen(name, visit.outcome, visit.start, visit.wait)
            for (kind, name), state in played.subjects.items()
            if kind is SubjectKind.QUEUE and isinstance(state, TalliedState)
            for visit in state.visits
        ),
        key=lambda visit: visit.joined,
    )


# ---- comparing -------------------------------------------------------------------------


def tally(visits: Iterable[Visit | Seen]) -> Counter[tuple[str, str]]:
    """Return how many visits of which queue ended how."""
    return Counter((visit.queue, visit.outcome.name.lower()) for visit in visits)


def worst_wait(expected: Sequence[Visit], found: Sequence[Seen]) -> Micros:
    """Return by how much the waits of one queue and outcome differ at most.

    Pairing both in ascending order gives the least such difference of all pairings: each
    call having the right wait within a tolerance implies this figure to be within it.
    """
    found = list(found)
    for visit in expected:
        if visit.wait is None and visit.outcome is not Outcome.LOST:
            found.remove(_nearest(visit, found))
    return _worst(expected, found, lambda visit: visit.wait)


def worst_start(expected: Sequence[Visit], found: Sequence[Seen]) -> Micros:
    """Return the same of the moments of joining."""
    return _worst(expected, found, lambda visit: visit.joined)


def _nearest(visit: Visit, found: Iterable[Seen]) -> Seen:
    of_queue = (other for other in found if other.queue == visit.queue)
    return min(of_queue, key=lambda other: abs(other.joined - visit.joined))


def _worst(
    expected: Iterable[Visit],
    found: Iterable[Seen],
    figure: Callable[[Visit | Seen], Micros | None],
) -> Micros:
    theirs, ours = _figures(expected, figure), _figures(found, figure)
    assert {key: len(values) for key, values in theirs.items()} == {
        key: len(values) for key, values in ours.items()
    }
    return max(
        abs(one - other)
        for key, values in theirs.items()
        for one, other in zip(sorted(values), sorted(ours[key]), strict=True)
    )


def _figures(
    visits: Iterable[Visit | Seen], figure: Callable[[Visit | Seen], Micros | None]
) -> dict[tuple[str, Outcome], list[Micros]]:
    """Return the known figures by queue and outcome. Nobody measures the waits of the lost."""
    figures: dict[tuple[str, Outcome], list[Micros]] = {}
    for visit in visits:
        value = figure(visit)
        if visit.outcome is not Outcome.LOST and value is not None:
            figures.setdefault((visit.queue, visit.outcome), []).append(value)
    return figures
