"""Tests of the life cycle of contacts: what a log shows, and what it means."""

import pytest

from callmon import contacts
from callmon.clock import SECOND, Micros
from callmon.contacts import ContactBook
from callmon.decode.queue_log import QueueLogDecoder
from callmon.engine import Engine, EngineSettings
from callmon.errors import DropReason
from callmon.events import Event, Outcome, SourceRestarted
from callmon.queues import SubjectState, WindowSpec
from callmon.routes import Route
from callmon.rules import SubjectKind
from callmon.sources import oldest_open
from tests.stories import BASE, SOURCE, answered, joined, left, talk_ended

HOUR: Micros = 3_600 * SECOND
EVER = WindowSpec(name="ever")


def engine_told(*events: Event) -> Engine:
    """Return an engine that was told *events*."""
    engine = Engine(EngineSettings(windows=(EVER,), sources=(SOURCE,)))
    engine.apply_all(events)
    return engine


def replayed(log: str) -> Engine:
    """Return an engine that was told the lines of *log*, a queue_log."""
    lines = [line.strip() for line in log.strip().splitlines()]
    decoder = QueueLogDecoder(SOURCE)
    return engine_told(*decoder.decode("".join(f"{line}\n" for line in lines).encode()))


def sales(engine: Engine) -> SubjectState:
    """Return the state of the queue."""
    return engine.subjects[SubjectKind.QUEUE, "sales"]


