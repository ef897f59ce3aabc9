"""Tests of the engine: names, feeds, checkpoints and reload."""

import dataclasses
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.alerts import Transition
from callmon.clock import SECOND, Micros
from callmon.engine import Engine, EngineSettings
from callmon.errors import DropReason
from callmon.events import (
    ContactJoined,
    ContactRefused,
    FeedChanged,
    Outcome,
    QueueReported,
    RingNotAnswered,
)
from callmon.queues import QueueSettings, Targets, WindowSpec
from callmon.rules import (
    Direction,
    Limits,
    Selector,
    SubjectKind,
)
from callmon.windows import FLAGS
from tests.sites import (
    EVERYONE,
    SOME_THRESHOLDS,
    above,
    engine_with,
    expected_figures,
    fingerprint,
    outcomes,
    queue,
    reborn,
    settings_with,
    shown_figures,
    threshold,
    turns,
)
from tests.stories import (
    BASE,
    SOURCE,
    Visit,
    answered,
    joined,
    left,
    stories,
    talk_ended,
    targets,
    tell,
)

HOUR: Micros = 3_600 * SECOND


# ---- names -----------------------------------------------------------------------------


def from_pbx(at: Micros, contact: str, name: str, source: str = SOURCE) -> ContactJoined:
    """Return a join as *source* tells it."""
    return ContactJoined(BASE + at, source, at, name, contact)


def names(engine: Engine) -> list[str]:
    """Return the names of all queues."""
    return [s.subject.name for s in engine.states() if s.subject.kind is SubjectKind.QUEUE]


def test_names_that_differ_in_case_are_one_queue() -> None:
    """Asterisk writes the dialplan's spelling in one line and the file's in another."""
    engine = Engine(EngineSettings(sources=(SOURCE,)))

    engine.apply(from_pbx(0, "a", "Sales"))
    engine.apply(left(5, "a", wait=5, queue="SALES", seq=9))

    assert ["sales"] == names(engine)
    assert {"abandoned": 1} == outcomes(queue(engine))


def test_an_unmapped_name_of_two_sources_is_two_queues() -> None:
    """From the start, so that no name changes when the second one speaks."""
    engine = Engine(EngineSettings(sources=("east", "west")))

    engine.apply(from_pbx(0, "a", "Sales", "east"))
    engine.apply(from_pbx(0, "a", "sales", "west"))

    assert ["sales@east", "sales@west"] == names(engine)
    assert [1, 1] == [queue(engine, name).arrived for name in names(engine)]


def test_origins_map_names_of_sources_to_our_queue() -> None:
    """Two names, or the same of two sources, are one queue; equal ids are two contacts."""
    settings = QueueSettings(name="VIP", origins=(("east", "Gold"), ("*", "silver")))
    engine = Engine(EngineSettings(queues=(settings,), sources=("east", "west")))

    engine.apply(from_pbx(0, "a", "gold", "east"))
    engine.apply(from_pbx(1, "a", "SILVER", "west"))
    engine.apply(from_pbx(2, "a", "gold", "west"))

    assert ["VIP", "gold@west"] == names(engine)
    assert [BASE, BASE + 1] == queue(engine, "VIP").starts


def test_queues_are_limited() -> None:
    """A log full of invented names opens no more queues than allowed, and each is counted."""
    engine = Engine(EngineSettings(sources=(SOURCE,), queue_limit=2))

    for number in range(5):
        engine.apply(from_pbx(number, "a", f"q{number}"))

    assert ["q0", "q1"] == names(engine)
    assert {DropReason.QUEUE_LIMIT: 3} == engine.dropped


def test_a_configured_queue_is_there_before_its_first_call() -> None:
    """It shows zeros, not nothing; so does its group."""
    engine = engine_with()

    assert ["sales", "support", "everyone"] == [s.subject.name for s in engine.states()]


def test_rings_and_refusals_are_counted() -> None:
    """They touch no contact: the one who rings goes on waiting, the refused never came."""
    engine = engine_with()
    engine.apply_all(
        [
            joined(0, "a", seq=1),
            RingNotAnswered(BASE + 1, SOURCE, 2, "sales", "a", 1, "agent"),
            ContactRefused(BASE + 1, SOURCE, 3, "sales", "b", "full"),
            ContactRefused(BASE + 1, SOURCE, 4, "sales", "c", "full"),
        ]
    )

    assert (1, {"full": 2}, 1) == (
        queue(engine).rings,
        queue(engine).refused,
        queue(engine).arrived,
    )
    assert [BASE] == queue(engine).starts


