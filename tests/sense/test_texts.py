"""Tests of what check finds, in words: both languages have them all, and each is used."""

from callmon.rules import SubjectKind
from callmon.sense.texts import TEXTS, say
from callmon.wording import Language
from tests.both_languages import told_differently, unsaid
from tests.test_conventions import PACKAGE

MADE_UP = {*SubjectKind, *(f"{noun}s" for noun in ("mistake", "warning", "remark"))}
"""Keys that are put together."""


def test_both_languages_say_the_same() -> None:
    """The same words, with the same figures in them."""
    assert [] == told_differently(TEXTS)


def test_every_word_is_used() -> None:
    """What nobody says is no text."""
    files = [*(PACKAGE / "sense").glob("*.py"), PACKAGE / "cli" / "check.py"]

    assert set(SubjectKind) <= set(TEXTS[Language.ENGLISH])
    assert [] == unsaid(TEXTS, files, MADE_UP)


def test_a_message_is_said_in_both() -> None:
    """Its text is English; what stands in it is in the same language as the rest."""
    message = say("by_default", name="duty", told="team=a", more=say("and_more", count=2))

    assert message.endswith("has them: team=a; and 2 more")
    assert message.chinese.endswith("接收：team=a；另有 2 种")
