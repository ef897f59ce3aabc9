"""Tests of thresholds as values."""

import dataclasses
from datetime import date
from fractions import Fraction

import pytest

from callmon.calendars import Calendar, CalendarSpec
from callmon.clock import SECOND
from callmon.rules import (
    Direction,
    Limits,
    Override,
    Selector,
    Severity,
    Subject,
    SubjectKind,
    Threshold,
)

DAY = 86_400 * SECOND
VIP = Subject(kind=SubjectKind.QUEUE, name="vip", labels={"team": "sales"})
BACK = Subject(kind=SubjectKind.QUEUE, name="back", labels={"team": "service"})
ALL_SALES = Subject(kind=SubjectKind.GROUP, name="sales")
BASE = Limits(direction=Direction.ABOVE, limit=Fraction(1, 5), clear=Fraction(3, 20))


def make_threshold(*overrides: Override, select: Selector | None = None) -> Threshold:
    """Return a threshold with *overrides* for every queue or for *select*."""
    return Threshold(
        name="high_abandonment",
        measure="abandonment_rate",
        window="15m",
        severity=Severity.WARNING,
        select=Selector(queues=("*",)) if select is None else select,
        limits=BASE,
        overrides=overrides,
    )


def days(first: int, last: int) -> Calendar:
    """Return a calendar open from the *first* to the end of the *last* of January 1970."""
    dates = ((date(1970, 1, first), date(1970, 1, last)),)
    return Calendar(CalendarSpec(name="days", timezone="UTC", dates=dates))


@pytest.mark.parametrize(
    ("select", "subject", "matches"),
    [
        (Selector(queues=("*",)), VIP, True),
        (Selector(queues=("*",)), ALL_SALES, False),
        (Selector(queues=("v?p", "x")), VIP, True),
        (Selector(queues=("V*",)), VIP, False),
        (Selector(groups=("sales",)), ALL_SALES, True),
        (Selector(groups=("vip",)), VIP, False),
        (Selector(queues=("*",), where={"team": "sales"}), VIP, True),
        (Selector(queues=("*",), where={"team": "sales"}), BACK, False),
        (Selector(queues=("*",), where={"site": "oslo"}), VIP, False),
        (Selector(), VIP, False),
    ],
)
def test_selects_by_kind_name_and_labels(
    select: Selector,
    subject: Subject,
    matches: bool,
) -> None:
    """Names are of the subject's kind, globs mind case, every label must be equal."""
    assert matches == select.matches(subject)


def test_labels_do_not_tell_subjects_apart() -> None:
    """A reload may change labels while the state of the subject goes on."""
    relabelled = dataclasses.replace(VIP, labels={"team": "service"})

    assert relabelled == VIP
    assert hash(relabelled) == hash(VIP)


def test_no_rule_for_who_is_not_selected() -> None:
    """Not selected is not watched."""
    threshold = make_threshold(select=Selector(queues=("vip",)))

    assert threshold.rule_for(BACK) is None


def test_overrides_merge_in_file_order() -> None:
    """The later wins, field by field, and only those that select the subject count."""
    threshold = make_threshold(
        Override(limit=Fraction(1, 2), hold=7),
        Override(select=Selector(queues=("vip",)), limit=Fraction(1, 10)),
        Override(select=Selector(queues=("back",)), hold=9),
    )

    rule = threshold.rule_for(VIP)

    assert rule is not None
    limits, until = rule.limits_at(0)
    assert (limits.limit, limits.hold, until) == (Fraction(1, 10), 7, None)
    assert rule.overrides == ()


def test_a_new_limit_drops_an_inherited_clear() -> None:
    """The old ``clear`` belongs to the old limit; one of its own stays."""
    assert Override(limit=Fraction(1, 10)).apply(BASE).clear is None
    own = Override(limit=Fraction(1, 10), clear=Fraction(1, 20)).apply(BASE)
    assert own.clear == Fraction(1, 20)
    assert Override(hold=5).apply(BASE).clear == BASE.clear


def test_zero_is_a_value() -> None:
    """An override to 0 is not an override left out."""
    strict = dataclasses.replace(BASE, hold=9, keep=9, at_least=9)

    limits = Override(hold=0, keep=0, at_least=0, limit=Fraction(0)).apply(strict)

    assert (limits.hold, limits.keep, limits.at_least) == (0, 0, 0)
    assert limits.limit == 0


def test_dated_overrides_hold_on_their_dates() -> None:
    """Limits change at midnight and say when they may change next."""
    threshold = make_threshold(
        Override(during=days(3, 4), limit=Fraction(3, 10)),
        Override(limit=Fraction(1, 4), select=Selector(queues=("back",))),
        Override(during=days(4, 9), hold=5),
    )
    rule = threshold.rule_for(VIP)
    assert rule is not None

    seen = [rule.limits_at(day * DAY) for day in (0, 2, 3, 4, 9)]

    assert [limits.limit * 10 for limits, _ in seen] == [2, 3, 3, 2, 2]
    assert [limits.hold for limits, _ in seen] == [0, 0, 5, 5, 0]
    assert [until for _, until in seen] == [2 * DAY, 3 * DAY, 4 * DAY, 9 * DAY, None]


def test_an_undated_override_after_a_dated_one_wins() -> None:
    """File order counts, not whether there are dates."""
    threshold = make_threshold(
        Override(during=days(1, 9), limit=Fraction(3, 10), hold=5),
        Override(limit=Fraction(1, 4)),
    )
    rule = threshold.rule_for(VIP)
    assert rule is not None

    limits, _ = rule.limits_at(0)

    assert (limits.limit, limits.hold) == (Fraction(1, 4), 5)


def test_the_first_shift_that_is_open_is_on_duty() -> None:
    """Shifts may overlap: order decides; where none is open nobody is on duty."""
    threshold = dataclasses.replace(
        make_threshold(), shifts=(("early", days(2, 3)), ("late", days(3, 5)))
    )

    seen = [threshold.shift_at(day * DAY) for day in range(6)]

    assert seen == [None, "early", "early", "late", "late", None]
    assert threshold.shift_at(2 * DAY) == "early"
    assert make_threshold().shift_at(0) is None


def test_equal_files_make_equal_rules() -> None:
    """A reload can see that nothing changed, calendars included."""
    first, second = (
        make_threshold(Override(during=days(1, 2), hold=5)).rule_for(VIP) for _ in range(2)
    )
    other = make_threshold(Override(during=days(1, 3), hold=5)).rule_for(VIP)

    assert first == second
    assert first != other
