"""What a wallboard shows, and in which order."""

import dataclasses
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.board import LIVE, TODAY, WINDOWED, Level, Row, Standing, kept, ranked, row_of
from callmon.clock import SECOND, Micros
from callmon.engine import Engine, EngineSettings
from callmon.events import ContactJoined, ContactLeft, Event, FeedChanged, Outcome
from callmon.measures import MEASURES
from callmon.queues import GroupSettings, QueueSettings, WindowSpec
from callmon.rules import (
    Direction,
    Escalation,
    Limits,
    Selector,
    Severity,
    Subject,
    SubjectKind,
    Threshold,
)
from callmon.thresholds import State

TEN: Micros = 1_795_399_200 * SECOND
QUEUE = SubjectKind.QUEUE
LONG_WAIT = Threshold(
    name="long_wait",
    measure="longest_wait",
    window=None,
    severity=Severity.WARNING,
    select=Selector(queues=("*",)),
    limits=Limits(direction=Direction.ABOVE, limit=Fraction(60 * SECOND), hold=10 * SECOND),
    escalate=(Escalation(after=60 * SECOND, severity=Severity.CRITICAL),),
)
HANG_UPS = Threshold(
    name="hang_ups",
    measure="abandonment_rate",
    window="15m",
    severity=Severity.INFO,
    select=Selector(queues=("*",)),
    limits=Limits(direction=Direction.ABOVE, limit=Fraction(1, 5)),
)
SETTINGS = EngineSettings(
    queues=tuple(QueueSettings(name=name) for name in ("sales", "vip")),
    groups=(GroupSettings(name="all", queues=("*",)),),
    thresholds=(LONG_WAIT, HANG_UPS),
    windows=(
        WindowSpec(name="15m", length=900 * SECOND),
        WindowSpec(name="today", day=True),
    ),
    sources=("pbx",),
    live_sources=frozenset({"pbx"}),
)


class Centre:
    """An engine that a live feed tells of two queues."""

    def __init__(self) -> None:
        self.engine = Engine(SETTINGS, TEN)
        self.up()

    def up(self, *, up: bool = True) -> None:
        """The feed sees, or is blind."""
        self.tell(FeedChanged(self.engine.now, "pbx", 0, "ami", up, live=True, agents=True))

    def tell(self, *events: Event) -> None:
        """Take events of the feed."""
        self.engine.apply_all(events, live=True)
        self.engine.drain()

    def join(self, after: Micros = 0, contact: str = "c1") -> None:
        """A caller comes to sales."""
        self.tell(ContactJoined(TEN + after, "pbx", 0, "sales", contact))

    def leave(self, after: Micros, contact: str = "c1") -> None:
        """He hangs up."""
        told = ContactLeft(
            TEN + after, "pbx", 0, "sales", contact, Outcome.ABANDONED, after, certain=True
        )
        self.tell(told)

    def row(self, after: Micros = 0, name: str = "sales", kind: SubjectKind = QUEUE) -> Row:
        """Return the row of a subject so long after the start."""
        self.engine.advance(TEN + after)
        self.engine.drain()
        state = self.engine.subjects[kind, name]
        return row_of(state, self.engine.watches(state), "15m", self.engine.now)


def test_a_row_holds_every_figure_by_the_name_of_its_measure() -> None:
    """What a board shows is what the measures say, and nothing else."""
    row = Centre().row()
    assert set(row.live) == set(LIVE)
    assert set(row.window) == set(WINDOWED)
    assert set(row.today) == set(TODAY)
    assert set(LIVE) | set(WINDOWED) | set(TODAY) <= set(MEASURES)


def test_nothing_is_known_without_a_contact() -> None:
    """A rate of nobody is None, a count of nobody 0."""
    row = Centre().row()
    assert row.window["abandonment_rate"] is None
    assert row.window["service_level"] is None
    assert row.live["waiting"] == (0, 1, 0)
    assert row.longest_wait(TEN) == 0


def test_a_row_stays_equal_while_only_time_passes() -> None:
    """A caller who goes on waiting is no news: what grows is told by when it began."""
    centre = Centre()
    centre.join()
    first, later = centre.row(21 * SECOND), centre.row(59 * SECOND)
    assert first == later
    assert later.oldest_at == TEN
    assert later.longest_wait(TEN + 59 * SECOND) == 59 * SECOND


def test_levels_follow_the_threshold_through_its_life() -> None:
    """Calm, pending, warning, critical, and calm again."""
    centre = Centre()
    centre.join()
    assert centre.row(59 * SECOND).level is Level.CALM
    assert centre.row(60 * SECOND).level is Level.PENDING
    assert centre.row(70 * SECOND).level is Level.WARNING
    critical = centre.row(130 * SECOND)
    assert critical.level is Level.CRITICAL
    assert critical.mark("longest_wait", None) is Level.CRITICAL
    assert critical.mark("longest_wait", "15m") is Level.CALM
    centre.leave(131 * SECOND)
    after = centre.row(131 * SECOND)
    assert (after.level, after.mark("abandonment_rate", "15m")) == (Level.INFO, Level.INFO)


