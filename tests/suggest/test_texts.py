"""Tests of the words of suggestions: both languages have them all, and each is used."""

from callmon.suggest.beginning import BEGINNING, REMARKS
from callmon.suggest.texts import TEXTS
from callmon.wording import Language
from tests.both_languages import told_differently, unsaid
from tests.test_conventions import PACKAGE

DIRECTIONS = {"above", "below"}
"""Keys that are names of values."""


def test_both_languages_say_the_same() -> None:
    """The same words, with the same figures in them."""
    assert [] == told_differently(TEXTS)


def test_every_word_is_used() -> None:
    """What nobody says is no text."""
    files = (PACKAGE / "suggest").glob("*.py")

    assert [] == unsaid(TEXTS, files, DIRECTIONS)


def test_comments_begin_with_a_word_of_their_own() -> None:
    """By it a later suggestion finds the comment of a former one, and takes its place."""
    words = [TEXTS[language]["comment"].partition(" ")[0] for language in Language]

    assert ["suggested", "建议"] == words


def test_the_remarks_of_a_beginning_are_in_both_languages() -> None:
    """All of them, and nothing else differs: there is one file."""
    assert [] == told_differently(REMARKS)
    for language in Language:
        assert set(REMARKS[language].values()) <= {
            line.partition("# ")[2] for line in BEGINNING[language].splitlines()
        }
