"""The watcher sees what must not be, and only that."""

import pytest

from callmon.testing import ManualClock
from tests.faults.truth import read_page
from tests.faults.watcher import Watcher

PAGE = """\
callmon_contacts_arrived_total{queue="sales"} 5
callmon_contacts_total{queue="sales",outcome="answered"} 3
callmon_contacts_unsettled{queue="sales"} 0
callmon_queue_waiting_contacts{queue="sales"} 2
callmon_events_duplicate_total 4
"""


def watched(*pages: str) -> Watcher:
    """Return a watcher that has seen *pages*; an empty one stands for a new process."""
    watcher = Watcher(0, ManualClock())
    for page in pages:
        if page:
            watcher.take(read_page(page), ready=True)
        else:
            watcher.started()
    return watcher


def test_good_pages_are_good() -> None:
    """Counters that stay or grow and an identity that holds are nothing to note."""
    grown = PAGE.replace("} 5", "} 6").replace("} 2", "} 3")

    notes = watched(PAGE, PAGE, grown).notes

    assert ([], [], 3) == (notes.fallen, notes.broken, notes.compared)


@pytest.mark.parametrize(
    "worse",
    [
        PAGE.replace('"answered"} 3', '"answered"} 2'),
        PAGE.replace('callmon_contacts_total{queue="sales",outcome="answered"} 3\n', ""),
    ],
)
@pytest.mark.parametrize("between", [(), ("",), (PAGE,)])
def test_a_counter_that_fell_is_noted(worse: str, between: tuple[str, ...]) -> None:
    """Also one that went away, and over a restart."""
    notes = watched(PAGE, *between, worse).notes

    assert 1 == len(notes.fallen)


def test_a_caller_too_many_is_noted() -> None:
    """Who arrived has ended, waits or is not settled; of a blind queue nobody knows."""
    right = watched(PAGE)
    wrong = watched(PAGE.replace('contacts{queue="sales"} 2', 'contacts{queue="sales"} 1'))
    blind = watched(PAGE.replace('callmon_queue_waiting_contacts{queue="sales"} 2\n', ""))

    assert [] == right.notes.broken
    assert ["sales: arrived 5.0, ended 3, waiting 1.0"] == wrong.notes.broken
    assert ([], 0) == (blind.notes.broken, blind.notes.compared)


def test_a_page_without_queues_is_no_page() -> None:
    """While callmon rebuilds its state nothing has fallen."""
    notes = watched(PAGE, "", "callmon_build_info 1\n", PAGE).notes

    assert ([], 2) == (notes.fallen, notes.pages)


def test_counters_of_the_daemon_may_be_set_back() -> None:
    """That is no loss, and it is known how often."""
    less = PAGE.replace("duplicate_total 4", "duplicate_total 3")

    watcher = watched(PAGE, "", less, PAGE)

    assert ([], 1) == (watcher.notes.fallen, watcher.notes.set_back)
    assert {"callmon_events_duplicate_total{}": 4} == watcher.of_itself()
