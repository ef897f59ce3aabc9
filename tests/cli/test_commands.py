"""Tests of the command line: scripted sessions in tests/cli, and what needs a server.

A session is a text file: what must hold (``#``), files (``-- name --``), commands (``$``),
each with its standard output, its standard error (``!``) and its exit code (``[1]``) when
that is not 0.
"""

import dataclasses
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from callmon import __version__
from callmon.cli import main
from callmon.cli.commands import FORMULAS, OVERFLOWS
from callmon.queues import Formula, Overflow

SESSIONS = sorted(Path(__file__).parent.glob("*.txt"))


@dataclasses.dataclass
class Session:
    """A parsed session file."""

    files: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    steps: list[tuple[str, list[str]]] = dataclasses.field(default_factory=list)


def parsed(text: str) -> Session:
    """Return the files and steps of a session."""
    session = Session()
    into: list[str] = []
    for line in text.splitlines():
        if line.startswith("-- ") and line.endswith(" --"):
            into = session.files[line[3:-3]] = []
        elif line.startswith("$ callmon "):
            into = []
            session.steps.append((line, into))
        else:
            into.append(line)
    return session


def performed(command: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Run a command line of a session in this process; return what it gave."""
    code = main(shlex.split(command)[2:])
    done = capsys.readouterr()
    lines = done.out.splitlines() + [f"! {line}".rstrip() for line in done.err.splitlines()]
    return [*lines, *([f"[{code}]"] if code else [])]


def without_blank_ends(lines: list[str]) -> list[str]:
    """Return *lines* without the blank ones that separate steps."""
    return "\n".join(lines).strip("\n").splitlines()


@pytest.mark.parametrize("name", ["check", "test", "backtest", "suggest", "top", "demo"])
def test_both_names_of_the_language_are_taken(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """By each command that docs/operators/commands.md says them of."""
    for option in ("--lang", "--language"):
        assert 0 == main([name, option, "zh-CN", "--help"]), capsys.readouterr().err


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_sessions(
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each command of a session prints what stands there, and ends with that code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "90")
    session = parsed(path.read_text())
    for name, lines in session.files.items():
        (tmp_path / name).write_text("".join(f"{line}\n" for line in without_blank_ends(lines)))

    for command, expected in session.steps:
        found = performed(command, capsys)

        assert (command, without_blank_ends(expected)) == (command, without_blank_ends(found))


def test_sessions_say_what_must_hold() -> None:
    """A session opens with a sentence."""
    assert SESSIONS
    assert [] == [path.name for path in SESSIONS if not path.read_text().startswith("# ")]


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """That of the program that runs."""
    assert 0 == main(["--version"])
    assert f"callmon {__version__}\n" == capsys.readouterr().out


def test_help_is_quick() -> None:
    """What the command line imports before it knows the command is next to nothing."""
    script = "import sys, callmon.cli; print(*sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=True
    )

    loaded = set(done.stdout.split())
    assert "callmon.cli" in loaded
    assert set() == loaded & {
        "aiohttp",
        "asyncio",
        "callmon.app",
        "callmon.config",
        "callmon.engine",
        "holidays",
        "pydantic",
        "structlog",
        "yaml",
    }


def test_choices_are_those_of_the_program() -> None:
    """The command line lists formulas by name so as not to import them."""
    assert tuple(Formula) == FORMULAS
    assert tuple(Overflow) == OVERFLOWS


def test_a_pipe_that_is_closed_early_is_no_error(tmp_path: Path) -> None:
    """``callmon replay … | head`` ends quietly."""
    log = tmp_path / "queue_log"
    log.write_text("1600000000|1600000000.1|sales|NONE|ENTERQUEUE||1|1\n")
    replay = shlex.join(
        [sys.executable, "-m", "callmon", "replay", "--format", "json", str(log)]
    )
    command = f"{replay} | head -n 1"

    done = subprocess.run(
        ["/bin/sh", "-c", command], capture_output=True, text=True, timeout=20, check=True
    )

    assert ("{\n", "") == (done.stdout, done.stderr)


def test_a_full_disk_below_the_output_is_said_in_one_line() -> None:
    """No traceback, exit code 1: whoever pipes a table into a file must learn of it."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "callmon", "schema", "thresholds"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=20,
            check=False,
        )

    assert 1 == done.returncode
    assert "callmon: No space left on device: not all could be written\n" == done.stderr
