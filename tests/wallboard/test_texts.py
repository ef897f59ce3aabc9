"""The words of the wallboard."""

from string import Formatter

from callmon.board import Level
from callmon.measures import MEASURES
from callmon.thresholds import State
from callmon.wallboard.charts import CHARTS
from callmon.wallboard.pages import COLUMNS
from callmon.wallboard.texts import LEVELS, MEASURE_NAMES, STATES, TEXTS
from callmon.wording import Language


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_language_has_every_word() -> None:
    """Nobody gets a board with a hole in it."""
    assert set(Language) == set(TEXTS) == set(LEVELS) == set(STATES) == set(MEASURE_NAMES)
    for language in Language:
        assert set(TEXTS[Language.ENGLISH]) == set(TEXTS[language])
        assert set(Level) == set(LEVELS[language])
        assert set(State) == set(STATES[language])
        assert set(MEASURES) == set(MEASURE_NAMES[language])
        assert {*COLUMNS, *CHARTS} <= set(TEXTS[language])


def test_every_translation_says_as_much() -> None:
    """A text names the same things in each language."""
    for key, text in TEXTS[Language.ENGLISH].items():
        assert _fields(text) == _fields(TEXTS[Language.CHINESE][key]), key


def test_levels_can_be_told_apart() -> None:
    """No two levels have the same word."""
    for words in LEVELS.values():
        assert len(words) == len(set(words.values()))
