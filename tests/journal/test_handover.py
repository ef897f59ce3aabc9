"""What waits stays bounded, and nobody is told of it who should not be."""

import pytest

from callmon.events import FeedChanged
from callmon.intervals import HALF_HOUR, Interval
from callmon.journal import AlertRecord, AlertStepRecord, Staffing, TimePassed, handover
from callmon.journal.handover import Handover, Load, Run
from tests.journal.desk import info, joined


def _handover(capacity: int = 10) -> Handover:
    return Handover(capacity, remembered=5, urgent=1_000)


def _run(number: int, feed: str = "mq") -> Run:
    return Run(feed, [joined(number)], [number], {"place": number})


def _take(desk: Handover) -> Load:
    load = desk.take()
    assert load is not None
    return load


def test_nothing_is_taken_where_nothing_waits() -> None:
    """The thread sleeps until there is something."""
    desk = _handover()

    assert desk.take() is None
    assert not desk.has_work()


def test_newer_news_takes_the_place_of_older() -> None:
    """What is told again and again while the disk fails takes no more room for that."""
    desk = _handover()
    for value in (b"1", b"2"):
        desk.add_kept("a", value)
        desk.add_feed(info(live=value == b"2"))
        desk.add_intervals([Interval("q", HALF_HOUR, "end", arrived=int(value))])
        desk.add_alerts([_alert(float(value))])

    load = _take(desk)

    assert {"a": b"2"} == load.known.kept
    assert load.known.feeds["mq"].live
    assert [2] == [row.arrived for row in load.intervals.values()]
    assert [2.0] == [row.value for row in load.alerts.values()]


def _alert(value: float, cause: str | None = None) -> AlertRecord:
    return AlertRecord(
        "long_wait",
        "queue",
        "q",
        "warning",
        5,
        4,
        "longest_wait",
        None,
        "above",
        1.0,
        value,
        9.0,
        cause=cause,
    )


def _step(at: int, step: str = "told") -> AlertStepRecord:
    return AlertStepRecord("long_wait", "queue", "q", "warning", 5, step, at)


def test_the_first_cause_of_an_alert_and_the_first_of_each_step_stay() -> None:
    """Also when a load comes back that could not be written."""
    desk = _handover()
    desk.add_alerts([_alert(1.0), _alert(2.0, "few agents")])
    desk.add_alert_steps([_step(1), _step(2), _step(3, "held")])
    desk.add_staffing([Staffing("q", 0, 1, 5)])
    load = _take(desk)
    desk.add_alerts([_alert(3.0), _alert(4.0, "many calls")])
    desk.add_alert_steps([_step(4), _step(5, "missed")])
    desk.add_staffing([Staffing("q", 0, 2, 9)])
    desk.put_back(load)

    load = _take(desk)

    assert [_alert(4.0, "few agents")] == list(load.alerts.values())
    assert [_step(1), _step(3, "held"), _step(5, "missed")] == list(load.alert_steps.values())
    assert [Staffing("q", 0, 2, 9)] == list(load.staffing.values())


def test_steps_and_counts_of_agents_are_work_by_themselves() -> None:
    """They do not wait for an alert or an event to be written with."""
    told, counted = _handover(), _handover()
    told.add_alert_steps([_step(1)])
    counted.add_staffing([Staffing("q", 0, 1, 5)])

    assert [True, True] == [told.has_work(), counted.has_work()]


