"""Tests of what a configuration comes to, in words: in both languages, and each is used."""

import pytest

from callmon.config.texts import TEXTS
from callmon.measures import Unit
from callmon.rules import Direction, SubjectKind
from callmon.wording import Language
from tests.both_languages import told_differently, unsaid
from tests.test_conventions import PACKAGE

NOUNS = ("feed", "queue", "group", "threshold", "calendar", "alertmanager")
MADE_UP = {
    *Direction,
    *Unit,
    *(f"a_{kind}" for kind in SubjectKind),
    *(f"{noun}s" for noun in NOUNS),
    *(f"no_{noun}" for noun in NOUNS),
}
"""Keys that are put together."""


def test_both_languages_say_the_same() -> None:
    """The same words, with the same figures in them."""
    assert [] == told_differently(TEXTS)


def test_every_word_is_used() -> None:
    """What nobody says is no text."""
    files = (PACKAGE / "config").glob("*.py")

    assert [] == unsaid(TEXTS, files, MADE_UP)


@pytest.mark.parametrize("language", list(Language))
def test_every_kind_has_its_word(language: Language) -> None:
    """Sides of a limit, subjects, and how many of each noun there are."""
    assert {*Direction, Unit.CONTACTS, Unit.AGENTS} <= set(TEXTS[language])
    assert {f"a_{kind}" for kind in SubjectKind} <= set(TEXTS[language])
    for noun in NOUNS:
        assert {noun, f"{noun}s", f"no_{noun}"} <= set(TEXTS[language])
