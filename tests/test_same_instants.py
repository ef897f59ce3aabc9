"""The same thresholds fire at the same instants live, in a replay and in a backtest.

A story is written as a queue_log. The daemon follows it under a clock that leaps, and what it
wrote into its journal is compared with every other way of living through the same story.
"""

import dataclasses
import datetime as dt
import functools
import gzip
import operator
import random
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import anyio
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from callmon.alert_history import STORM_MEASURE
from callmon.alerts import Transition
from callmon.clock import SECOND, Micros
from callmon.config import Config, load_config
from callmon.episodes import Episode
from callmon.journal import read_alerts
from callmon.journal.disk import NAME
from callmon.replay import play
from callmon.scenario.play import play_scenario
from callmon.scenario.reading import open_scenarios
from callmon.trial import history_of, run_trial
from tests.acceptance.driver import Daemon, LeapingClock, LogWriter, time_of

SOURCE = "pbx"
ZONE = ZoneInfo("Asia/Shanghai")
OPENING: Micros = int(dt.datetime.fromisoformat("2026-11-09T09:00+08:00").timestamp()) * SECOND
"""When the calendar of the stories opens."""

START: Micros = OPENING - 40 * SECOND
STEP: Micros = 10 * SECOND
"""Everything in a story happens at a multiple of it, and every limit is one: they collide."""

EXAMPLES = 15
"""Each is a daemon of its own, with a journal: more would take minutes, and so would making
one that fails smaller."""

SAMPLE = Path(__file__).parent.parent / "docs" / "administrators" / "sample" / "queue_log.gz"

CONFIG = """\
thresholds: thresholds.yml
timezone: Asia/Shanghai
feeds:
  log: {{type: queue_log, path: {folder}/queue_log, source: pbx}}
defaults:
  short_abandon: 10s
groups:
  everybody: {{queues: ["*"]}}
windows: [1m, 2m]
exported_windows: [1m]
storage: {{directory: {folder}/state}}
server: {{listen: "127.0.0.1:0"}}
logging: {{level: error}}
"""

THRESHOLDS = """\
thresholds:
  - name: long_wait
    measure: longest_wait
    above: 40s
    clear: 20s
    for: 10s
    keep: 30s
    escalate: [{after: 20s, severity: critical}]
    groups: all
    queues: all
    overrides:
      - {queues: [vip], above: 20s}
      - {during: rush, above: 60s, clear: 50s}
  - name: long_wait_open
    measure: longest_wait
    above: 30s
    severity: info
    active: opening
  - name: many_waiting
    measure: waiting
    above: 1
    clear: 1
    for: 20s
    keep: 0s
  - name: high_abandonment
    measure: abandonment_rate
    window: 2m
    above: 30%
    clear: 20%
    for: 10s
    at_least: 2
    active: opening
  - name: low_service_level
    measure: service_level_now
    window: 1m
    below: 80%
    at_least: 1
    keep: 10s
    queues: all
    groups: [everybody]
calendars:
  opening: {weekly: {mon-fri: "09:00-09:03"}}
  rush: {weekly: {mon: "09:01-09:02"}}
"""


DAY_CONFIG = CONFIG.replace("[1m, 2m]", "[15m, 30m, 1h]").replace("[1m]", "[15m]")
DAY_THRESHOLDS = """\
thresholds:
  - name: long_wait
    measure: longest_wait
    above: 3m
    clear: 2m
    for: 30s
    keep: 5m
    escalate: [{after: 3m, severity: critical}]
    overrides:
      - {queues: [vip], above: 1m}
      - {during: double_eleven, above: 2m, clear: 90s}
  - name: high_abandonment
    measure: abandonment_rate
    window: 1h
    above: 15%
    clear: 10%
    for: 2m
    at_least: 5
    active: hours
    queues: all
    groups: [everybody]
  - name: low_service_level
    measure: service_level
    window: 15m
    below: 80%
    clear: 85%
    at_least: 3
  - name: many_waiting
    measure: waiting
    above: 3
    for: 1m
    keep: 0s
    active: hours
calendars:
  hours: {weekly: {mon-fri: ["09:00-12:00", "13:00-18:00"]}, holidays: CN}
  evening: {weekly: {mon-sun: "18:00-09:00"}}
  double_eleven: {dates: [2026-11-10..2026-11-12]}
shifts: {day: hours, night: evening}
"""


SCENARIO = """\
config: callmon.yml
day: {day}
queues: [support, sales, vip]
scenarios:
  - name: the story
{load}    steps:
{steps}
"""


class Told(NamedTuple):
    """One alert, as everybody must have it."""

    threshold: str
    kind: str
    subject: str
    severity: str
    since: Micros
    fired_at: Micros
    raised_at: Micros
    ended_at: Micros | None
    ended: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """One call of a story, in steps."""

    queue: str
    joins: int
    waits: int
    leaves: str
    talks: int