def ends(engine: Engine) -> list[tuple[float, str, float | None]]:
    """Return (second, outcome, wait) of every end, oldest first."""
    log = sales(engine).log
    return [
        (
            (at - BASE) / SECOND,
            Outcome(code // 8).name.lower(),
            None if code & 4 else wait / SECOND,
        )
        for at, code, wait in zip(log.at, log.codes, log.waits, strict=True)
    ]


def talks(engine: Engine) -> list[tuple[float, float]]:
    """Return (second, length) of every talk."""
    return [
        ((at - BASE) / SECOND, talk / SECOND) for at, talk in sales(engine).log.single_talks()
    ]


def waiting(engine: Engine) -> list[float]:
    """Return the seconds at which those who wait began."""
    return [(start - BASE) / SECOND for start in sales(engine).starts]


def s(seconds: float) -> Micros:
    """Return a number of seconds as microseconds."""
    return int(seconds * SECOND)


def restarted(at: Micros, seq: int) -> SourceRestarted:
    """Return a restart *at* microseconds after ``BASE``."""
    return SourceRestarted(BASE + at, SOURCE, seq)


def book(route: Route) -> ContactBook:
    """Return the book of a source that has no live feed."""
    assert isinstance(route.book, ContactBook)
    return route.book


def test_a_visit_with_a_talk() -> None:
    """Joined, answered, talked: the plain case, with the logged wait."""
    engine = replayed(
        """
        1700000000|1.1|sales|NONE|ENTERQUEUE||123|1
        1700000012|1.1|sales|Ann|CONNECT|11|1.2|4
        1700000042|1.1|sales|Ann|COMPLETECALLER|11|30|1
        """
    )

    assert [(12, "answered", 11)] == ends(engine)
    assert [(42, 30)] == talks(engine)
    assert 0 == sales(engine).talking
    assert 1 == sales(engine).arrived


@pytest.mark.parametrize(
    ("verb", "outcome", "wait"),
    [
        ("ABANDON|1|1|9", "abandoned", 9),
        ("EXITWITHTIMEOUT|1|1|9", "timeout", 9),
        ("EXITWITHTIMEOUT|1", "timeout", 10),
        ("EXITWITHKEY|2|1|1|9", "key_exit", 9),
        ("EXITEMPTY|1|1|9", "empty", 9),
        ("WITHDRAW|1|1|9|agent|left", "withdrawn", 9),
        ("SYSCOMPAT", "failed", 10),
    ],
)
def test_each_way_out_has_its_outcome(verb: str, outcome: str, wait: float) -> None:
    """The logged wait counts where the line has one; else the difference of times."""
    engine = replayed(
        f"""
        1700000000|1.1|sales|NONE|ENTERQUEUE||123|1
        1700000010|1.1|sales|NONE|{verb}
        """
    )

    assert [(10, outcome, wait)] == ends(engine)
    assert [] == waiting(engine)


def test_a_second_join_loses_the_first_visit() -> None:
    """The end of the former visit was not logged: lost, at the moment of the new join."""
    engine = engine_told(joined(0, "a", seq=1), joined(s(60), "a", seq=2))

    assert [(60, "lost", None)] == ends(engine)
    assert [60] == waiting(engine)
    assert 2 == sales(engine).arrived


def test_syscompat_is_followed_by_abandon() -> None:
    """The abandon repeats the end; the caller is counted once, as failed."""
    engine = replayed(
        """
        1700000000|1.1|sales|NONE|ENTERQUEUE||123|1
        1700000003|1.1|sales|NONE|SYSCOMPAT
        1700000003|1.1|sales|NONE|ABANDON|1|1|3
        """
    )

    assert [(3, "failed", 3)] == ends(engine)
    assert {DropReason.DUPLICATE: 1} == engine.dropped


def test_exitempty_may_be_logged_twice() -> None:
    """Versions before 13.16 wrote it twice, and an abandon after it."""
    engine = replayed(
        """
        1700000000|1.1|sales|NONE|ENTERQUEUE||123|1
        1700000030|1.1|sales|NONE|EXITEMPTY|1|1|30
        1700000030|1.2|sales|NONE|ENTERQUEUE||456|1
        1700000030|1.1|sales|NONE|EXITEMPTY|1|1|30
        1700000031|1.1|sales|NONE|ABANDON|1|1|31
        """
    )

    assert [(30, "empty", 30)] == ends(engine)
    assert [30] == waiting(engine)


def test_an_end_without_a_join_was_carried_in() -> None:
    """Who waited before our time began then: at the end minus the logged wait."""
    engine = engine_told(left(s(5), "a", wait=s(65), seq=1))

    assert [(5, "abandoned", 65)] == ends(engine)
    assert [-60] == [(at - BASE) / SECOND for at in sales(engine).log.arrivals]
    assert 1 == sales(engine).arrived


def test_a_talk_without_an_answer_was_carried_in() -> None:
    """Its length counts; its contact was never ours."""
    engine = engine_told(talk_ended(s(5), "a", s(65), seq=1))

    assert [(5, 65)] == talks(engine)
    assert [] == ends(engine)
    assert 0 == sales(engine).talking
    assert 0 == sales(engine).arrived


def test_a_caller_who_was_transferred_keeps_his_place() -> None:
    """Attended transfer changes the id of one who waits; his join is found by its time."""
    engine = engine_told(
        joined(0, "before", seq=1),
        joined(s(10), "a", seq=2),
        joined(s(20), "b", seq=3),
        answered(s(50), "c", s(39), seq=4),
        talk_ended(s(80), "c", s(30), seq=5),
    )

    assert [(50, "answered", 39)] == ends(engine)
    assert [0, 20] == waiting(engine)
    assert 3 == sales(engine).arrived
    assert [(80, 30)] == talks(engine)


def test_one_who_was_taken_for_another_is_still_counted() -> None:
    """If the former id speaks up after all, it was another caller: nobody is missing."""
    engine = engine_told(
        joined(0, "before", seq=1),
        joined(s(10), "a", seq=2),
        left(s(50), "c", wait=s(40), seq=3),
        answered(s(60), "a", s(50), seq=4),
        answered(s(60), "a", s(50), seq=4),
    )

    assert [(50, "abandoned", 40), (60, "answered", 50)] == ends(engine)
    assert 3 == sales(engine).arrived
    assert [0] == waiting(engine)


def test_a_transferred_caller_may_come_again_under_his_first_id() -> None:
    """A later join of the former id is a visit of its own."""
    engine = engine_told(
        joined(0, "before", seq=1),
        joined(s(10), "a", seq=2),
        left(s(50), "c", wait=s(40), seq=3),
        joined(s(10), "a", seq=2),
        joined(s(70), "a", seq=4),
    )

    assert [0, 70] == waiting(engine)


def test_nobody_is_renamed_from_before_our_time() -> None:
    """Who began before we listened has no join here, whoever else waits."""
    engine = engine_told(joined(0, "a", seq=1), left(s(1), "b", wait=s(1), seq=2))

    assert [0] == waiting(engine)
    assert 2 == sales(engine).arrived


def test_a_caller_may_come_again_in_the_same_second() -> None:
    """Several whole visits of one id within a second are several contacts."""
    engine = engine_told(
        *(
            event
            for seq in (1, 3, 5)
            for event in (
                joined(0, "a", seq=seq),
                left(0, "a", Outcome.KEY_EXIT, wait=0, seq=seq + 1),
            )
        )
    )

    assert [(0, "key_exit", 0)] * 3 == ends(engine)


def test_a_restart_loses_who_waits_and_hangs_up() -> None:
    """QUEUESTART: waits are lost; talks are over, and nobody knows how long they were."""
    engine = engine_told(
        joined(0, "a", seq=1),
        joined(0, "b", seq=2),
        answered(s(1), "b", s(1), seq=3),
        joined(s(10), "d", seq=4),
        joined(s(10), "d", seq=5),
        restarted(s(10), 6),
        joined(s(10), "c", seq=7),
        talk_ended(s(11), "b", s(10), seq=8),
        joined(s(10), "d", seq=5),
    )

    assert [(1, "answered", 1), (10, "lost", None), (10, "lost", None)] == ends(engine)
    assert [10] == waiting(engine)
    assert [] == talks(engine)
    assert 0 == sales(engine).talking


def test_a_restart_told_again_ends_nothing_new() -> None:
    """Who joined or was answered after it stays, also within the same second."""
    engine = engine_told(
        restarted(0, 1),
        joined(0, "a", seq=2),
        joined(0, "b", seq=3),
        answered(0, "b", 0, seq=4),
        restarted(0, 1),
    )

    assert [0] == waiting(engine)
    assert 1 == sales(engine).talking


def test_a_talk_may_outlast_the_next_visit() -> None:
    """Blind transfer into the same queue: the first talk's end is told after the join."""
    engine = engine_told(
        joined(0, "a", seq=1),
        answered(s(5), "a", s(5), seq=2),
        joined(s(20), "a", seq=3),
        answered(s(25), "a", s(5), seq=4),
        talk_ended(s(26), "a", s(21), seq=5),
        talk_ended(s(26), "a", s(21), seq=5),
        talk_ended(s(40), "a", s(15), seq=6),
        talk_ended(s(40), "a", s(15), seq=6),
    )

    assert [(5, "answered", 5), (25, "answered", 5)] == ends(engine)
    assert [(26, 21), (40, 15)] == talks(engine)
    assert 0 == sales(engine).talking


def test_a_talk_that_ends_was_answered() -> None:
    """A garbled CONNECT must not leave a caller waiting for a day."""
    engine = engine_told(joined(0, "a", seq=1), talk_ended(s(40), "a", s(30), seq=2))

    assert [(10, "answered", 10)] == ends(engine)
    assert [(40, 30)] == talks(engine)
    assert [] == waiting(engine)
    assert 0 == sales(engine).talking


def test_a_talk_of_unknown_length_that_ends_was_answered() -> None:
    """When it was answered nobody knows: the wait is unknown."""
    engine = engine_told(joined(0, "a", seq=1), talk_ended(s(40), "a", None, seq=2))

    assert [(40, "answered", None)] == ends(engine)


def test_a_clock_that_steps_back_loses_nobody() -> None:
    """Two seconds back while one waits, talks, and comes again: two visits, one talk."""
    engine = engine_told(
        joined(s(10), "a", seq=1),
        answered(s(9), "a", None, seq=2),
        talk_ended(s(8), "a", None, seq=3),
        joined(s(8), "a", seq=4),
        left(s(7), "a", wait=None, seq=5),
    )

    assert [(7, "abandoned", 0), (9, "answered", 0)] == ends(engine)
    assert [] == waiting(engine)
    assert 0 == sales(engine).talking


def test_an_end_told_again_in_the_second_of_the_next_join() -> None:
    """A repeated end belongs to the visit it ended, not to the one that begins then."""
    engine = engine_told(
        joined(0, "a", seq=1),
        left(s(5), "a", wait=s(5), seq=2),
        joined(s(5), "a", seq=3),
        left(s(5), "a", wait=s(5), seq=2),
    )

    assert [5] == waiting(engine)


def test_what_is_old_and_unknown_is_late() -> None:
    """Beyond the memory nobody can tell a duplicate: it is refused, and counted."""
    old = -contacts.MEMORY - 1
    engine = engine_told(
        joined(0, "a", seq=1),
        joined(old, "b", seq=2),
        left(old, "c", wait=0, seq=3),
        talk_ended(old, "d", s(1), seq=4),
    )

    assert {DropReason.LATE: 3} == engine.dropped
    assert 1 == sales(engine).arrived


def test_what_is_old_but_known_is_taken() -> None:
    """A caller may wait for longer than the memory of finished contacts."""
    engine = engine_told(
        joined(0, "a", seq=1),
        joined(8 * HOUR, "b", seq=2),
        left(8 * HOUR, "a", wait=8 * HOUR, seq=3),
    )

    assert [(8 * 3_600, "abandoned", 8 * 3_600)] == ends(engine)


def test_finished_contacts_are_forgotten() -> None:
    """A day of calls does not stay in memory."""
    engine = Engine(EngineSettings(sources=(SOURCE,)))

    for call in range(2_000):
        at = call * 60 * SECOND
        engine.apply_all(
            [
                joined(at, f"c{call}", seq=3 * call),
                answered(at, f"c{call}", 0, seq=3 * call + 1),
                talk_ended(at + s(5), f"c{call}", s(5), seq=3 * call + 2),
            ]
        )

    (source,) = engine._sources.values()
    remembered = [len(book(route).contacts) for route in source.queues.values()]
    assert sum(remembered) <= (contacts.MEMORY + HOUR) // (60 * SECOND) + 1
    assert len(source.source.finished) == sum(remembered)


def test_an_earlier_talk_is_not_forgotten_with_its_visit() -> None:
    """A caller comes again and leaves; his first talk ends much later."""
    engine = engine_told(
        joined(0, "a", seq=1),
        answered(0, "a", 0, seq=2),
        joined(s(5), "a", seq=3),
        left(s(6), "a", wait=s(1), seq=4),
        joined(9 * HOUR, "b", seq=5),
        joined(10 * HOUR, "c", seq=6),
        talk_ended(10 * HOUR, "a", 10 * HOUR, seq=7),
        joined(20 * HOUR, "d", seq=8),
        joined(21 * HOUR, "e", seq=9),
    )

    assert [(10 * 3_600, 10 * 3_600)] == talks(engine)
    assert 0 == sales(engine).talking
    (source,) = engine._sources.values()
    assert {"b", "c", "d", "e"} == set(book(source.queues["sales"]).contacts)


def test_what_is_open_for_a_day_has_lost_its_end() -> None:
    """A wait is lost, a talk is over; both at a full hour of event time."""
    engine = engine_told(
        joined(0, "a", seq=1), joined(0, "b", seq=2), answered(0, "b", 0, seq=3)
    )

    engine.advance(BASE + 100 * HOUR)

    lost = [(at, outcome) for at, outcome, _ in ends(engine) if outcome == "lost"]
    assert 1 == len(lost)
    assert 24 <= lost[0][0] / 3_600 <= 30
    assert 0 == sales(engine).talking
    assert [] == waiting(engine)
    assert oldest_open(engine._sources) is None


def test_open_contacts_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hostile log cannot fill the memory: joins, ends and talks of ever new ids."""
    monkeypatch.setattr(contacts, "MAX_CONTACTS", 2)
    engine = engine_told(
        joined(0, "a", seq=1),
        joined(0, "b", seq=2),
        joined(0, "c", seq=3),
        left(0, "d", wait=0, seq=4),
        talk_ended(0, "e", 0, seq=5),
        left(0, "a", wait=0, seq=6),
    )

    assert {DropReason.CONTACT_LIMIT: 3} == engine.dropped
    assert 2 == sales(engine).arrived
    assert [0] == waiting(engine)


def test_the_oldest_open_visit_is_where_a_restart_must_read_from() -> None:
    """Waiting, talking, or an earlier talk of one who came again: the oldest counts."""
    engine = engine_told(
        joined(0, "a", seq=1),
        answered(s(5), "a", s(5), seq=2),
        joined(s(10), "a", seq=3),
        left(s(12), "a", wait=s(2), seq=4),
        joined(s(20), "b", seq=5),
    )

    assert BASE == oldest_open(engine._sources)
    engine.apply(talk_ended(s(30), "a", s(25), seq=6))
    assert BASE + s(20) == oldest_open(engine._sources)


def test_places_begin_anew_with_each_file() -> None:
    """A log rotated within a second: what the new file tells first is no repetition."""
    engine = engine_told(
        joined(0, "a", seq=5_000),
        answered(0, "a", 0, seq=0),
        talk_ended(0, "a", 0, seq=60),
        joined(s(9), "b", seq=7_000),
        left(s(10), "b", Outcome.TIMEOUT, wait=s(1), seq=7_060),
        joined(s(10), "b", seq=0),
    )

    assert [(0, "answered", 0), (10, "timeout", 1)] == ends(engine)
    assert [(0, 0)] == talks(engine)
    assert [10] == waiting(engine)
    assert {} == engine.dropped


def test_a_join_told_again_elsewhere_is_no_second_visit() -> None:
    """The same second as the join of a visit that has ended since: its repetition."""
    engine = engine_told(
        joined(s(10), "a", seq=1),
        left(s(11), "a", wait=s(1), seq=2),
        joined(s(10), "a", seq=3),
    )

    assert [] == waiting(engine)
    assert {DropReason.DUPLICATE: 1} == engine.dropped


def test_a_former_talk_cannot_end_the_next_one_too() -> None:
    """The end of the first talk told again, after a second answer and a third join."""
    events: list[Event] = [
        joined(0, "a", seq=1),
        answered(0, "a", 0, seq=2),
        joined(0, "a", seq=3),
        answered(0, "a", 0, seq=4),
        talk_ended(s(1), "a", s(1), seq=5),
        joined(s(1), "a", seq=6),
    ]

    engine = engine_told(*events, *events)

    assert [(1, 1)] == talks(engine)
    assert 1 == sales(engine).talking
    assert [1] == waiting(engine)


def test_what_was_told_before_a_transfer_is_not_told_by_another() -> None:
    """An end of the first id from before its caller was renamed is a repetition."""
    engine = engine_told(
        joined(0, "before", seq=1),
        joined(s(5), "a", seq=2),
        left(s(10), "a", wait=s(5), seq=3),
        joined(s(10), "a", seq=4),
        left(s(50), "c", wait=s(40), seq=5),
        left(s(10), "a", wait=s(5), seq=3),
    )

    assert [(10, "abandoned", 5), (50, "abandoned", 40)] == ends(engine)
    assert {DropReason.DUPLICATE: 1} == engine.dropped


def test_an_end_without_a_beginning_and_without_a_wait_has_none() -> None:
    """Nobody knows how long he waited: he is in no average and within no target."""
    engine = engine_told(answered(s(5), "a", None, seq=1), left(s(9), "b", wait=None, seq=2))

    assert [(5, "answered", None), (9, "abandoned", None)] == ends(engine)


def test_a_beginning_told_after_the_end_is_of_the_same_visit() -> None:
    """A broker that holds a message back lets nobody wait for ever."""
    engine = engine_told(
        left(s(9), "a", wait=s(1), seq=1),
        joined(s(8) + 1, "a", seq=2),
        answered(s(9), "b", None, seq=3),
        joined(s(8), "b", seq=4),
        joined(s(20), "b", seq=5),
    )

    assert [20] == waiting(engine)
    assert 3 == sales(engine).arrived
    assert {"duplicate": 2} == engine.dropped
