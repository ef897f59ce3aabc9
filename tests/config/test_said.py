"""Tests of messages in both languages."""

from callmon.config.problems import Level, Problem, asked, did_you_mean, one_of, printed
from callmon.config.said import Said, said
from callmon.wording import Language

TEXTS = {
    Language.ENGLISH: {"near": "no {name}{hint}"},
    Language.CHINESE: {"near": "没有 {name}{hint}"},
}
ENGLISH, CHINESE = Language.ENGLISH, Language.CHINESE


def test_what_stands_in_a_message_is_in_its_language() -> None:
    """A name is a name in any language; a question is not."""
    message = said(TEXTS, "near", name="{vpi}", hint=asked("vip"))

    assert "no {vpi}; did you mean 'vip'?" == message
    assert "没有 {vpi}；是不是 'vip'？" == message.chinese


def test_questions_are_known_in_both() -> None:
    """Those that ask for the nearest of names, and those that list them."""
    (nearest, listed) = (did_you_mean("vpi", ["vip"]), one_of("x", ["sales", "support"]))

    assert isinstance(nearest, Said)
    assert isinstance(listed, Said)
    assert ("; did you mean 'vip'?", "；是不是 'vip'？") == (nearest, nearest.chinese)
    assert ("; known: sales, support", "；可选：sales, support") == (listed, listed.chinese)
    assert "" == did_you_mean("zzz", ["vip"])


def test_a_problem_is_read_in_either_language() -> None:
    """Place and path are the same; what is known in English alone stays English."""
    known = Said.of("hardly\x1b", "很少\x1b")
    warning = Problem.at("a.yml", 3, 5, "x.above", known, level=Level.WARNING)
    remark = Problem.at("a.yml", 3, 5, "", known, level=Level.INFO)
    mistake = Problem.at("a.yml", 3, 5, "x", "no\x1b", excerpt="x: 客")

    assert "a.yml:3:5: x.above: warning: hardly?" == warning == warning.text_in(ENGLISH)
    assert "a.yml:3:5: x.above: 警告：很少?" == warning.text_in(CHINESE)
    assert "a.yml:3:5: 提示：很少?" == remark.text_in(CHINESE)
    assert "a.yml:3:5: x: no?" == mistake.text_in(CHINESE) == mistake.text_in(ENGLISH)
    assert ("hardly?", "很少?") == tuple(map(warning.message_in, Language))
    assert ("no?", "no?") == tuple(map(mistake.message_in, Language))


def test_problems_are_printed_in_the_language_asked_for() -> None:
    """The line of the file stands below, as ever; what is only a text stays what it is."""
    warning = Problem.at("a.yml", 1, 4, "x", Said.of("odd", "奇怪"), excerpt="x: 客")

    assert ["a.yml:1:4: x: 奇怪", "  | x: 客", "  |    ^"] == printed(
        [warning], language=CHINESE
    )
    assert ["plain"] == printed(["plain"], language=CHINESE)