# ---- seeing ----------------------------------------------------------------------------


def feed(at: Micros, *, up: bool, name: str = "log", source: str = SOURCE) -> FeedChanged:
    """Return a change of a feed."""
    return FeedChanged(BASE + at, source, 0, name, up)


def blind(engine: Engine) -> dict[str, bool]:
    """Return which subjects are blind."""
    return {state.subject.name: state.blind for state in engine.states()}


def test_a_queue_is_blind_when_no_feed_of_its_source_is_up() -> None:
    """So is a group with a blind member; one feed of two that is up is enough to see."""
    engine = Engine(settings_with(sources=("east", "west")), BASE)
    engine.apply(from_pbx(0, "a", "sales", "east"))
    engine.apply(from_pbx(0, "a", "support", "west"))
    engine.apply_all([feed(1, up=True, name=n, source="east") for n in ("log", "ami")])

    engine.apply(feed(2, up=False, name="log", source="east"))
    assert {"sales": False, "support": False, "everyone": False} == blind(engine)
    engine.apply(feed(3, up=False, name="ami", source="east"))
    assert {"sales": True, "support": False, "everyone": True} == blind(engine)
    engine.apply(feed(4, up=True, name="ami", source="east"))
    assert {"sales": False, "support": False, "everyone": False} == blind(engine)


def test_a_queue_nobody_has_spoken_of_is_blind_when_all_sources_are() -> None:
    """It may belong to any of them."""
    engine = engine_with()

    engine.apply(feed(0, up=False))
    assert {"sales": True, "support": True, "everyone": True} == blind(engine)
    engine.apply(feed(1, up=True))
    assert {"sales": False, "support": False, "everyone": False} == blind(engine)


def test_a_queue_that_appears_while_its_source_is_blind_is_blind() -> None:
    """The last lines of a log that went away: its queue and group are blind at once."""
    engine = Engine(EngineSettings(groups=(EVERYONE,), sources=(SOURCE,)), BASE)
    engine.apply(feed(0, up=False))

    engine.apply(joined(1, "a", seq=1))

    assert {"sales": True, "everyone": True} == blind(engine)


def test_a_removed_feed_no_longer_blinds() -> None:
    """A feed that the configuration no longer has is no feed that is down."""
    engine = engine_with()
    engine.apply_all([feed(0, up=True), feed(0, up=False, name="ami"), joined(0, "a")])
    engine.apply(feed(1, up=False))
    assert blind(engine)["sales"]

    engine.remove_feed(SOURCE, "log")
    assert blind(engine)["sales"]
    engine.remove_feed(SOURCE, "ami")

    assert not blind(engine)["sales"]


def test_who_joins_after_a_feed_came_back_is_noticed_at_the_limit() -> None:
    """A feed that is lost and back, while nobody waits, takes no timer from the next."""
    long_wait = threshold("longest_wait", above(10), select=Selector(queues=("sales",)))
    engine = engine_with(thresholds=(long_wait,))
    engine.apply_all([feed(0, up=True), joined(1, "a", seq=1), answered(2, "a", 1, seq=2)])

    engine.apply_all([feed(3, up=False), feed(4, up=True), joined(5, "b", seq=3)])
    engine.advance(BASE + 100)

    assert [(15, "fired")] == [(t.at - BASE, t.kind) for t in engine.drain()]


# ---- time ------------------------------------------------------------------------------


def test_the_next_instant_is_told() -> None:
    """At once while something is unjudged, then the instant of the breach, then never."""
    engine = engine_with(thresholds=(threshold("longest_wait", above(10)),))
    engine.advance(BASE)
    assert engine.next_due() is None

    engine.apply(joined(5, "a", seq=1))
    assert BASE + 5 == engine.next_due()
    engine.advance(BASE + 5)
    assert BASE + 15 == engine.next_due()
    engine.advance(BASE + 15)

    fired = engine.drain()
    assert [(BASE + 15, "fired", "sales"), (BASE + 15, "fired", "everyone")] == [
        (t.at, t.kind, t.alert.subject.name) for t in fired
    ]
    assert engine.next_due() is None
    assert [] == engine.drain()


