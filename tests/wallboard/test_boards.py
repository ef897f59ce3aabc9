"""Boards are made of the present state, and of the last one that was seen."""

import dataclasses

from callmon.board import Level
from callmon.clock import SECOND
from callmon.last_hour import CHARTED
from callmon.queues import QueueSettings
from callmon.wallboard.boards import SLICE, board_window
from tests.wallboard.desks import SETTINGS, Desk


def begun() -> Desk:
    """Return a desk at work."""
    desk = Desk()
    desk.begin()
    return desk


def test_nothing_is_shown_before_the_state_is_that_of_now() -> None:
    """In the middle of a restart the past must not look like the present."""
    desk = Desk()
    assert desk.rows() == {}
    assert list(desk.boards.sample()) == []
    desk.begin()
    assert sorted(desk.rows()) == ["group:all", "queue:sales", "queue:service", "queue:vip"]


def test_a_board_says_of_when_it_is_and_how_its_feeds_are() -> None:
    """Time of the state, the clock's, and each feed with its reason."""
    desk = begun()
    desk.wait(5 * SECOND)
    board = desk.boards.board("15m", list(desk.rows().values()))
    assert (board.at, board.now, board.window) == (desk.clock.now(), desk.clock.now(), "15m")
    assert [(feed.name, feed.source, feed.up) for feed in board.feeds] == [("ami", "pbx", True)]
    desk.up(up=False)
    (feed,) = desk.boards.board("15m", []).feeds
    assert (feed.up, feed.reason) == (False, "connection refused")


def test_a_lost_feed_leaves_the_last_picture_of_its_queues() -> None:
    """Who waited then is shown as of then, though nothing is known of now."""
    desk = begun()
    desk.join()
    desk.wait(30 * SECOND)
    desk.up(up=False)
    lost_at = desk.clock.now()
    desk.wait(300 * SECOND)
    row = desk.row()
    assert (row.level, row.blind, row.as_of) == (Level.BLIND, True, lost_at)
    assert row.live["waiting"] == (1, 1, 1)
    assert row.oldest_at == lost_at - 30 * SECOND


def test_a_source_that_another_feed_still_sees_is_not_about_to_be_lost() -> None:
    """The picture of thousands of queues is taken only where it will be needed."""
    desk = Desk()
    log = desk.monitor.add_feed("log", "pbx")
    desk.monitor.up(log, up=True, reason="")
    desk.monitor.current(log)
    desk.begin()
    taken = []
    desk.monitor.losing = lambda: taken.append(desk.clock.now())
    desk.up(up=False)
    assert not taken
    desk.monitor.up(log, up=False, reason="gone")
    assert taken


def test_what_is_seen_again_is_shown_as_it_is() -> None:
    """The old picture does not outlive the blindness, and a second loss takes a new one."""
    desk = begun()
    desk.join()
    desk.up(up=False)
    desk.wait(60 * SECOND)
    desk.up()
    desk.look()
    assert (desk.row().as_of, desk.row().blind) == (None, False)
    desk.join()
    second = desk.clock.now()
    desk.up(up=False)
    assert (desk.row().as_of, desk.row().live["waiting"]) == (second, (2, 1, 2))


def test_a_queue_that_was_never_seen_has_no_last_picture() -> None:
    """Blind from the start: no figure, and no instant of one."""
    desk = Desk()
    desk.up(up=False)
    desk.monitor.begin()
    row = desk.row()
    assert (row.blind, row.as_of, row.live["waiting"]) == (True, None, None)


def test_others_run_between_slices_of_rows() -> None:
    """A large board never holds the loop for all of its rows."""
    queues = tuple(QueueSettings(name=f"q{number:03d}") for number in range(5 * SLICE))
    desk = Desk(dataclasses.replace(SETTINGS, queues=queues))
    desk.begin()
    turns = [row is None for row in desk.boards.rows("15m")]
    assert turns.count(True) == 5
    assert turns.index(True) == SLICE
    assert len(list(desk.boards.sample())) == 5


def test_a_reload_between_two_slices_shows_no_queue_that_is_gone() -> None:
    """Rows already made stay; what the new configuration does not have is left out."""
    queues = tuple(QueueSettings(name=f"q{number:03d}") for number in range(2 * SLICE))
    desk = Desk(dataclasses.replace(SETTINGS, queues=queues))
    desk.begin()
    rows = desk.boards.rows("15m")
    for _ in range(SLICE + 1):
        next(rows)
    desk.monitor.reconfigure(dataclasses.replace(SETTINGS, queues=queues[:5], groups=()))
    assert [row for row in rows if row is not None] == []


def test_samples_are_taken_of_every_subject_in_plain_units() -> None:
    """Seconds and counts; a rate of nobody is a gap."""
    desk = begun()
    desk.join()
    desk.wait(30 * SECOND)
    assert list(desk.boards.sample()) == []
    course = desk.boards.last_hour.of("queue:sales")
    values = {measure: samples[-1][1] for measure, samples in course.items()}
    assert set(values) == set(CHARTED)
    assert (values["waiting"], values["longest_wait"]) == (1, 30)
    assert values["abandonment_rate"] is None
    assert desk.boards.last_hour.of("group:all")["waiting"][-1][1] == 1


def test_the_window_of_a_board_is_the_first_exported_one_that_is_no_day() -> None:
    """Rates of a whole day tell nothing of now."""
    assert board_window(("today", "30m", "15m")) == "30m"
    assert board_window(("today",)) == "today"
    desk = begun()
    assert (desk.boards.window, desk.boards.knows("today"), desk.boards.knows("5m")) == (
        "15m",
        True,
        False,
    )


def test_pictures_of_who_is_seen_or_gone_are_not_kept() -> None:
    """With the samples they are looked through: nobody may have asked for a board."""
    desk = begun()
    desk.up(up=False)
    assert len(desk.boards._seen) == 4
    queues = (QueueSettings(name="sales", timezone="Asia/Shanghai"),)
    desk.monitor.reconfigure(dataclasses.replace(SETTINGS, queues=queues, groups=()))
    list(desk.boards.sample())
    assert set(desk.boards._seen) == {"queue:sales"}
    desk.up()
    desk.look()
    list(desk.boards.sample())
    assert desk.boards._seen == {}
