"""Tests of the day's counters of one queue; their figures are tested with the reports."""

import msgspec

from callmon.clock import SECOND
from callmon.events import DayCounts, Outcome, QueueReported
from callmon.facts import Fact
from callmon.queues import SubjectState, Targets, WindowSpec, day_of
from callmon.report_counts import DayBook, DayBookPart
from callmon.rules import Subject, SubjectKind
from tests.stories import BASE

STALE = 90 * SECOND


def a_state() -> SubjectState:
    """Return a queue with a window of two minutes."""
    window = WindowSpec(name="2m", length=120 * SECOND)
    subject = Subject(kind=SubjectKind.QUEUE, name="sales")
    return SubjectState(subject, Targets(), day_of("UTC"), [window])


def test_counters_are_known_of_a_window_that_reports_cover() -> None:
    """Known are counters that were told, from the first report on, until they are stale."""
    book, state = DayBook(), a_state()
    window = state.windows["2m"]
    for at in (BASE, BASE + 60 * SECOND):
        day = DayCounts(outcomes={"answered": at - BASE > 0})
        book.take(QueueReported(at, "acd", 0, "sales"), day, [state])
    instants = [BASE + seconds * SECOND for seconds in (119, 120, 149, 150)]
    known = [book.covers(Fact.ANSWERED, window, at) for at in instants]
    assert [False, True, True, False] == known
    assert not book.covers(Fact.ANSWERED | Fact.ABANDONED, window, BASE + 120 * SECOND)
    assert state.outcome_total(Outcome.ANSWERED) == 1


def test_a_restored_book_goes_on() -> None:
    """What a checkpoint holds of counters is all there is to know of them."""
    book, heir, state = DayBook(), DayBook(), a_state()
    day = DayCounts(outcomes={"answered": 3}, answered_within=5, talk=9)
    book.take(QueueReported(BASE, "acd", 0, "sales"), day, [state])
    heir.restore(msgspec.json.decode(msgspec.json.encode(book.part()), type=DayBookPart))
    assert book.part() == heir.part()
    later = QueueReported(BASE + 1, "acd", 0, "sales")
    answers = [each.take(later, day, [a_state()]) for each in (book, heir)]
    assert [(True, False)] * 2 == answers
    assert book.part() == heir.part()