def test_rows_that_wait_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are given up, and counted."""
    monkeypatch.setattr(handover, "ROWS_AT_MOST", 3)
    desk = _handover()
    desk.add_intervals([Interval(f"q{number}", 0, "end") for number in range(5)])
    desk.add_alert_steps([_step(number, f"{number}") for number in range(5)])
    desk.add_staffing([Staffing(f"q{number}", 0, 1, 1) for number in range(5)])

    load = _take(desk)

    assert ["q2", "q3", "q4"] == [row.queue for row in load.intervals.values()]
    assert ["2", "3", "4"] == [row.step for row in load.alert_steps.values()]
    assert ["q2", "q3", "q4"] == [row.queue for row in load.staffing.values()]
    assert 6 == desk.given_up


def test_what_is_being_written_counts() -> None:
    """The capacity is for both: what waits and what the thread holds."""
    desk = _handover(capacity=3)
    desk.add(_run(1), 1)
    desk.add(_run(2), 1)
    flight = _take(desk)
    desk.add(TimePassed(3), 1)
    assert (3, False) == (desk.pending, desk.gap)

    desk.add(_run(4), 1)

    assert (0, True, True) == (desk.pending, desk.gap, desk.wants_whole)
    assert desk.take() is None
    desk.put_back(flight)
    assert 3 == desk.given_up
    desk.add_checkpoint(5, {"a": b"all"}, whole=True)
    load = _take(desk)
    assert ([], [1, 2, 4]) == (load.inputs, list(load.known.ids["mq"]))
    assert {"mq": {"place": 4}} == load.known.positions


def test_a_flight_that_arrived_is_not_given_up() -> None:
    """What was written in the end is in the log, whatever was given up behind it."""
    desk = _handover(capacity=2)
    desk.add(_run(1), 1)
    desk.add(_run(2), 1)
    flight = _take(desk)
    desk.add(_run(3), 1)
    assert desk.gap

    desk.written()
    desk.add_checkpoint(5, {"a": b"all"}, whole=True)
    desk.add(_run(4), 1)
    load = _take(desk)

    assert (2, 1) == (flight.count, desk.given_up)
    assert (1, [3]) == (load.count, list(load.known.ids["mq"]))


def test_marks_of_our_own_are_no_loss() -> None:
    """Only what feeds told counts as given up, whether it was before the gap or in it."""
    seen = FeedChanged(0, "pbx", 0, "mq", up=True, live=True)
    desk = _handover()
    desk.add(TimePassed(1), 1)
    desk.add(Run("mq", [seen], (), None), 1)
    desk.add(Run("mq", [joined(2), joined(3)], [2, 3], None), 2)

    desk.lose()
    desk.add(TimePassed(4), 1)
    desk.add(Run("mq", [seen], (), None), 1)

    assert (2, 0) == (desk.given_up, desk.pending)
    desk.add(Run("mq", [joined(5), joined(6)], [5, 6], None), 2)
    assert 4 == desk.given_up


def test_who_waits_for_a_gap_is_told_behind_it() -> None:
    """As long as the checkpoint is missing nobody hears that anything is durable."""
    desk = _handover(capacity=1)
    desk.add(_run(1), 1)
    desk.add_done(lambda: None)
    desk.add(_run(2), 1)

    assert not desk.has_work()
    assert not desk.is_due()
    desk.add_checkpoint(1, {"a": b"changes"}, whole=False)
    assert desk.take() is None
    desk.add_checkpoint(1, {"a": b"all"}, whole=True)
    assert desk.is_due()
    assert 1 == len(_take(desk).done)


def test_changes_are_refused_where_the_whole_is_wanted() -> None:
    """What changed since a checkpoint that nobody can use is of no use to anybody."""
    desk = _handover()
    desk.want_whole()

    desk.add_checkpoint(1, {"a": b"changes"}, whole=False)

    assert (None, True) == (desk.take(), desk.wants_whole)
    desk.add_checkpoint(2, {"a": b"all"}, whole=True)
    desk.add_checkpoint(3, {"b": b"changes"}, whole=False)
    checkpoint = _take(desk).checkpoint
    assert checkpoint is not None
    assert (3, True, {"a": b"all", "b": b"changes"}) == (
        checkpoint.at,
        checkpoint.whole,
        checkpoint.parts,
    )


def test_checkpoints_that_wait_become_one() -> None:
    """The later stands, with the changes of the earlier, and behind the same inputs."""
    desk = _handover()
    desk.add_checkpoint(1, {"a": b"1", "b": b"1"}, whole=True)
    desk.add(_run(1), 1)
    flight = _take(desk)
    desk.add(_run(2), 1)
    desk.add_checkpoint(2, {"b": None, "c": b"2"}, whole=False)
    desk.add(_run(3), 1)
    desk.put_back(flight)

    load = _take(desk)

    assert load.checkpoint is not None
    assert {"a": b"1", "b": None, "c": b"2"} == load.checkpoint.parts
    assert (2, True, 2, 3) == (
        load.checkpoint.at,
        load.checkpoint.whole,
        load.checkpoint.after,
        load.count,
    )


def test_ids_that_were_given_up_are_limited() -> None:
    """Each feed's last ones are kept, as many as are remembered at all."""
    desk = _handover(capacity=1)
    for number in range(20):
        desk.add(_run(number), 1)
    desk.add_checkpoint(1, {}, whole=True)

    assert [15, 16, 17, 18, 19] == list(_take(desk).known.ids["mq"])
