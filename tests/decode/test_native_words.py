"""Tests of the words of native messages: they are those of the rest of callmon."""

from callmon.agents import AGENT_LABELS
from callmon.decode.native_words import (
    FIGURES,
    LEFT,
    NATIVE_FIELDS,
    NATIVE_TYPES,
    NATIVE_WORDS,
    OUTCOMES,
    STAFFED,
    STATES,
    TIMES,
)
from callmon.events import OUTCOME_LABELS
from callmon.feeds.settings import MessageKind


def test_outcomes_have_the_names_of_labels() -> None:
    """All but the one that is an event of its own."""
    assert ["answered", *OUTCOMES] == [*OUTCOME_LABELS]
    assert {f"contact.{label}" for label in OUTCOMES} == {*LEFT}


def test_states_of_agents_are_those_that_are_counted() -> None:
    """In the order in which reports have them."""
    assert (*STAFFED, "away") == AGENT_LABELS
    assert {*STATES} == {*AGENT_LABELS}


def test_types_and_fields_are_of_kinds_that_topics_may_have() -> None:
    """Each kind has some of both; a translated topic is of one of them."""
    kinds = {str(kind) for kind in MessageKind} - {"native"}

    assert kinds == {*NATIVE_TYPES.values()}
    assert kinds == {kind for known in NATIVE_FIELDS.values() for kind in known}


def test_what_is_said_of_fields_is_said_of_known_ones() -> None:
    """Times, words and figures are fields, or parts of one."""
    outer = {path.partition(".")[0] for path in NATIVE_FIELDS}

    assert {*NATIVE_FIELDS} >= TIMES | {*NATIVE_WORDS}
    assert outer >= {*FIGURES}
    assert {*NATIVE_TYPES} == NATIVE_WORDS["type"]
