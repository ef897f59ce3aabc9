#!/usr/bin/env python3
"""Runs the commands of the tutorials and writes what they print into the pages.

A page is a session in a folder of its own: YAML goes into the file that the line above it
names last, and what follows ``$`` is run. A line with ``…`` alone stands for any lines.
"""

import contextlib
import dataclasses
import io
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from unittest import mock

from callmon.cli import main as callmon

__all__ = ["PAGES", "Step", "agrees", "performed", "sessions", "steps"]

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "administrators"
PAGES = (FOLDER / "tutorial.md", FOLDER / "tutorial.zh-CN.md")
SAMPLE = FOLDER / "sample" / "queue_log.gz"

_BLOCK = re.compile(
    r"(?P<above>^[^\n]*\n\n?)```(?P<kind>yaml|console)\n(?P<text>.*?)^```",
    re.MULTILINE | re.DOTALL,
)
_INDENTED = re.compile(r"(?:^ {4}.*\n(?:[ \t]*\n(?= {4}))*)+", re.MULTILINE)
_FILE = re.compile(r"`([\w.-]+\.yml)`")
_TOOK = re.compile(r"\d+(\.\d+)? ms\b")
_ANY = "…"


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """A file to write, or a command to run."""

    file: str  #: empty: a command
    command: str
    text: str  #: of the file, or what the command prints


def steps(page: str) -> list[Step]:
    """Return the steps of *page*, in order.

    Raises:
        ValueError: YAML stands there without a file to put it in.
    """
    return [step for block in _BLOCK.finditer(page) for step in _steps(block)]


def _steps(block: re.Match[str]) -> Iterator[Step]:
    if block["kind"] == "yaml":
        names = _FILE.findall(block["above"])
        if not names:
            raise ValueError(f"expected the name of a file above: {block['text']}")
        yield Step(names[-1], "", block["text"])
        return
    for part in re.split(r"^\$ ", block["text"], flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        yield Step("", command, printed)


@contextlib.contextmanager
def _desk() -> Iterator[None]:
    """Be in a folder with last month's log, at a terminal of a usual width."""
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        mock.patch.dict(os.environ, COLUMNS="100"),
    ):
        shutil.copy(SAMPLE, "queue_log.gz")
        yield


def sessions(page: str) -> list[Step]:
    """Return the commands on *page* that are run on last month's log, set as indented code."""
    text = "".join(f"{found}\n" for found in _INDENTED.findall(page) if "$ callmon" in found)
    plain = re.sub("^ {4}", "", text, flags=re.MULTILINE)
    parts = re.split(r"^\$ ", plain, flags=re.MULTILINE)[1:]
    told = [Step("", *part.partition("\n")[::2]) for part in parts if SAMPLE.name in part]
    return [dataclasses.replace(step, text=_trimmed(step.text)) for step in told]


def performed(wanted: Iterable[Step]) -> list[Step]:
    """Return the steps with what the commands print now."""
    with _desk():
        return [_performed(step) for step in wanted]


def _performed(step: Step) -> Step:
    if step.file:
        Path(step.file).write_text(step.text)
        return step
    program, *arguments = shlex.split(step.command)
    if program != "callmon":
        raise ValueError(f"expected a command of callmon, found {step.command!r}")
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = callmon(arguments)
    if code:
        raise ValueError(f"{step.command}: expected a good end, found {code}: {out.getvalue()}")
    return Step("", step.command, _trimmed(out.getvalue()))


def _trimmed(text: str) -> str:
    """Return *text* without blanks at the ends of lines, and blank lines at its ends."""
    lines = "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")
    return f"{lines}\n" if lines else ""


def agrees(shown: str, printed: str) -> bool:
    """Tell whether *shown*, which may leave lines out, is what was *printed*."""
    shown, printed = _TOOK.sub("1 ms", shown), _TOOK.sub("1 ms", printed)
    parts = re.split(rf"^{_ANY}\n", shown, flags=re.MULTILINE)
    pattern = "(?:.*\n)*".join(re.escape(part) for part in parts)
    return re.fullmatch(pattern, printed) is not None


def _rewritten(page: str) -> str:
    """Return *page* with what the commands print now, where that is not what it shows."""
    fresh = iter(performed(steps(page)))

    def again(block: re.Match[str]) -> str:
        if block["kind"] == "yaml":
            next(fresh)
            return block[0]
        texts = []
        for step in _steps(block):
            now = next(fresh)
            text = step.text if agrees(step.text, now.text) else now.text
            texts.append(f"$ {step.command}\n{text}")
        return f"{block['above']}```console\n{''.join(texts)}```"

    return _BLOCK.sub(again, page)


def main() -> None:
    """Write the pages."""
    for page in PAGES:
        page.write_text(_rewritten(page.read_text()))


if __name__ == "__main__":
    main()