def test_who_is_answered_at_the_limit_did_not_breach() -> None:
    """A deadline is handled after the events of its instant."""
    engine = engine_with(thresholds=(threshold("longest_wait", above(10)),))

    engine.apply(joined(5, "a", seq=1))
    engine.apply(answered(15, "a", 10, seq=2))
    engine.advance(BASE + 100)

    assert [] == engine.drain()


def test_history_begins_where_the_longest_window_does() -> None:
    """Windows of thresholds count, and ``today`` by the zone that began its day first."""
    day = WindowSpec(name="today", day=True)
    hour = WindowSpec(name="1h", length=HOUR)
    zones = tuple(
        QueueSettings(name=zone, timezone=zone) for zone in ("Asia/Tokyo", "America/New_York")
    )
    noon = 1_700_000_000 // 86_400 * 86_400 * SECOND + 12 * HOUR

    assert noon - HOUR == Engine(EngineSettings(windows=(hour,))).history_start(noon)
    # Tokyo's day began at 15:00, New York's at 05:00 by UTC.
    assert noon - 21 * HOUR == Engine(
        EngineSettings(windows=(hour, day), queues=zones)
    ).history_start(noon)


def test_what_a_first_contact_makes_known_is_judged_at_once() -> None:
    """Reports did not say how many talk: who joins shows that nobody does, not a later look."""
    below = Limits(direction=Direction.BELOW, limit=Fraction(1))
    idle = threshold("talking", below, select=Selector(queues=("sales",)))
    engine = engine_with(thresholds=(idle,))
    engine.apply(QueueReported(BASE, SOURCE, 1, "sales", waiting=0, stale_after=50))

    engine.apply(joined(3, "a", seq=2))
    engine.advance(BASE + 100)

    assert [(3, "fired")] == [(t.at - BASE, t.kind) for t in engine.drain()]


# ---- checkpoints -----------------------------------------------------------------------


def test_a_queue_that_is_gone_comes_back_with_all_it_has() -> None:
    """A queue known only from the checkpoint shows its counters; a lost group does not."""
    first = engine_with()
    first.apply_all([joined(0, "a", "new", seq=1), left(3, "a", wait=3, queue="new", seq=2)])

    second = reborn(first, EngineSettings(sources=(SOURCE,)))

    assert ["new"] == names(second)
    assert {"abandoned": 1} == outcomes(queue(second, "new"))
    assert (SubjectKind.GROUP, "everyone") not in second.subjects


# ---- reload ----------------------------------------------------------------------------


def whole_turns(engine: Engine) -> list[Transition]:
    """Return the transitions with all their alerts say, in a fixed order at an instant."""
    return sorted(engine.drain(), key=lambda transition: turns([transition]))


@given(stories(), st.integers(0, 20))
def test_a_reload_of_the_same_settings_changes_nothing(
    visits: list[Visit], reload_at: int
) -> None:
    """State and transitions are those without it, values and worst values too."""
    events = tell(visits)
    thresholds = (*SOME_THRESHOLDS, threshold("longest_wait", above(2, keep=9), name="kept"))
    plain = engine_with(thresholds=thresholds)
    reloaded = engine_with(thresholds=thresholds)
    split = sum(event.at <= BASE + reload_at for event in events)

    plain.apply_all(events)
    reloaded.apply_all(events[:split])
    reloaded.reconfigure(settings_with(thresholds=thresholds), BASE + reload_at)
    reloaded.apply_all(events[split:])
    for engine in (plain, reloaded):
        engine.advance(BASE + 100)

    assert fingerprint(plain) == fingerprint(reloaded)
    assert whole_turns(plain) == whole_turns(reloaded)


