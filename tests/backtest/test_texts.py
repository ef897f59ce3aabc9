"""Tests of the words of a backtest: both languages have them all, and each is used."""

import re
from string import Formatter

import pytest

from callmon.alerts import Ended
from callmon.backtest.counts import Kind
from callmon.backtest.texts import ENDINGS, KINDS, SEVERITIES, TEXTS
from callmon.rules import Direction, Severity
from callmon.wording import WEEKDAYS, Language
from tests.test_conventions import PACKAGE

WORKSHOP = PACKAGE / "backtest"
MADE_UP = {
    *Direction,
    *(f"is_{file}" for file in ("present", "candidate")),
    *(f"{kind}_line" for kind in ("pages", "brief", "again")),
}
"""Keys that are put together."""


def fields(template: str) -> set[str]:
    """Return the names in braces."""
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def test_both_languages_say_the_same() -> None:
    """The same words, with the same figures in them."""
    english, chinese = TEXTS[Language.ENGLISH], TEXTS[Language.CHINESE]

    assert set(english) == set(chinese)
    # A verb has two forms in English, and none in Chinese.
    for key in english:
        assert fields(english[key]) - {"was"} == fields(chinese[key]), key


def test_every_word_is_used() -> None:
    """What nobody says is no text."""
    written = "".join(
        file.read_text()
        for file in [*WORKSHOP.glob("*.py"), *(WORKSHOP / "templates").iterdir()]
        if file.name != "texts.py"
    )

    unused = [
        key
        for key in TEXTS[Language.ENGLISH]
        if key not in MADE_UP and not re.search(rf'texts\.{key}\b|"{key}"', written)
    ]
    assert [] == unused


@pytest.mark.parametrize("language", list(Language))
def test_every_kind_has_its_word(language: Language) -> None:
    """Kinds, severities, reasons of an end, and that there was none."""
    assert set(Kind) == set(KINDS[language])
    assert set(Severity) == set(SEVERITIES[language])
    assert {*Ended, None} == set(ENDINGS[language])
    assert 7 == len(WEEKDAYS[language])
