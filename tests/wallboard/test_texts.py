"""The words of the wallboard."""

from callmon.board import Level
from callmon.measures import MEASURES
from callmon.thresholds import State
from callmon.wallboard.charts import CHARTS
from callmon.wallboard.pages import COLUMNS
from callmon.wallboard.texts import LEVELS, MEASURE_NAMES, STATES, TEXTS
from callmon.wording import Language
from tests.both_languages import told_differently


def test_every_language_has_every_word() -> None:
    """Nobody gets a board with a hole in it."""
    assert set(Language) == set(TEXTS) == set(LEVELS) == set(STATES) == set(MEASURE_NAMES)
    for language in Language:
        assert set(Level) == set(LEVELS[language])
        assert set(State) == set(STATES[language])
        assert set(MEASURES) == set(MEASURE_NAMES[language])
        assert {*COLUMNS, *CHARTS} <= set(TEXTS[language])


def test_every_translation_says_as_much() -> None:
    """A text names the same things in each language."""
    assert [] == told_differently(TEXTS)


def test_levels_can_be_told_apart() -> None:
    """No two levels have the same word."""
    for words in LEVELS.values():
        assert len(words) == len(set(words.values()))
