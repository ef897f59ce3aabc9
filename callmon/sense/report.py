"""What ``callmon check`` prints: for people, for programs, for editors."""

import json
from collections.abc import Iterator
from typing import Final

from callmon.config import Level, Problem, printed
from callmon.sense.examination import Findings
from callmon.sense.texts import TEXTS
from callmon.wording import Language

__all__ = ["FORMATS", "exit_code", "lines_of"]

FORMATS: Final = ("human", "json", "editor")

_NOUNS: Final = {Level.ERROR: "mistake", Level.WARNING: "warning", Level.INFO: "remark"}
_ASKS: Final = "; did you mean '"


def exit_code(findings: Findings, *, strict: bool) -> int:
    """Return 1 when there are mistakes; warnings are some where it is *strict*."""
    wrong = findings.count(Level.ERROR) + strict * findings.count(Level.WARNING)
    return int(wrong > 0)


def lines_of(
    findings: Findings,
    output: str,
    *,
    colour: bool = False,
    language: Language = Language.ENGLISH,
) -> Iterator[str]:
    """Yield the lines of *findings* in one of ``FORMATS``; what programs read is English."""
    if output == "json":
        yield json.dumps(_document(findings), ensure_ascii=False, indent=2)
    elif output == "editor":
        for problem in findings.problems:
            yield _editor_line(problem, language)
    else:
        yield from _human(findings, colour=colour, language=language)


def _human(findings: Findings, *, colour: bool, language: Language) -> Iterator[str]:
    yield from findings.text
    if findings.text and findings.problems:
        yield ""
    yield from printed(findings.problems, colour=colour, language=language)
    texts = TEXTS[language]
    counts = [
        texts[noun if count == 1 else f"{noun}s"].format(count=count)
        for level, noun in _NOUNS.items()
        if (count := findings.count(level))
    ]
    if counts:
        yield texts["comma"].join(counts)


def _editor_line(problem: Problem, language: Language) -> str:
    place = f"{problem.file}:{problem.line}:{problem.column}: {problem.level}"
    path = f" {problem.path}:" if problem.path else ""
    return f"{place}:{path} {problem.message_in(language)}"


def _document(findings: Findings) -> dict[str, object]:
    return {
        "version": 1,
        "mistakes": findings.count(Level.ERROR),
        "warnings": findings.count(Level.WARNING),
        "findings": [_entry(problem) for problem in findings.problems],
        "explanation": list(findings.text),
    }


def _entry(problem: Problem) -> dict[str, object]:
    _, asks, rest = problem.message.partition(_ASKS)
    return {
        "severity": problem.level.value,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "path": problem.path,
        "message": problem.message,
        "hint": rest.partition("'")[0] if asks else None,
    }
