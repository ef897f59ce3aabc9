"""Storms: what goes out, what is held, what follows."""

import dataclasses
from collections.abc import Callable, Mapping
from datetime import UTC
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.alerts import Alert, AlertKey, AlertStep
from callmon.clock import SECOND, Micros
from callmon.rules import Direction, Severity, Subject, SubjectKind
from callmon.sinks.ledger import Entry, Ledger, Limits, Road
from callmon.sinks.payload import Content, Style, content_of
from callmon.sinks.storm import STORM_NAME, StormLimits, Storms
from callmon.wording import Language
from tests.sinks.scripted_alertmanager import CountedDeliveries, Notebook

NOW = 1_000 * SECOND
STYLE = Style(zone=UTC, languages=(Language.ENGLISH, Language.CHINESE))
LIMITS = StormLimits(alerts=3, within=60 * SECOND, hold=300 * SECOND)


def a_content(
    queue: int | str,
    team: str = "blue",
    severity: Severity = Severity.WARNING,
    since: Micros = NOW,
    shift: str | None = None,
) -> Content:
    """Return an alert of one queue."""
    alert = Alert(
        threshold="long_wait",
        subject=Subject(
            kind=SubjectKind.QUEUE, name=f"queue {queue}", labels={"team": team} if team else {}
        ),
        severity=severity,
        measure="longest_wait",
        window=None,
        direction=Direction.ABOVE,
        limit=Fraction(180 * SECOND),
        since=since,
        fired_at=since,
        raised_at=since,
        value=Fraction(180 * SECOND),
        peak=Fraction(180 * SECOND),
        shift=shift,
    )
    return content_of(alert, STYLE)


class Weather:
    """A ledger with storms over it, and what was written down."""

    def __init__(
        self,
        facts: Callable[[Content], Mapping[str, str]] = lambda _content: {},
        *,
        capacity: int = 100,
        label: str = "team",
    ) -> None:
        self.unseen: set[str] = set()
        self.notes = Notebook()
        self.ledger = Ledger(
            ["one"],
            Limits(capacity=capacity),
            CountedDeliveries(),
            self.notes,
            wall=lambda: NOW,
            unseen=lambda content: content.key.subject in self.unseen,
        )
        limits = dataclasses.replace(LIMITS, label=label)
        self.storms = Storms(self.ledger, limits, STYLE, self.notes, facts)

    def fire(self, *contents: Content, at: Micros = NOW) -> None:
        """Let alerts come."""
        for content in contents:
            assert self.storms.fire(content, at, at)

    def end(self, content: Content, at: Micros) -> None:
        """Let an alert end."""
        self.ledger.end(content.labels, at, None, at)

    def on(self, *roads: Road) -> list[str]:
        """Return the queues of the alerts that fire on *roads*."""
        return [
            entry.content.key.subject
            for entry in self.ledger
            if entry.firing and entry.road in roads and entry.content.name != STORM_NAME
        ]

    def storm(self) -> Entry:
        """Return the only storm, be it over or not."""
        (found,) = [entry for entry in self.ledger if entry.content.name == STORM_NAME]
        return found

    def standing(self) -> int:
        """Return how many storms stand."""
        return sum(e.firing and e.content.name == STORM_NAME for e in self.ledger)


@pytest.fixture
def weather() -> Weather:
    """Return fair weather."""
    return Weather()


def test_as_many_as_allowed_go_out(weather: Weather) -> None:
    """The limit itself is no storm."""
    weather.fire(*(a_content(queue) for queue in range(3)))

    assert ["queue 0", "queue 1", "queue 2"] == weather.on(Road.UNDECIDED)
    assert 0 == weather.standing()
    assert weather.storms.next_look() is None


def test_what_comes_beyond_is_held_and_one_speaks_for_it(weather: Weather) -> None:
    """One storm for all the others, of the team, critical, with the shift on duty."""
    weather.fire(*(a_content(queue, shift="night") for queue in range(6)))

    assert ["queue 0", "queue 1", "queue 2"] == weather.on(Road.UNDECIDED)
    assert ["queue 3", "queue 4", "queue 5"] == weather.on(Road.HELD)
    assert (
        ("alertname", "QueueAlertStorm"),
        ("severity", "critical"),
        ("shift", "night"),
        ("team", "blue"),
    ) == weather.storm().content.labels
    assert [(AlertStep.HELD, "blue")] * 3 == weather.notes.of("long_wait")