def test_who_joins_after_a_reload_is_noticed_at_the_limit() -> None:
    """The timer of who waited before does not stand for a look at who came since."""
    long_wait = threshold("longest_wait", above(3), select=Selector(queues=("sales",)))
    engine = engine_with(thresholds=(long_wait,))
    engine.apply_all([joined(0, "a", seq=1), answered(1, "a", 1, seq=2)])

    engine.reconfigure(engine.settings, BASE + 1)  # nobody waits: nothing is due
    engine.apply(joined(2, "b", seq=3))
    engine.advance(BASE + 100)

    assert [(5, "fired")] == [(t.at - BASE, t.kind) for t in engine.drain()]


def test_while_nobody_waits_a_kept_alert_gets_no_worse() -> None:
    """The worst wait is that of a caller: ``keep`` is none, with or without a reload."""
    limits = above(3, keep=50)
    long_wait = threshold("longest_wait", limits, select=Selector(queues=("sales",)))
    engine = engine_with(thresholds=(long_wait,))
    engine.apply_all([joined(0, "a", seq=1), left(5, "a", wait=5, seq=2)])

    engine.reconfigure(engine.settings, BASE + 20)
    engine.advance(BASE + 100)

    assert [(3, "fired", Fraction(3)), (55, "ended", Fraction(5))] == [
        (t.at - BASE, t.kind, t.alert.peak) for t in engine.drain()
    ]


@given(stories(), targets, st.integers(0, 20))
def test_figures_after_a_reload_are_those_of_the_new_targets(
    visits: list[Visit], promised: Targets, reload_at: int
) -> None:
    """Windows survive and are judged anew: every figure is as if it had always been so."""
    events = tell(visits)
    split = sum(event.at <= BASE + reload_at for event in events)
    engine = engine_with(Targets(within=1))

    engine.apply_all(events[:split])
    engine.reconfigure(settings_with(promised), BASE + reload_at)
    engine.apply_all(events[split:])
    now = max([BASE + reload_at, *(event.at for event in events)])
    engine.advance(now)

    assert expected_figures(visits, now, promised) == shown_figures(engine, now)


def test_a_queue_that_is_given_a_name_goes_on_under_it() -> None:
    """Who waits, who talks, what has been and the counters: all of it, and nobody twice."""
    engine = engine_with(thresholds=(threshold("longest_wait", above(3), name="long_wait"),))
    engine.apply_all([joined(0, "a", seq=1), joined(0, "b", "support", seq=2)])
    engine.apply_all([joined(0, "c", seq=3), answered(0, "c", 0, seq=4)])
    engine.advance(BASE + 4)
    vip = QueueSettings(name="vip", origins=((SOURCE, "sales"),))
    new = settings_with(
        queues=(vip, QueueSettings(name="support")), thresholds=engine.settings.thresholds
    )
    engine.drain()

    engine.reconfigure(new, BASE + 5)
    told = [
        (change.kind, change.alert.subject.name)
        for change in engine.drain()
        if change.alert.subject.kind is SubjectKind.QUEUE
    ]
    assert ["support", "vip"] == names(engine)
    assert ([BASE], 1, 2) == (
        queue(engine, "vip").starts,
        queue(engine, "vip").talking,
        queue(engine, "vip").arrived,
    )
    engine.apply(left(9, "a", wait=9, seq=5))

    assert [("ended", "sales"), ("fired", "vip")] == told
    assert {"abandoned": 1, "answered": 1} == outcomes(queue(engine, "vip"))
    group = engine.subjects[SubjectKind.GROUP, "everyone"]
    assert (0, [BASE]) == (group.talking, group.starts)


def test_a_name_that_leads_to_another_queue_loses_who_waits() -> None:
    """Lost to the former queue, carried in to the other at his end; the rest goes on."""
    engine = engine_with()
    engine.apply_all([joined(0, "a", seq=1), joined(0, "b", "support", seq=2)])
    both = QueueSettings(name="support", origins=((SOURCE, "sales"), (SOURCE, "support")))

    engine.reconfigure(settings_with(queues=(both,)), BASE + 5)
    assert [BASE] == queue(engine, "support").starts
    engine.apply(left(9, "a", wait=9, seq=5))
    engine.apply(left(9, "b", wait=9, queue="support", seq=6))

    assert {"abandoned": 2} == outcomes(queue(engine, "support"))
    assert [] == engine.subjects[SubjectKind.GROUP, "everyone"].starts


