"""The house rules that no linter knows."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import callmon
from callmon.feeds.registry import FEEDS
from callmon.logs import LOG_KEYS

PACKAGE = Path(callmon.__file__).parent
ROOT = Path(__file__).parent.parent
TESTS = ROOT / "tests"

LOG_CALLS = {"bind", "critical", "debug", "error", "exception", "info", "warning"}
NO_KEYS = {"exc_info"}
"""Arguments of log calls that are no facts."""

MAX_LINES = 500
"""A longer file is asking to be two ideas; four hundred is the aim."""

NO_TEST_OF_ITS_OWN = {
    "__init__": "nothing but names",
    "__main__": "one call",
    "base": "protocols, tested by those who keep them",
    "clock": "the machine's clock",
    "directory": "a part of the engine, tested through it",
    "errors": "names of errors, tested where they are raised",
    "events": "the shape of events, tested by decoders and engine",
    "registry": "a table, held by test_every_feed_is_complete",
    "routes": "a part of the engine, tested through it",
    "settings": "values without behaviour",
    "subjects": "a part of the engine, tested through it",
    "testing": "tested by the tests that use it",
}

VAGUE = {"common", "handler", "helper", "helpers", "manager", "misc", "util", "utils"}


def _sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@functools.cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def _log_calls(file: Path) -> Iterator[ast.Call]:
    for call in ast.walk(_tree(file)):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        owner = call.func.value
        name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
        if call.func.attr in LOG_CALLS and name.strip("_") in {"log", "logger"}:
            yield call


def test_nothing_is_raised_where_groups_are_caught() -> None:
    """Python before 3.11.4, Debian 12's among them, makes a group of it: a traceback."""
    raised = [
        f"{file.relative_to(PACKAGE)}:{node.lineno}"
        for file in _sources()
        for caught in ast.walk(_tree(file))
        if isinstance(caught, ast.TryStar)
        for handler in caught.handlers
        for node in ast.walk(handler)
        if isinstance(node, ast.Raise) and node.exc is not None
    ]
    assert [] == raised


def test_log_calls_use_known_keys() -> None:
    """A key that is not in LOG_KEYS is a typo or needs a line there."""
    unknown = [
        f"{file.name}:{call.lineno} {keyword.arg}"
        for file in _sources()
        for call in _log_calls(file)
        for keyword in call.keywords
        if keyword.arg not in LOG_KEYS and keyword.arg not in NO_KEYS
    ]
    assert [] == unknown


def test_log_events_are_dotted_names() -> None:
    """The event is a short stable name that one can search for; the facts are keys."""
    wrong = [
        f"{file.name}:{call.lineno}"
        for file in _sources()
        for call in _log_calls(file)
        if isinstance(call.func, ast.Attribute) and call.func.attr != "bind"
        if not (
            call.args
            and isinstance(call.args[0], ast.Constant)
            and re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", str(call.args[0].value))
        )
    ]
    assert [] == wrong


def test_every_module_says_what_it_is_and_what_it_offers() -> None:
    """A module opens with a docstring and lists its names in ``__all__``."""
    silent = []
    for file in _sources():
        tree = _tree(file)
        assigned = {
            target.id
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        if not ast.get_docstring(tree):
            silent.append(f"{file.relative_to(PACKAGE)}: no docstring")
        if "__all__" not in assigned and file.name != "__init__.py":
            silent.append(f"{file.relative_to(PACKAGE)}: no __all__")
    assert [] == silent


def test_names_say_something() -> None:
    """A module called after nothing collects everything."""
    assert [] == [str(file) for file in _sources() if set(file.stem.split("_")) & VAGUE]


def test_files_stay_readable() -> None:
    """No source file outgrows the limit."""
    long = {
        str(file.relative_to(ROOT)): lines
        for file in _sources()
        if (lines := len(file.read_text().splitlines())) > MAX_LINES
    }
    assert {} == long


def _imports(file: Path) -> set[str]:
    return {
        name
        for node in ast.walk(_tree(file))
        if isinstance(node, ast.ImportFrom) and node.module
        for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
    }


def test_tests_mirror_the_code() -> None:
    """Whoever looks for the tests of a module finds them at the same path.

    A folder with one door, its ``__init__``, may be tested through it; so may parts that
    only their own folder uses.
    """
    importers = {file: _imports(file) for file in _sources()}
    untested = []
    for file in _sources():
        place = file.relative_to(PACKAGE)
        if file.stem in NO_TEST_OF_ITS_OWN or list(
            (TESTS / place.parent).glob(f"test_{file.stem}*.py")
        ):
            continue
        module = ".".join(("callmon", *place.with_suffix("").parts))
        if "import" in (file.parent / "__init__.py").read_text():
            assert list((TESTS / place.parent).glob("test_*.py"))
            continue
        users = [user for user, names in importers.items() if module in names]
        if file.parent == PACKAGE or any(file.parent != user.parent for user in users):
            untested.append(str(place))
    assert [] == untested


@pytest.mark.parametrize("name", FEEDS)
def test_every_feed_is_complete(name: str) -> None:
    """A type of feed has a module, a page and tests, all called like it in callmon.yml."""
    assert (PACKAGE / "feeds" / f"{name}.py").exists()
    assert (ROOT / "docs" / "feeds" / f"{name}.md").exists()
    assert list((TESTS / "feeds").glob(f"test_{name}*.py"))


def test_each_test_says_what_must_hold() -> None:
    """The name is the statement, the docstring one sentence about it."""
    wordless = [
        f"{file.relative_to(TESTS)}::{node.name}"
        for file in sorted(TESTS.rglob("test_*.py"))
        for node in ast.walk(_tree(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not (ast.get_docstring(node) or "").rstrip().endswith((".", "?", "!", "…"))
    ]
    assert [] == wordless


def test_every_exception_from_a_rule_has_a_reason() -> None:
    """A ``noqa`` or ``type: ignore`` names its code, and the line says why."""
    bare = re.compile(
        r"#\s*(noqa|type:\s*ignore)(?!(: [A-Z]+\d+(, [A-Z]+\d+)*|\[[\w, -]+\])[ -]+[#(]?\s*\w)"
    )
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for folder in (PACKAGE, TESTS)
        for file in sorted(folder.rglob("*.py"))
        if file != Path(__file__)
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if bare.search(line)
    ]
    assert [] == found


def test_nothing_is_left_for_later() -> None:
    """What is not done is not in the code."""
    later = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X])\b")
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for folder in (PACKAGE, TESTS)
        for file in sorted(folder.rglob("*.py"))
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if later.search(line)
    ]
    assert [] == found