def test_a_standing_says_since_when_and_when_its_worst_alert_came() -> None:
    """The condition began at 60 s, the critical alert came at 130 s."""
    centre = Centre()
    centre.join()
    (breach,) = centre.row(130 * SECOND).breaches
    assert breach == Standing(
        threshold="long_wait",
        measure="longest_wait",
        window=None,
        direction=Direction.ABOVE,
        limit=Fraction(60 * SECOND),
        state=State.FIRING,
        level=Level.CRITICAL,
        since=TEN + 60 * SECOND,
        raised_at=TEN + 130 * SECOND,
    )


def test_a_blind_queue_is_worse_than_a_warning_and_shows_nothing() -> None:
    """Who sees nothing knows nothing; only a critical alert that stands is worse."""
    centre = Centre()
    centre.join()
    assert centre.row(70 * SECOND).level is Level.WARNING
    centre.up(up=False)
    row = centre.row(71 * SECOND)
    assert (row.level, row.blind) == (Level.BLIND, True)
    assert row.live["waiting"] is None
    assert row.longest_wait(TEN) is None
    assert Level.CRITICAL.rank < Level.BLIND.rank < Level.WARNING.rank


def test_a_critical_alert_stays_in_sight_while_blind() -> None:
    """It was raised, and nothing says that it is over."""
    centre = Centre()
    centre.join()
    centre.row(130 * SECOND)
    centre.up(up=False)
    row = centre.row(131 * SECOND)
    assert (row.level, row.blind) == (Level.CRITICAL, True)


def test_a_blind_row_can_be_shown_as_it_was_last_seen() -> None:
    """The figures are those of then, and it says of when; the level is that of now."""
    centre = Centre()
    centre.join()
    seen = centre.row(30 * SECOND)
    centre.up(up=False)
    blind = centre.row(90 * SECOND)
    shown = kept(blind, seen, TEN + 30 * SECOND)
    assert (shown.level, shown.blind, shown.as_of) == (Level.BLIND, True, TEN + 30 * SECOND)
    assert (shown.live, shown.oldest_at) == (seen.live, seen.oldest_at)
    assert (shown.window, shown.today) == (seen.window, seen.today)
    assert set(blind.window.values()) | set(blind.today.values()) == {None}


def test_a_group_has_a_row_like_a_queue() -> None:
    """All measures work on groups too."""
    centre = Centre()
    centre.join()
    row = centre.row(5 * SECOND, "all", SubjectKind.GROUP)
    assert (row.id, row.live["waiting"]) == ("group:all", (1, 1, 1))


BLANK = Centre().row()


def a_row(level: Level, over: int | None, name: str, kind: SubjectKind = QUEUE) -> Row:
    """Return a row of that rank."""
    live = dict(BLANK.live) | {"waiting_over_target": None if over is None else (over, 1, over)}
    return dataclasses.replace(
        BLANK, subject=Subject(kind=kind, name=name), level=level, live=live
    )


def test_the_worst_comes_first_and_the_calm_stay_where_they_are() -> None:
    """By level, then by callers over the target, then groups, then names."""
    rows = [
        a_row(Level.CALM, 0, "b"),
        a_row(Level.CALM, 0, "a"),
        a_row(Level.CALM, 0, "z", SubjectKind.GROUP),
        a_row(Level.WARNING, 1, "c"),
        a_row(Level.WARNING, 4, "d"),
        a_row(Level.BLIND, None, "e"),
        a_row(Level.CRITICAL, 0, "f"),
    ]
    assert [row.subject.name for row in ranked(rows)] == ["f", "e", "d", "c", "z", "a", "b"]


ROWS = st.lists(
    st.builds(
        a_row, st.sampled_from(Level), st.sampled_from((None, 0, 1)), st.sampled_from("abcd")
    ),
    max_size=6,
    unique_by=lambda row: row.id,
)


@given(ROWS)
def test_the_order_does_not_depend_on_where_rows_came_from(rows: list[Row]) -> None:
    """However they are handed in, they are ranked alike, and none is lost."""
    first, second = ranked(rows), ranked(rows[::-1])
    key = [(row.level, row.live["waiting_over_target"] or 0, row.id) for row in first]
    assert key == [(row.level, row.live["waiting_over_target"] or 0, row.id) for row in second]
    assert [row.level.rank for row in first] == sorted(row.level.rank for row in rows)


@pytest.mark.parametrize("level", list(Level))
def test_every_level_has_a_place_of_its_own(level: Level) -> None:
    """0 is the worst, calm the last."""
    assert level.rank == list(Level).index(level)