def test_stored_counters_follow_a_new_name() -> None:
    """Whoever names a queue while callmon is stopped does not begin at zero."""
    former = engine_with(queues=())
    former.apply_all([joined(0, "a", seq=1), left(1, "a", wait=1, seq=2)])
    vip = QueueSettings(name="vip", origins=((SOURCE, "sales"),))

    engine = reborn(former, engine_with(queues=(vip,)).settings)

    assert ["vip"] == names(engine)
    assert {"abandoned": 1} == outcomes(queue(engine, "vip"))


def test_a_source_goes_on_under_another_name() -> None:
    """Nobody is told twice, and nobody stays behind."""
    engine = engine_with()
    engine.apply(joined(0, "a", seq=1))

    engine.rename_source(SOURCE, "other")
    event = left(2, "a", wait=2, seq=2)
    engine.apply(msgspec.structs.replace(event, source="other"))

    assert ({"abandoned": 1}, [], 1) == (
        outcomes(queue(engine)),
        queue(engine).starts,
        queue(engine).arrived,
    )


@pytest.mark.parametrize(("keep", "waiting"), [(False, 0), (True, 1)])
def test_with_its_last_feed_a_source_goes(keep: bool, waiting: int) -> None:
    """Its end of the wait will never come, unless another feed goes on."""
    engine = engine_with()
    engine.apply(FeedChanged(BASE, SOURCE, 0, "log", up=True))
    engine.apply(joined(0, "a", seq=1))

    engine.remove_feed(SOURCE, "log", keep=keep)

    assert waiting == len(queue(engine).starts)
    assert 1 - waiting == queue(engine).outcome_total(Outcome.LOST)


def test_a_group_of_other_members_is_summed_anew() -> None:
    """It shows what its members' windows hold, and from then on what they are told."""
    engine = engine_with()
    engine.apply_all(
        [
            joined(0, "a", seq=1),
            left(1, "a", wait=1, seq=2),
            joined(1, "b", "support", seq=3),
        ]
    )
    sales_only = dataclasses.replace(EVERYONE, queues=("sales",))

    engine.reconfigure(settings_with(groups=(sales_only,)), BASE + 2)
    group = engine.subjects[SubjectKind.GROUP, "everyone"]
    assert ({"abandoned": 1}, []) == (outcomes(group), group.starts)
    engine.reconfigure(settings_with(), BASE + 2)
    group = engine.subjects[SubjectKind.GROUP, "everyone"]
    assert ({"abandoned": 1}, [BASE + 1]) == (outcomes(group), group.starts)
    engine.apply(left(3, "b", wait=2, queue="support", seq=4))

    assert {"abandoned": 2} == outcomes(group)
    assert 2 == group.arrived


def test_a_new_queue_without_calls_leaves_its_group_as_it_is() -> None:
    """An alert of the group goes on, its counters too: nothing was added to it."""
    limits = threshold("waiting", above(0))
    engine = engine_with(thresholds=(limits,))
    engine.apply_all(
        [joined(0, "z", seq=1), left(0, "z", wait=0, seq=2), joined(0, "a", seq=3)]
    )
    engine.advance(BASE)
    assert 2 == len(engine.drain())
    group = engine.subjects[SubjectKind.GROUP, "everyone"]
    more = (*settings_with().queues, QueueSettings(name="surplus"))

    engine.reconfigure(settings_with(queues=more, thresholds=(limits,)), BASE + 1)

    assert [] == engine.drain()
    assert group is engine.subjects[SubjectKind.GROUP, "everyone"]
    engine.apply(joined(2, "b", "surplus", seq=4))
    assert 3 == group.arrived


def test_alerts_over_a_reload() -> None:
    """One of the same measure and window goes on; one that is gone ends as removed."""
    kept, gone = (
        threshold("waiting", above(0), name="kept"),
        threshold("arrived", above(0), "short"),
    )
    only_queues = Selector(queues=("sales",))
    kept = dataclasses.replace(kept, select=only_queues)
    gone = dataclasses.replace(gone, select=only_queues)
    engine = engine_with(thresholds=(kept, gone))
    engine.apply(joined(0, "a", seq=1))
    engine.advance(BASE)
    assert ["fired", "fired"] == [t.kind for t in engine.drain()]
    other = dataclasses.replace(gone, measure="talking", window=None)

    engine.reconfigure(settings_with(thresholds=(kept, other)), BASE + 1)

    (ended,) = engine.drain()
    assert ("ended", "t", "removed") == (
        ended.kind,
        ended.alert.threshold,
        ended.alert.ended and ended.alert.ended.value,
    )
    (alert,) = (alert for watch in engine.watches() for alert in watch.state.alerts())
    assert ("kept", BASE) == (alert.threshold, alert.since)


