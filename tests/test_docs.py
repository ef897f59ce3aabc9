"""Tests of the pages: links lead somewhere, named files and commands exist."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import callmon

ROOT = Path(__file__).parent.parent
PACKAGE = Path(callmon.__file__).parent
PAGES = sorted(
    {*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("[!.]*/**/README.md")}
)
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
NAMED_PATH = re.compile(
    r"`((?:callmon|config|docs|tests|scripts|bench|alertmanager|grafana)/[\w./-]+)`"
)

DECISION_PARTS = [
    "Context",
    "Decision",
    "Alternatives",
    "Consequences",
    "What would change our mind",
]


def _identity(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub and GitLab make of the headings of *page*."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        for heading in headings
    }


def _code(page: Path) -> list[str]:
    """Return what *page* sets as code: spans, and lines of blocks, fenced or indented."""
    text = page.read_text()
    fenced = re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    indented = re.findall(r"^ {4,}(.+)$", text, re.MULTILINE)
    lines = [line for block in fenced for line in block.splitlines()]
    return [
        code.strip().removeprefix("$ ")
        for code in [*re.findall(r"`([^`\n]+)`", text), *indented, *lines]
    ]


@pytest.mark.parametrize("page", PAGES, ids=_identity)
def test_links_lead_somewhere(page: Path) -> None:
    """Each link into the project has a file, and a heading where it names one."""
    broken = []
    for target in LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        if not goal.exists() or (anchor and anchor not in _anchors(goal)):
            broken.append(target)
    assert [] == broken


@pytest.mark.parametrize("page", PAGES, ids=_identity)
def test_named_files_exist(page: Path) -> None:
    """A page does not speak of files that are gone."""
    missing = [
        name for name in NAMED_PATH.findall(page.read_text()) if not (ROOT / name).exists()
    ]
    assert [] == missing


@pytest.mark.parametrize("page", PAGES, ids=_identity)
def test_named_make_targets_exist(page: Path) -> None:
    """A page does not tell readers to type what make does not know."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {match[1] for code in _code(page) if (match := re.match(r"make ([a-z]+)", code))}

    assert named <= targets


def test_named_commands_exist() -> None:
    """Every ``callmon something`` in the pages is a command of callmon."""
    shown = subprocess.run(
        [sys.executable, "-m", "callmon", "--help"],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    ).stdout
    commands = set(re.findall(r"^  ([a-z]+)\b", shown, re.MULTILINE))
    named = {
        match[1]
        for page in PAGES
        for code in _code(page)
        if (match := re.match(r"(?:\S*/)?callmon ([a-z]+)\b", code))
    }

    assert named <= commands


def test_both_readmes_do_the_same() -> None:
    """The same blocks to type, the same commands, as many headings, each names the other."""
    english, chinese = (ROOT / name for name in ("README.md", "README.zh-CN.md"))
    pages = (english, chinese)
    typed = [re.findall(r"^ {4,}(.+)$", page.read_text(), re.MULTILINE) for page in pages]
    named = [set(re.findall(r"`callmon\s+([a-z]+)", page.read_text())) for page in pages]
    headings = [len(re.findall("^#", page.read_text(), re.MULTILINE)) for page in pages]

    assert ["make demo", "make test"] == [line for line in typed[0] if line.startswith("make")]
    assert typed[0] == typed[1]
    assert named[0] == named[1]
    assert headings[0] == headings[1]
    assert f"[中文]({chinese.name})" in english.read_text().partition("\n## ")[0]
    assert f"[English]({english.name})" in chinese.read_text().partition("\n## ")[0]


def test_the_index_has_every_page() -> None:
    """Each page under docs/ can be reached from docs/README.md."""
    index = ROOT / "docs" / "README.md"
    linked = {
        (index.parent / target.partition("#")[0]).resolve()
        for target in LINK.findall(index.read_text())
        if not target.startswith("http")
    }
    pages = {page.resolve() for page in (ROOT / "docs").rglob("*.md")}

    assert set() == pages - linked - {index.resolve()}


def test_the_architecture_page_has_every_module() -> None:
    """One line a module, in the words of its docstring; `make fmt` writes them."""
    page = (ROOT / "docs" / "developers" / "architecture.md").read_text()
    listed = re.findall(r"^\| `([\w/]+\.py)` \| (.+) \|$", page, re.MULTILINE)
    modules = [
        (str(file.relative_to(ROOT)), _first_line(file))
        for file in PACKAGE.rglob("*.py")
        if file.name != "__init__.py"
    ]

    assert sorted(modules) == sorted(listed)


def _first_line(file: Path) -> str:
    docstring = ast.get_docstring(ast.parse(file.read_text())) or ""
    return docstring.partition("\n")[0].replace("``", "`").replace("|", "\\|")


def test_decisions_are_numbered_without_gaps() -> None:
    """A number names one decision for ever."""
    numbers = [page.name.partition("-")[0] for page in DECISIONS]

    assert [f"{number:04}" for number in range(1, len(numbers) + 1)] == numbers


@pytest.mark.parametrize("page", DECISIONS, ids=_identity)
def test_decisions_say_what_else_there_was(page: Path) -> None:
    """The same five parts, and doing nothing is always one of the alternatives."""
    text = page.read_text()

    assert DECISION_PARTS == re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert re.search(r"\bdo nothing\b", text, re.IGNORECASE)