def test_teams_have_storms_of_their_own(weather: Weather) -> None:
    """What one team gets does not keep another from being told."""
    weather.fire(*(a_content(queue, "blue") for queue in range(5)))
    weather.fire(*(a_content(queue, "red") for queue in range(10, 13)))
    weather.fire(*(a_content(queue, "") for queue in range(20, 24)))

    assert ["queue 3", "queue 4", "queue 23"] == weather.on(Road.HELD)
    assert 2 == weather.standing()


def test_a_slow_stream_is_no_storm(weather: Weather) -> None:
    """Only what comes within the time counts."""
    for queue in range(20):
        weather.fire(a_content(queue), at=NOW + queue * 20 * SECOND)

    assert [] == weather.on(Road.HELD)


def test_news_of_a_standing_alert_do_not_count(weather: Weather) -> None:
    """It has been told already, and a held one stays held."""
    contents = [a_content(queue) for queue in range(4)]
    weather.fire(*contents)
    weather.fire(*contents)

    assert ["queue 3"] == weather.on(Road.HELD)
    assert [(AlertStep.HELD, "blue")] == weather.notes.of("long_wait")


def test_what_is_left_of_a_small_storm_follows(weather: Weather) -> None:
    """After the hold those that still fire are told, and the storm is over."""
    contents = [a_content(queue) for queue in range(6)]
    weather.fire(*contents)
    storm = weather.storm()
    weather.end(contents[4], NOW + SECOND)
    due = weather.storms.next_look()

    weather.storms.look(NOW + 299 * SECOND, NOW + 299 * SECOND)
    early = weather.on(Road.HELD)
    weather.storms.look(NOW + 300 * SECOND, NOW + 300 * SECOND)

    assert NOW + 300 * SECOND == due
    assert ["queue 3", "queue 5"] == early
    assert [] == weather.on(Road.HELD)
    assert 0 == weather.standing()
    assert 2 == weather.notes.of("long_wait").count((AlertStep.FOLLOWED, ""))
    ended = {name for name in storm.content.annotations if name.startswith("ended")}
    assert {"ended", "ended_zh"} == ended


def test_a_storm_goes_on_while_too_many_are_left(weather: Weather) -> None:
    """Two hundred messages five minutes late are no better."""
    weather.fire(*(a_content(queue) for queue in range(9)))

    weather.storms.look(NOW + 300 * SECOND, NOW + 300 * SECOND)

    assert 6 == len(weather.on(Road.HELD))
    assert NOW + 600 * SECOND == weather.storms.next_look()


def test_what_comes_during_a_storm_is_held_however_late(weather: Weather) -> None:
    """An escalation in the midst of it would be one message more."""
    weather.fire(*(a_content(queue) for queue in range(4)))
    weather.fire(a_content(0, severity=Severity.CRITICAL), at=NOW + 200 * SECOND)

    assert ["queue 3", "queue 0"] == weather.on(Road.HELD)


def test_what_cannot_be_seen_does_not_follow(weather: Weather) -> None:
    """Of a queue we are blind to nothing is said; the storm goes on."""
    weather.fire(*(a_content(queue) for queue in range(5)))
    weather.unseen = {"queue 3"}

    weather.storms.look(NOW + 300 * SECOND, NOW + 300 * SECOND)

    assert ["queue 3", "queue 4"] == weather.on(Road.HELD)
    assert 1 == weather.standing()


def test_a_held_alert_that_ends_is_gone_without_a_word(weather: Weather) -> None:
    """Nobody was told that it began."""
    contents = [a_content(queue) for queue in range(4)]
    weather.fire(*contents)

    weather.end(contents[3], NOW + SECOND)
    weather.ledger.decide(NOW + SECOND)

    assert weather.ledger.get(contents[3].labels) is None
    assert [(AlertStep.HELD, "blue")] == weather.notes.of("long_wait")