def test_a_forgotten_queue_takes_its_alerts_along() -> None:
    """A queue without calls that the configuration drops is gone; so is a group."""
    engine = engine_with(
        thresholds=(threshold("waiting", Limits(direction=Direction.BELOW, limit=Fraction(1))),)
    )
    engine.advance(BASE + 1)
    assert 3 == len(engine.drain())

    engine.reconfigure(EngineSettings(sources=(SOURCE,)), BASE + 2)

    assert [] == engine.states()
    assert ["ended"] * 3 == [t.kind for t in engine.drain()]


def test_another_time_zone_takes_effect_on_reload() -> None:
    """``today`` begins at the new zone's midnight, for thresholds as well."""
    day = WindowSpec(name="today", day=True)
    midnight = BASE - BASE % (24 * HOUR) + 24 * HOUR
    early = ContactJoined(midnight - HOUR, SOURCE, 1, "sales", "a")
    limits = threshold("arrived", above(0), "today", select=Selector(queues=("sales",)))

    def settings(zone: str) -> EngineSettings:
        queues = (QueueSettings(name="sales", timezone=zone),)
        return settings_with(queues=queues, groups=(), windows=(day,), thresholds=(limits,))

    engine = Engine(settings("UTC"), BASE)
    engine.apply(early)
    engine.advance(midnight + 1)
    assert ["fired", "ended"] == [t.kind for t in engine.drain()]

    engine.reconfigure(settings("America/New_York"), midnight + 2)

    window = queue(engine).windows["today"]
    window.sync(engine.now)
    assert 1 == window.arrived()
    assert ["fired"] == [t.kind for t in engine.drain()]


def test_the_lost_are_seen_when_a_second_join_shows_them() -> None:
    """A threshold on ``lost`` fires at the join that tells of the loss."""
    losses = threshold("lost", above(0), "short", select=Selector(queues=("sales",)))
    engine = engine_with(thresholds=(losses,))

    engine.apply_all([joined(0, "a", seq=1), joined(5, "a", seq=2)])
    engine.advance(BASE + 100)

    assert [(5, "fired"), (8, "ended")] == [(t.at - BASE, t.kind) for t in engine.drain()]


def test_an_answer_that_a_talk_shows_is_seen_at_once() -> None:
    """A garbled CONNECT: the end of the talk ends the alert on who waits."""
    long_wait = threshold("longest_wait", above(3), select=Selector(queues=("sales",)))
    engine = engine_with(thresholds=(long_wait,))

    engine.apply_all([joined(0, "a", seq=1), talk_ended(9, "a", 1, seq=2)])
    engine.advance(BASE + 100)

    assert [(3, "fired"), (9, "ended")] == [(t.at - BASE, t.kind) for t in engine.drain()]


@pytest.mark.parametrize("steps", [1, 7, 24 * 3_600])
def test_sweeping_does_not_depend_on_steps(steps: int) -> None:
    """Forty hours in one step or in many: what lost its end is lost at the same instant."""
    engine = engine_with()
    engine.apply(joined(0, "a", seq=1))

    for step in range(1, steps + 1):
        engine.advance(BASE + 40 * HOUR * step // steps)

    window_at = list(queue(engine).log.at)
    assert [(BASE + 24 * HOUR) // (6 * HOUR) * 6 * HOUR + 6 * HOUR] == window_at
    assert {"lost": 1} == outcomes(queue(engine))


def test_unknown_waits_are_marked() -> None:
    """The lost have no wait: it is in no mean and no bucket."""
    engine = engine_with()
    engine.apply_all([joined(0, "a", seq=1), joined(5, "a", seq=2)])

    assert 1 == queue(engine).counts[Outcome.LOST * FLAGS + 4]
    assert 0 == sum(map(sum, queue(engine).buckets))