calls = st.builds(
    Call,
    queue=st.sampled_from(("support", "vip")),
    joins=st.integers(0, 24),
    waits=st.integers(0, 9),
    leaves=st.sampled_from(("CONNECT", "CONNECT", "ABANDON", "EXITWITHTIMEOUT")),
    talks=st.integers(1, 4),
)


def lines_of(story: Sequence[Call]) -> list[str]:
    """Return *story* as Asterisk logs it, in order of time."""
    step = STEP // SECOND
    told: list[tuple[int, str]] = []
    for number, call in enumerate(story):
        name = f"{number}|{call.queue}"
        joined = START // SECOND + call.joins * step
        left, wait = joined + call.waits * step, call.waits * step
        told.append((joined, f"{name}|NONE|ENTERQUEUE|||1"))
        if call.leaves == "CONNECT":
            told.append((left, f"{name}|Ann|CONNECT|{wait}|{number}a|0"))
            talk = call.talks * step
            told.append((left + talk, f"{name}|Ann|COMPLETECALLER|{wait}|{talk}|1"))
        else:
            told.append((left, f"{name}|NONE|{call.leaves}|1|1|{wait}"))
    return [f"{at}|{line}" for at, line in sorted(told, key=lambda each: each[0])]


def write_site(folder: Path, config: str = CONFIG, thresholds: str = THRESHOLDS) -> Path:
    """Write both files into *folder*; return the path of callmon.yml."""
    path = folder / "callmon.yml"
    path.write_text(config.format(folder=folder))
    (folder / "thresholds.yml").write_text(thresholds)
    return path


async def leapt(daemon: Daemon, goal: Micros) -> None:
    """Leap to *goal*, and wait until the feed has looked since, and all is done."""
    assert daemon.app is not None
    feed = daemon.app.monitor.feeds["log"]
    await daemon.clock.leap(goal, 0)
    await daemon.until(lambda: feed.looked_at == goal, "the feed looks")
    await daemon.clock.settle(daemon.sleepers)