def test_a_held_alert_has_no_duty_and_no_series(weather: Weather) -> None:
    """On neither road."""
    contents = [a_content(queue) for queue in range(4)]
    weather.fire(*contents)
    weather.ledger.decide(NOW + 3_600 * SECOND)

    taken = weather.ledger.take("one", NOW)

    held = contents[3].metric_labels
    assert held not in weather.ledger.handed_over()
    assert held not in {entry.content.metric_labels for entry in taken}
    assert 3 == len(weather.ledger.handed_over())
    assert 1 == len(weather.ledger.handed_over(STORM_NAME))


def test_the_text_names_how_many_and_the_worst_in_both_languages(weather: Weather) -> None:
    """The most urgent first, of those the ones that last longest."""
    weather.fire(*(a_content(queue, since=NOW - queue) for queue in range(3)))
    weather.fire(a_content(7, severity=Severity.CRITICAL))

    texts = weather.storms.annotations(weather.storm().content)

    assert "Alert storm of team blue: 4 alerts, 1 not sent one by one" == texts["summary"]
    assert "blue 组告警风暴：4 个告警，其中 1 个未逐条发送" == texts["summary_zh"]
    assert "1970-01-01 00:16:40 UTC" == texts["since"]
    order = [line.split(":")[0] for line in texts["worst"].splitlines()]
    assert ["queue 7", "queue 2", "queue 1", "queue 0"] == order
    assert texts["worst"] != texts["worst_zh"]


def test_the_worst_are_told_as_they_are_now_one_line_each() -> None:
    """Not with the figures of the moment they fired; a summary may have several lines."""
    weather = Weather(
        lambda content: {"summary": f"{content.key.subject}: longest wait 9 min\nHurry!"}
    )
    weather.fire(*(a_content(queue) for queue in range(4)))

    texts = weather.storms.annotations(weather.storm().content)

    assert [f"queue {queue}: longest wait 9 min" for queue in range(4)] == (
        texts["worst"].splitlines()
    )
    assert "queue 0：最长等待已达 3 分钟（限值 3 分钟）" == texts["worst_zh"].splitlines()[0]


def test_ten_long_names_are_not_too_much_for_a_chat(weather: Weather) -> None:
    """WeCom refuses more than 4,096 bytes; how bad it is stands at the end of a line."""
    weather.fire(*(a_content(f"{queue}{'队' * 200}") for queue in range(12)))

    worst = weather.storms.annotations(weather.storm().content)["worst_zh"]

    assert len(worst.encode()) < 3_200
    assert all(line.endswith("（限值 3 分钟）") for line in worst.splitlines())
    assert {100} == {len(line) for line in worst.splitlines()}


def test_a_storm_survives_a_restart(weather: Weather) -> None:
    """What was held is still held, and follows when it is time."""
    weather.fire(*(a_content(queue) for queue in range(5)))
    saved = weather.ledger.snapshot(NOW)

    after = Weather()
    after.ledger.restore(saved, NOW + SECOND)
    after.storms.restore(NOW + SECOND, NOW + SECOND)
    after.fire(a_content(9), at=NOW + 2 * SECOND)
    held = after.on(Road.HELD)
    after.storms.look(NOW + 301 * SECOND, NOW + 301 * SECOND)

    assert ["queue 3", "queue 4", "queue 9"] == held
    assert [] == after.on(Road.HELD)


def test_a_storm_is_written_down_from_its_beginning_to_its_end(weather: Weather) -> None:
    """With as many as stood."""
    weather.fire(*(a_content(queue) for queue in range(5)))
    later = NOW + 300 * SECOND
    weather.storms.look(later, later)

    key = AlertKey(STORM_NAME, "team", "blue", "critical", NOW)
    assert [(key, 4, None), (key, 5, later)] == weather.notes.storms


def test_how_many_a_storm_speaks_for_is_written_down_whenever_it_is_told(
    weather: Weather,
) -> None:
    """Between two looks there may be hundreds, and none of them at the next."""
    weather.fire(*(a_content(queue) for queue in range(30)))

    weather.storms.annotations(weather.storm().content)

    assert [4, 30] == [count for _, count, _ in weather.notes.storms]


