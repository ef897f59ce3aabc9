"""Tests of the words of a backtest: both languages have them all, and each is used."""

import pytest

from callmon.alerts import Ended
from callmon.backtest.counts import Kind
from callmon.backtest.texts import ENDINGS, KINDS, REASONS, TEXTS
from callmon.errors import DecodeReason, DropReason
from callmon.rules import Direction
from callmon.wording import Language
from tests.both_languages import told_differently, unsaid
from tests.test_conventions import PACKAGE

WORKSHOP = PACKAGE / "backtest"
MADE_UP = {
    *Direction,
    *(f"is_{file}" for file in ("present", "candidate")),
    *(f"{kind}_line" for kind in ("pages", "brief", "again")),
}
"""Keys that are put together."""


def test_both_languages_say_the_same() -> None:
    """The same words, with the same figures in them."""
    # A verb has two forms in English, and none in Chinese.
    assert [] == told_differently(TEXTS, english_alone={"was"})


def test_every_reason_has_a_chinese_word() -> None:
    """Of a line, of an event, of a row; what is new here is new there."""
    reasons = {*DecodeReason, *DropReason, "unreadable"}
    stages = {"decode", "figure", "engine", "journal"}

    assert reasons | stages == set(REASONS[Language.CHINESE])


def test_every_word_is_used() -> None:
    """What nobody says is no text."""
    files = [*WORKSHOP.glob("*.py"), *(WORKSHOP / "templates").iterdir()]

    assert [] == unsaid(TEXTS, files, MADE_UP)


@pytest.mark.parametrize("language", list(Language))
def test_every_kind_has_its_word(language: Language) -> None:
    """Kinds, reasons of an end, and that there was none."""
    assert set(Kind) == set(KINDS[language])
    assert {*Ended, None} == set(ENDINGS[language])
