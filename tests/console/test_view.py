"""The words of the live table."""

from callmon.console.view import TEXTS, AlertNews
from callmon.rules import Severity
from callmon.wording import Language


def test_every_language_has_every_word() -> None:
    """Nobody gets a table with a hole in it."""
    assert set(Language) == set(TEXTS)
    for texts in TEXTS.values():
        assert set(TEXTS[Language.ENGLISH]) == set(texts)
        assert {*AlertNews, *Severity} <= set(texts)