def test_what_followed_just_before_a_kill_is_asked_for(weather: Weather) -> None:
    """What was kept last says that it is held, but it may stand at an Alertmanager."""
    weather.fire(*(a_content(queue) for queue in range(4)))
    (saved,) = [item for item in weather.ledger.snapshot(NOW) if item["road"] == "held"]

    assert [(True, False)] == [
        (duty["unsure"], duty["done"]) for duty in saved["duties"].values()
    ]


def test_what_no_storm_speaks_for_is_told(weather: Weather) -> None:
    """The storm was lost from what was kept, say: silence would be worst."""
    weather.fire(*(a_content(queue) for queue in range(5)))
    saved = [item for item in weather.ledger.snapshot(NOW) if item["name"] != STORM_NAME]

    after = Weather()
    after.ledger.restore(saved, NOW)
    after.storms.restore(NOW, NOW)

    assert [] == after.on(Road.HELD)


STEPS = st.lists(
    st.tuples(st.sampled_from(["fire", "end", "look"]), st.integers(0, 7), st.integers(0, 90)),
    max_size=40,
)


@given(STEPS)
def test_nothing_is_held_without_a_storm_and_no_more_go_out_than_allowed(
    steps: list[tuple[str, int, int]],
) -> None:
    """Whatever comes: within the time at most so many go out, or follow, at once."""
    weather, now = Weather(), NOW
    went: list[tuple[Micros, str]] = []
    for what, queue, seconds in steps:
        now += seconds * SECOND
        content = a_content(queue)
        if what == "fire":
            known = weather.ledger.get(content.labels)
            fresh = known is None or not known.firing
            weather.fire(content, at=now)
            if fresh and content.key.subject in weather.on(Road.UNDECIDED):
                went.append((now, content.key.subject))
        elif what == "end":
            weather.end(content, now)
        else:
            before = set(weather.on(Road.HELD))
            weather.storms.look(now, now)
            went += [(now, queue) for queue in before - set(weather.on(Road.HELD))]
        held = weather.on(Road.HELD)
        assert not held or weather.standing() == 1
        recent = [at for at, _ in went if at > now - LIMITS.within]
        # Those that follow are as many more, at most, and come when the first have passed.
        assert len(recent) <= 2 * LIMITS.alerts


def test_there_is_room_for_a_storm_where_there_is_none_for_alerts() -> None:
    """What is held would else be held in silence."""
    weather = Weather(capacity=4)
    weather.fire(*(a_content(queue) for queue in range(4)))

    assert ["queue 3"] == weather.on(Road.HELD)
    assert 1 == weather.standing()


def test_another_label_of_teams_makes_other_storms(weather: Weather) -> None:
    """After a reload the former storm is over, and what it held does not come as a flood."""
    weather.fire(*(a_content(queue) for queue in range(9)))

    after = Weather(label="site")
    after.ledger.restore(weather.ledger.snapshot(NOW), NOW)
    after.storms.restore(NOW, NOW)

    assert 6 == len(after.on(Road.HELD))
    standing = [e for e in after.ledger if e.firing and e.content.name == STORM_NAME]
    assert [""] == [entry.content.key.subject for entry in standing]
    assert ("blue", NOW) in [(key.subject, at) for key, _, at in after.notes.storms]


def test_a_storm_says_nothing_of_what_cannot_be_seen(weather: Weather) -> None:
    """Whether that still lasts nobody knows."""
    weather.fire(*(a_content(queue) for queue in range(6)))
    weather.unseen = {"queue 1", "queue 4"}

    texts = weather.storms.annotations(weather.storm().content)

    assert ("4", "2") == (texts["count"], texts["held"])
    assert 4 == len(texts["worst"].splitlines())
    assert "queue 1" not in texts["worst"]


def test_a_storm_that_a_reload_ended_stays_ended_in_the_history(weather: Weather) -> None:
    """Its end is posted with what is true then, which is no news of a storm that stands."""
    weather.fire(*(a_content(queue) for queue in range(12)))
    storm = weather.storm().content
    other = dataclasses.replace(LIMITS, label="site")
    after = Storms(weather.ledger, other, STYLE, weather.notes)

    after.restore(NOW, NOW)
    after.annotations(storm)

    ends = [ended for key, _, ended in weather.notes.storms if key == storm.key]
    assert NOW == ends[-1]
