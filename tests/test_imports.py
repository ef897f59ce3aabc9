"""Tests of the import graph that import-linter cannot see."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import callmon

PACKAGE = Path(callmon.__file__).parent

PROBE = """
import importlib, json, os, sys, threading
# What is not ours is loaded once, here; each module of callmon then starts from nothing.
for library in {libraries!r}:
    importlib.import_module(library)
problems = {{}}
for name in {modules!r}:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            module = importlib.import_module(name)
            names = getattr(module, "__all__", ())
            missing = [word for word in names if not hasattr(module, word)]
            problem = f"__all__ names what is not there: {{missing}}" if missing else ""
            if threading.active_count() > 1:
                problem = "importing it starts a thread"
        except BaseException as error:
            problem = f"{{type(error).__name__}}: {{error}}"
        os.write(write, problem.encode()[:4096])
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        if problem := answer.read().decode():
            problems[name] = problem
    os.waitpid(child, 0)
print(json.dumps(problems))
"""

LIBRARIES = (
    "aiohttp",
    "bcrypt",
    "click",
    "holidays",
    "msgspec",
    "prometheus_client",
    "pydantic",
    "structlog",
    "yaml",
)

LIGHT = {"__main__", "callmon", "dateutil", "holidays", "msgspec", "six", "typing_extensions"}
"""What the core may load: msgspec and holidays, and what those two bring."""


def _modules() -> list[str]:
    """Return all modules but those whose package imports them in any case."""
    names = []
    for file in PACKAGE.rglob("*.py"):
        door = file.parent / "__init__.py"
        if file == door or file.parent == PACKAGE or "import" not in door.read_text():
            names.append(".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts))
    return sorted(name.removesuffix(".__init__") for name in names)


@pytest.mark.timeout(300)
def test_each_module_can_be_imported_first() -> None:
    """No module relies on another having been imported before it, nor acts on import."""
    script = PROBE.format(libraries=LIBRARIES, modules=_modules())

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=240, check=False
    )

    assert "" == done.stderr
    assert {} == json.loads(done.stdout)


def test_the_core_needs_no_library_but_msgspec() -> None:
    """The numbers can be recomputed anywhere, without server, clients or configuration."""
    script = (
        "import sys, callmon.engine, callmon.decode.queue_log\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False
    )

    loaded = set(done.stdout.split()) - set(sys.stdlib_module_names)
    assert "" == done.stderr
    assert loaded <= LIGHT | {
        name for name in loaded if name.startswith(("_", "sitecustomize"))
    }
