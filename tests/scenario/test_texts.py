"""Tests of the words of scenarios: both languages have them all, and each is used."""

import pytest

from callmon.alerts import Ended
from callmon.rules import Direction
from callmon.scenario.steps import Turn
from callmon.scenario.texts import ENDINGS, STATES, TEXTS
from callmon.thresholds import State
from callmon.wording import Language
from tests.both_languages import told_differently, unsaid
from tests.test_conventions import PACKAGE

MADE_UP = {
    *Direction,
    *Turn,
    *(f"not_{turn}" for turn in Turn),
    *(f"{noun}s" for noun in ("scenario", "expectation")),
}
"""Keys that are put together."""

ENGLISH, CHINESE = Language.ENGLISH, Language.CHINESE


def test_both_languages_say_the_same() -> None:
    """The same words, with the same figures in them."""
    assert [] == told_differently(TEXTS)


def test_every_word_is_used() -> None:
    """What nobody says is no text."""
    files = (PACKAGE / "scenario").glob("*.py")

    assert {*Direction, *Turn} <= set(TEXTS[ENGLISH])
    assert [] == unsaid(TEXTS, files, MADE_UP)


@pytest.mark.parametrize("language", list(Language))
def test_every_kind_has_its_word(language: Language) -> None:
    """Reasons of an end, and states."""
    assert set(Ended) == set(ENDINGS[language])
    assert set(State) == set(STATES[language])


def test_what_a_sentence_says_is_told_as_it_says_it() -> None:
    """Whoever reads of a state, or of an end, reads the word that a sentence wants."""
    assert [] == [state for state in State if state.value not in STATES[CHINESE][state]]
    assert [] == [ended for ended in Ended if ended.value not in ENDINGS[CHINESE][ended]]
