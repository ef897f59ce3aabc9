"""What on-call people want to know at the moment of telling: how it is now, how it came.

Reads the engine when a sink asks. Between, once a minute, it notes what every threshold
measures (for the trend) and how many agents are at work (for what will be usual in weeks).
Once each half-hour it reads what was usual at this time in earlier weeks.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

import structlog

from callmon.alerts import Alert, AlertKey, key_of
from callmon.baseline import Baseline, half_of, weeks_before
from callmon.causes import Cause, Gap, Present, cause_of, cause_text
from callmon.clock import SECOND, Clock, Micros, next_turn
from callmon.directory import Directory, EngineSettings
from callmon.engine import Engine
from callmon.intervals import HALF_HOUR
from callmon.journal.entries import JournalError, PastHalf, Staffing
from callmon.lately import lately_of
from callmon.measures import MEASURES, Reading
from callmon.queues import GroupSettings, SubjectState
from callmon.rules import Subject, SubjectKind
from callmon.sinks.payload import Content, Style, annotations_of, in_all_languages
from callmon.sparkline import LOOKS_BACK, sparkline
from callmon.thresholds import State
from callmon.trends import TrendKey, Trends
from callmon.watches import Watch
from callmon.wording import Language, agents_text, format_value, waiting_text

__all__ = ["Situation", "staff_name"]

log = structlog.get_logger(__name__)

MINUTE: Final[Micros] = 60 * SECOND

SLICE: Final = 200
"""Thresholds, or subjects, looked at between two turns of the event loop."""

HAND_ON_EVERY: Final = 5
"""Minutes after which the staffing of a half-hour that goes on is written down."""

GAPS: Final = 100
"""Gaps remembered: only those of the last half-hour matter."""

ThingT = TypeVar("ThingT")


def staff_name(kind: SubjectKind, name: str) -> str:
    """Return the name under which the agents of a subject are counted.

    Those of a group are not the sum over its queues: an agent may serve several.
    """
    return name if kind is SubjectKind.QUEUE else f"{kind.value}:{name}"


class Situation:
    """Answers for sinks and for the history what is going on around an alert.

    *feeds_of* names the feeds that tell of a subject; *keep* takes staffing to be stored;
    *read_past* returns stored half-hours, and may block.
    """

    def __init__(
        self,
        engine: Callable[[], Engine],
        clock: Clock,
        style: Callable[[], Style],
        *,
        feeds_of: Callable[[Subject], Collection[str]],
        keep: Callable[[Sequence[Staffing]], None],
        read_past: Callable[[Sequence[Micros]], Iterable[PastHalf]],
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._style = style
        self._feeds_of = feeds_of
        self._keep = keep
        self._read_past = read_past
        self._trends = Trends()
        self._staffed: dict[str, tuple[int, int]] = {}  #: samples and their sum, by name
        self._half: Micros = 0  #: the half-hour those are of
        self._rounds = 0
        self._sampled_at: Micros = 0
        self._gaps: deque[Gap] = deque(maxlen=GAPS)
        self._baseline = Baseline()
        self._learned: Micros | None = None  #: the half-hour for which the past was read
        self._unread = False
        self._settings: EngineSettings | None = None  #: what follows goes by them
        self._directory = Directory(EngineSettings())
        self._members: dict[str, tuple[int, tuple[str, ...]]] = {}  #: of groups

    # ---- what is told -------------------------------------------------------------

    def facts(self, content: Content) -> Mapping[str, str]:
        """Return what is true now, as annotations; nothing while the subject is blind."""
        subject = content.subject
        state = None if subject is None else self._state_of(subject)
        if state is None or state.blind:
            return {}
        now, style = self._engine().now, self._style()
        told = in_all_languages(style, lambda language: _around(state, now, language))
        key = content.key
        watch = self._engine().watch(key.kind, key.subject, key.threshold)
        if watch is None:
            return told
        reading = watch.read(now)
        told |= self._trend(watch, reading, now, style)
        alert = _standing(watch, key)
        if alert is None:
            return told
        value = _value(reading)
        present = alert if value is None else alert.as_it_is(value)
        told |= annotations_of(present, style)
        return told | self._causes(state, now, style)

    def cause(self, alert: Alert) -> str | None:
        """Return the likely cause of *alert*, as of now, in the first language."""
        state = self._state_of(alert.subject)
        if state is None or state.blind:
            return None
        style = self._style()
        return self._causes(state, self._engine().now, style).get("cause")

    def gap(self, feed: str, since: Micros, until: Micros) -> None:
        """Take that *feed* saw nothing between two instants."""
        self._gaps.append(Gap(feed=feed, since=since, until=until))

    def _trend(
        self, watch: Watch, reading: Reading | None, now: Micros, style: Style
    ) -> dict[str, str]:
        value = _value(reading)
        samples = [*self._trends.of(_trend_key(watch), now - LOOKS_BACK), (now, value)]
        unit = watch.measure.unit
        return in_all_languages(
            style, lambda language: {"trend": sparkline(samples, now, unit, language)}
        )

    def _causes(self, state: SubjectState, now: Micros, style: Style) -> dict[str, str]:
        cause = self._cause(state, now)
        if cause is None:
            return {}
        return in_all_languages(
            style, lambda language: {"cause": cause_text(cause, style.zone, language)}
        )

    def _cause(self, state: SubjectState, now: Micros) -> Cause | None:
        kind, name = state.subject.kind, state.subject.name
        lately = lately_of(state, now)
        staffed = MEASURES["agents_staffed"].read(state, None, now)
        usual = self._baseline.usual(
            self._queues_of(state),
            staff_name(kind, name),
            self._zone_of(state),
            lately.since,
            now,
        )
        present = Present(
            arrived=lately.arrived,
            staffed=None if staffed is None else staffed[0],
            talk=lately.talk,
            gap=self._gap_of(state.subject, now - HALF_HOUR),
        )
        return cause_of(present, usual)

    def _gap_of(self, subject: Subject, since: Micros) -> Gap | None:
        """Return the longest gap of its feeds that lasted beyond *since*."""
        recent = [gap for gap in self._gaps if gap.until > since]
        if not recent:
            return None
        feeds = self._feeds_of(subject)
        mine = (gap for gap in recent if gap.feed in feeds)
        return max(mine, key=lambda gap: gap.until - gap.since, default=None)

    # ---- what is usual ------------------------------------------------------------

    def wanted_starts(self, now: Micros) -> list[Micros]:
        """Return the half-hours of earlier weeks that tell what is usual until the next one.

        The last half-hour of now reaches into the one before.
        """
        self._renew()
        half = half_of(now)
        return sorted(
            {
                start
                for zone in self._directory.zones()
                for near in (half - HALF_HOUR, half, half + HALF_HOUR)
                for start in weeks_before(near, ZoneInfo(zone))
            }
        )

    def learn(self, baseline: Baseline) -> None:
        """Go by *baseline*, made of all ``wanted_starts``, from now on."""
        self._baseline = baseline

    async def run(self) -> None:
        """Note and learn, until cancelled."""
        await self._learn()
        while True:
            await self._clock.sleep(MINUTE - self._clock.now() % MINUTE)
            for _ in self.sample():
                await next_turn()
            await self._learn()

    async def _learn(self) -> None:
        """Read what is usual, if that was not read for this half-hour yet."""
        half = half_of(self._clock.now())
        if half == self._learned:
            return
        starts = self.wanted_starts(half)
        try:
            self.learn(await asyncio.to_thread(self._past, starts))
        except JournalError as error:
            if not self._unread:  # it is tried again each minute
                log.warning("past.unread", reason=error.reason, error=str(error))
            self._unread = True
        else:
            self._learned, self._unread = half, False

    def _past(self, starts: Sequence[Micros]) -> Baseline:
        """Return what was usual. Blocks on the disk."""
        return Baseline(self._read_past(starts))

    # ---- once a minute ------------------------------------------------------------

    def sample(self) -> Iterator[None]:
        """Note what is measured now; between two steps others may run."""
        engine = self._engine()
        if not engine.now or engine.now == self._sampled_at:
            return  # nothing is known of the time since
        self._sampled_at = engine.now
        self._begin_half(half_of(engine.now))
        settings = engine.settings
        sampled: set[TrendKey] = set()
        states, watches = engine.states(), list(engine.watches())
        for some in _sliced(watches):
            if self._engine() is not engine or engine.settings is not settings:
                return  # what is left may be no more
            for watch in some:
                sampled.add(self._note(watch, engine.now))
            yield
        self._trends.forget(sampled)
        for few in _sliced(states):
            self._count_agents(few, engine.now)
            yield

    def _note(self, watch: Watch, now: Micros) -> TrendKey:
        """Note what *watch* measures: outside ``active`` nothing that counts."""
        key = _trend_key(watch)
        reading = None if watch.state.state is State.OFF else watch.read(now)
        value = _value(reading)
        self._trends.sample(now, key, value)
        return key

    def _begin_half(self, half: Micros) -> None:
        """Hand on what is whole, and now and then what is not."""
        self._rounds += 1
        if half != self._half or self._rounds % HAND_ON_EVERY == 0:
            rows = [
                Staffing(name, self._half, samples, staffed)
                for name, (samples, staffed) in self._staffed.items()
            ]
            if rows:
                self._keep(rows)
        if half != self._half:
            self._half = half
            self._staffed.clear()

    def _count_agents(self, states: Iterable[SubjectState], now: Micros) -> None:
        measure = MEASURES["agents_staffed"]
        for state in states:
            reading = measure.read(state, None, now)
            if reading is not None:
                name = staff_name(state.subject.kind, state.subject.name)
                samples, staffed = self._staffed.get(name, (0, 0))
                self._staffed[name] = samples + 1, staffed + reading[0]

    # ---- who is who ---------------------------------------------------------------

    def _state_of(self, subject: Subject) -> SubjectState | None:
        return self._engine().subjects.get((subject.kind, subject.name))

    def _queues_of(self, state: SubjectState) -> tuple[str, ...]:
        """Return the queues that make up a subject."""
        self._renew()
        name = state.subject.name
        if state.subject.kind is SubjectKind.QUEUE:
            return (name,)
        subjects = self._engine().subjects
        of, members = self._members.get(name, (0, ()))
        group = self._directory.settings_of(SubjectKind.GROUP, name)
        # With the same settings subjects only come, so their number tells them all.
        if of != len(subjects) and isinstance(group, GroupSettings):
            queues = (queue for kind, queue in subjects if kind is SubjectKind.QUEUE)
            members = tuple(queue for queue in queues if group.has(queue))
            self._members[name] = len(subjects), members
        return members

    def _zone_of(self, state: SubjectState) -> ZoneInfo:
        self._renew()
        settings = self._directory.settings_of(state.subject.kind, state.subject.name)
        return ZoneInfo("UTC" if settings is None else settings.timezone)

    def _renew(self) -> None:
        """Go by the settings in force."""
        settings = self._engine().settings
        if settings is not self._settings:
            self._settings = settings
            self._directory = Directory(settings)
            self._members = {}


def _around(state: SubjectState, now: Micros, language: Language) -> dict[str, str | None]:
    """Return how it is at the subject, whatever the alert is about."""
    waiting = MEASURES["waiting"].read(state, None, now)
    longest = MEASURES["longest_wait"].read(state, None, now)
    staffed = MEASURES["agents_staffed"].read(state, None, now)
    available = MEASURES["agents_available"].read(state, None, now)
    told: dict[str, str | None] = {}
    if waiting is not None:
        told["waiting"] = waiting_text(waiting[0], language)
    if longest is not None and longest[0]:
        unit = MEASURES["longest_wait"].unit
        told["longest"] = format_value(unit, Fraction(longest[0]), language)
    if staffed is not None and available is not None:
        told["agents"] = agents_text(available[0], staffed[0], language)
    return told


def _standing(watch: Watch, key: AlertKey) -> Alert | None:
    """Return the alert of that key, if it still stands."""
    return next((alert for alert in watch.state.alerts() if key_of(alert) == key), None)


def _value(reading: Reading | None) -> Fraction | None:
    return None if reading is None else Fraction(reading[0], reading[1])


def _trend_key(watch: Watch) -> TrendKey:
    rule = watch.rule
    return rule.threshold.name, rule.subject.kind.value, rule.subject.name


def _sliced(things: Sequence[ThingT]) -> Iterator[Sequence[ThingT]]:
    for begin in range(0, len(things), SLICE):
        yield things[begin : begin + SLICE]
