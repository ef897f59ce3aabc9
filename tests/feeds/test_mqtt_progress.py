"""Whether all has been told: judged by the window of messages under way."""

from dataclasses import dataclass, field

import pytest

from callmon.clock import SECOND, Micros
from callmon.feeds.mqtt_account import BrokerTerms
from callmon.feeds.mqtt_progress import MANY, Progress
from callmon.feeds.settings import MqttVersion

START = 1_000 * SECOND
TENTH = SECOND // 10


@dataclass
class _Session:
    """One as it may stand."""

    terms: BrokerTerms = field(default_factory=BrokerTerms)
    waiting: int = 0
    unacknowledged: int = 0
    full: bool = False
    acknowledged: int = 0
    arrived_at: Micros = 0


def test_a_session_is_caught_up_after_a_moment_of_room() -> None:
    """At its beginning the backlog may not have come yet."""
    progress, session = Progress(), _Session()

    found = []
    for tenth in range(4):
        progress.look(session, START + tenth * TENTH, room=True)
        found.append(progress.caught_up)

    assert [False, False, True, True] == found


def test_traffic_does_not_hold_up_who_has_room() -> None:
    """Messages come all the time, but the broker could send more if it had more."""
    progress, session = Progress(), _Session()

    for tenth in range(4):
        session.arrived_at = START + tenth * TENTH
        progress.look(session, START + tenth * TENTH, room=True)

    assert progress.caught_up


def test_many_messages_at_once_speak_for_a_backlog() -> None:
    """Acknowledged as fast as they come, they never fill the window."""
    progress, session = Progress(), _Session()
    for tenth in range(30):
        session.arrived_at = START + tenth * TENTH
        progress.look(session, START + tenth * TENTH, room=True, taken=MANY)
        assert not progress.caught_up

    found = []
    for tenth in range(30, 33):
        session.arrived_at = START + tenth * TENTH
        progress.look(session, START + tenth * TENTH, room=True, taken=MANY - 1)
        found.append(progress.caught_up)

    assert [False, True, True] == found


def test_a_full_window_speaks_for_a_backlog() -> None:
    """Until it has not been full for a moment: an acknowledgement makes room at once."""
    progress, session = Progress(), _Session(full=True)
    progress.look(session, START, room=True)
    progress.look(session, START + 30 * TENTH, room=True)
    session.full = False

    found = []
    for tenth in range(31, 34):
        progress.look(session, START + tenth * TENTH, room=True)
        found.append(progress.caught_up)

    assert [False, True, True] == found


@pytest.mark.parametrize(("waiting", "room"), [(1, True), (0, False)])
def test_what_is_not_told_yet_is_not_caught_up(waiting: int, room: bool) -> None:
    """It lies unread, or nobody takes it."""
    progress, session = Progress(), _Session(waiting=waiting)
    progress.look(session, START, room=True)

    progress.look(session, START + SECOND, room=room)

    assert not progress.caught_up


def test_much_traffic_with_an_unknown_window_is_caught_up_some_day() -> None:
    """In 3.1.1 it looks like a backlog: engine time must not stand for ever."""
    progress = Progress()
    session = _Session(terms=BrokerTerms(version=MqttVersion.V311), full=True)

    found = []
    for second in (0, 5, 9, 10, 11):
        session.acknowledged += 1
        session.arrived_at = START + second * SECOND
        progress.look(session, START + second * SECOND, room=True)
        found.append(progress.caught_up)

    assert [False, False, False, True, True] == found


def test_nothing_durable_for_ten_seconds_is_stuck() -> None:
    """Counted from the moment at which the window was full, not from a start of time."""
    progress, session = Progress(), _Session(full=True)

    found = []
    for second in (0, 9, 10):
        progress.look(session, START + second * SECOND, room=True)
        found.append(progress.stuck)
    session.acknowledged = 1
    progress.look(session, START + 11 * SECOND, room=True)
    found.append(progress.stuck)

    assert [False, False, True, False] == found


def test_a_full_window_over_a_dead_disk_is_stuck_at_once() -> None:
    """Nothing will be acknowledged: the others must not wait for what cannot come."""
    progress, session = Progress(), _Session()

    found = []
    for session.full, storing in ((False, False), (True, True), (True, False)):
        progress.look(session, START, room=True, storing=storing)
        found.append(progress.stuck)

    assert [False, False, True] == found


def test_a_slow_disk_is_not_stuck() -> None:
    """Always full, but something is acknowledged now and then."""
    progress, session = Progress(), _Session(full=True)

    for second in range(0, 60, 6):
        session.acknowledged += 1
        progress.look(session, START + second * SECOND, room=True)
        assert not progress.stuck
