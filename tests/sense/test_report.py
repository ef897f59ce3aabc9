"""What is printed for people, programs and editors."""

import json

import pytest

from callmon.config import Level, Problem
from callmon.config.said import Said
from callmon.sense import Findings, exit_code, lines_of
from callmon.wording import Language

MISTAKE = Problem.at("a.yml", 3, 5, "feeds", "unknown; did you mean 'feed'?", excerpt="x: y")
WARNING = Problem.at("a.yml", 4, 1, "", "hardly", level=Level.WARNING)
REMARK = Problem.at("b.yml", 1, 1, "shifts", "nobody", level=Level.INFO)


@pytest.mark.parametrize(
    ("problems", "strict", "code"),
    [
        ((), True, 0),
        ((REMARK,), True, 0),
        ((WARNING,), False, 0),
        ((WARNING,), True, 1),
        ((MISTAKE,), False, 1),
    ],
)
def test_the_exit_code_is_about_mistakes(
    problems: tuple[Problem, ...], strict: bool, code: int
) -> None:
    """Warnings count where one is strict, remarks never."""
    assert code == exit_code(Findings(problems=problems), strict=strict)


def test_people_read_what_it_comes_to_and_what_is_odd() -> None:
    """The explanation first, so that the findings stand last, where the prompt is."""
    findings = Findings(problems=(MISTAKE, WARNING, REMARK), text=("queue a",))

    assert [
        "queue a",
        "",
        "a.yml:3:5: feeds: unknown; did you mean 'feed'?",
        "  | x: y",
        "  |     ^",
        "a.yml:4:1: warning: hardly",
        "b.yml:1:1: shifts: info: nobody",
        "1 mistake, 1 warning, 1 remark",
    ] == list(lines_of(findings, "human"))
    assert ["queue a"] == list(lines_of(Findings(problems=(), text=("queue a",)), "human"))


def test_people_read_it_in_chinese() -> None:
    """What is known in English alone stays so; the counts are as in any language."""
    odd = Problem.at("a.yml", 4, 1, "x", Said.of("odd", "奇怪"), level=Level.WARNING)
    findings = Findings(problems=(MISTAKE, odd, WARNING), text=("队列 a",))

    assert [
        "队列 a",
        "",
        "a.yml:3:5: feeds: unknown; did you mean 'feed'?",
        "  | x: y",
        "  |     ^",
        "a.yml:4:1: x: 警告：奇怪",
        "a.yml:4:1: 警告：hardly",
        "1 处错误，2 条警告",
    ] == list(lines_of(findings, "human", language=Language.CHINESE))
    assert "a.yml:4:1: warning: x: 奇怪" in list(
        lines_of(findings, "editor", language=Language.CHINESE)
    )
    assert list(lines_of(findings, "json")) == list(
        lines_of(findings, "json", language=Language.CHINESE)
    )


def test_editors_read_one_line_each() -> None:
    """Place, how bad, path, message; nothing else."""
    assert [
        "a.yml:3:5: error: feeds: unknown; did you mean 'feed'?",
        "a.yml:4:1: warning: hardly",
        "b.yml:1:1: info: shifts: nobody",
    ] == list(lines_of(Findings(problems=(MISTAKE, WARNING, REMARK), text=("a",)), "editor"))


def test_programs_read_fields() -> None:
    """The shape in docs/operators/commands.md: fields are added, never changed."""
    (text,) = lines_of(Findings(problems=(MISTAKE, WARNING), text=("a",)), "json")

    assert {
        "version": 1,
        "mistakes": 1,
        "warnings": 1,
        "findings": [
            {
                "severity": "error",
                "file": "a.yml",
                "line": 3,
                "column": 5,
                "path": "feeds",
                "message": "unknown; did you mean 'feed'?",
                "hint": "feed",
            },
            {
                "severity": "warning",
                "file": "a.yml",
                "line": 4,
                "column": 1,
                "path": "",
                "message": "hardly",
                "hint": None,
            },
        ],
        "explanation": ["a"],
    } == json.loads(text)