async def lived(
    path: Path,
    lines: Sequence[str],
    until: Micros,
    *,
    chance: random.Random,
    longest: Micros,
    late: Micros = 0,
) -> list[Transition]:
    """Have a daemon follow *lines* to *until*, by leaps of up to *longest*; return its news.

    Each line is there when its second comes, or *late* by so much; in between time leaps as it
    likes.
    """
    clock = LeapingClock(time_of(lines[0]) - SECOND)
    with LogWriter(path.with_name("queue_log")) as log:
        async with Daemon(path, clock) as daemon:
            told = 0
            while clock.now() < until:
                goal = min(clock.now() + chance.randint(1, longest // SECOND) * SECOND, until)
                if told < len(lines):
                    goal = min(goal, max(time_of(lines[told]) + late, clock.now()))
                ready = [line for line in lines[told:] if time_of(line) + late <= goal]
                log.write(ready)
                told += len(ready)
                await leapt(daemon, goal)
            await daemon.stop()
            return daemon.heard


def of_transitions(turns: Iterable[Transition]) -> set[Told]:
    """Return the alerts that *turns* tell of."""
    found: dict[tuple[object, ...], Told] = {}
    for turn in turns:
        alert = turn.alert
        told = Told(
            alert.threshold,
            alert.subject.kind.value,
            alert.subject.name,
            alert.severity.value,
            alert.since,
            alert.fired_at,
            alert.raised_at,
            alert.ended_at,
            None if alert.ended is None else alert.ended.value,
        )
        found[told[:4] + told[5:7]] = told
    return set(found.values())


def of_journal(path: Path) -> set[Told]:
    """Return the alerts that the daemon has written down."""
    return {
        Told(
            record.threshold,
            record.kind,
            record.subject,
            record.severity,
            record.since,
            record.fired_at,
            record.fired_at if record.raised_at is None else record.raised_at,
            record.ended_at,
            record.ended,
        )
        for record, _ in read_alerts(path, since=0, limit=100_000)
        if record.measure != STORM_MEASURE  # it speaks for others, and tells nothing new
    }


def of_episodes(episodes: Iterable[Episode]) -> set[Told]:
    """Return the alerts that a backtest's episodes were made of."""
    return {
        Told(
            each.threshold,
            each.subject.kind.value,
            each.subject.name,
            call.severity.value,
            each.since,
            each.fired_at,
            call.at,
            each.ended_at,
            None if each.ended is None else each.ended.value,
        )
        for each in episodes
        for call in each.calls
    }


def replayed(config: Config, log: Path, until: Micros) -> set[Told]:
    """Return what a replay of *log* finds out."""
    played = play([log], config.engine_settings(), source=SOURCE, until=until)
    return of_transitions(played.engine.drain())


def backtested(config: Config, logs: Sequence[Path], until: Micros) -> set[Told]:
    """Return what a backtest of *logs* finds out; without one, of the daemon's journal."""
    history = history_of(config, logs, SOURCE if logs else None)
    trial = run_trial(history, config.engine_settings(), config.thresholds, until=until)
    assert trial is not None
    return of_episodes(trial.episodes)


def scripted(config: Config, path: Path, text: str) -> set[Told]:
    """Return what `callmon test` sees in the scenario *text* beside callmon.yml at *path*."""
    file = path.with_name("scenario.yml")
    file.write_text(text)
    (scenario,) = open_scenarios(file, {}).scenarios(config)
    return of_transitions(play_scenario(scenario).transitions)


def loading(until: Micros) -> str:
    """Return a scenario that plays the log of its last day, to *until*."""
    return _scenario([(until, "nothing is firing")], load="    load: { files: queue_log }\n")


def sentences_of(story: Sequence[Call], until: Micros) -> str:
    """Return *story* as one tells it to `callmon test`."""
    steps: list[tuple[Micros, str]] = []
    for number, call in enumerate(story):
        joined = START + call.joins * STEP
        talk = call.talks * STEP // SECOND
        left = {
            "CONNECT": f"is answered by Ann and talks for {talk}s",
            "ABANDON": "hangs up",
            "EXITWITHTIMEOUT": "times out",
        }[call.leaves]
        steps.append((joined, f"caller {number} joins {call.queue}"))
        steps.append((joined + call.waits * STEP, f"caller {number} {left}"))
    return _scenario([*steps, (until, "nothing is firing")])


def _scenario(steps: Sequence[tuple[Micros, str]], *, load: str = "") -> str:
    ordered = sorted(steps, key=operator.itemgetter(0))
    told = [(dt.datetime.fromtimestamp(at // SECOND, ZONE), what) for at, what in ordered]
    lines = [f"      - on {at:%Y-%m-%d} at {at:%H:%M:%S} {what}" for at, what in told]
    return SCENARIO.format(day=f"{told[0][0]:%Y-%m-%d}", load=load, steps="\n".join(lines))


def compared(
    path: Path, lines: Sequence[str], until: Micros, chance: random.Random, longest: Micros
) -> set[Told]:
    """Live through *lines* in every way, and see that all agree; return the alerts."""
    live = functools.partial(lived, path, lines, until, chance=chance, longest=longest)
    heard = of_transitions(anyio.run(live))
    config = load_config(path, {})
    log = path.with_name("queue_log")
    assert heard == of_journal(config.storage_directory / NAME)
    assert heard == replayed(config, log, until)
    assert heard == backtested(config, [log], until)
    assert heard == backtested(config, [], until)
    assert heard == scripted(config, path, loading(until))
    return heard


@given(
    story=st.lists(calls, min_size=1, max_size=12),
    seed=st.integers(0, 99),
    longest=st.sampled_from((1, 7, 30)),
)
@settings(max_examples=EXAMPLES, phases=(Phase.explicit, Phase.reuse, Phase.generate))
def test_small_stories(story: list[Call], seed: int, longest: int) -> None:
    """Whatever happens: live, journal, replay and backtest have the same alerts."""
    lines = lines_of(story)
    until = time_of(lines[-1]) + 200 * SECOND

    with tempfile.TemporaryDirectory() as name:
        path = write_site(Path(name))
        heard = compared(path, lines, until, random.Random(seed), longest * SECOND)
        told = scripted(load_config(path, {}), path, sentences_of(story, until))
    assert heard == told


def test_a_day_of_a_centre(tmp_path: Path) -> None:
    """So it is on a bad day with lunch, shifts, escalation and whatever ends an alert."""
    day = dt.datetime.fromisoformat("2026-11-11T00:00+08:00")
    begin = int(day.timestamp()) * SECOND
    until = begin + 86_399 * SECOND
    with gzip.open(SAMPLE, "rt") as file:
        lines = [line.rstrip("\n") for line in file if begin <= time_of(line) < until]
    path = write_site(tmp_path, DAY_CONFIG, DAY_THRESHOLDS)

    told = compared(path, lines, until, random.Random(1), 600 * SECOND)

    assert {"recovered", "no_contacts", "closed"} == {each.ended for each in told}
    assert {each.threshold for each in told} == {
        threshold.name for threshold in load_config(path, {}).thresholds
    }
    assert {"warning", "critical"} == {each.severity for each in told}


def test_what_was_told_late(tmp_path: Path) -> None:
    """The daemon and its journal have an alert that the log alone does not bring about."""
    path = write_site(tmp_path)
    call = Call(queue="support", joins=20, waits=4, leaves="CONNECT", talks=1)
    first, *rest = lines_of([call])
    until = time_of(first) + 300 * SECOND
    path.with_name("queue_log").write_text(f"{first}\n")

    live = functools.partial(
        lived, path, rest, until, chance=random.Random(1), longest=SECOND, late=30 * SECOND
    )
    heard = of_transitions(anyio.run(live))

    config = load_config(path, {})
    log = path.with_name("queue_log")
    truth = replayed(config, log, until)
    assert {"long_wait"} == {each.threshold for each in heard - truth}
    assert truth == backtested(config, [log], until)
    assert heard == of_journal(config.storage_directory / NAME)
    assert heard == backtested(config, [], until)
