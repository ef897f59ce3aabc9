"""Tests of what can be known of a subject."""

from callmon.events import OUTCOME_LABELS, Outcome
from callmon.facts import ENDED, LIVE, OFFERED, OUTCOME_FACTS, Fact


def test_each_outcome_has_the_fact_of_its_name() -> None:
    """The facts of outcomes stand in the order of the outcomes."""
    assert list(OUTCOME_LABELS) == [str(fact.name).lower() for fact in OUTCOME_FACTS]
    offered = OUTCOME_FACTS[: Outcome.REDIRECTED]
    assert OFFERED == sum(offered)
    assert ENDED == sum(OUTCOME_FACTS)


def test_what_holds_now_is_no_counter() -> None:
    """A fact speaks of the present or of the past."""
    assert LIVE & (ENDED | Fact.ARRIVED | Fact.SHORT | Fact.EACH_WAIT | Fact.OTHERS) == 0
