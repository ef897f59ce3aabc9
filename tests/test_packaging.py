"""Tests of what is around the code: requirements, Makefile, unit file, image, version."""

import ast
import configparser
import itertools
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import callmon

ROOT = Path(__file__).parent.parent
PACKAGE = Path(callmon.__file__).parent

MODULES = {
    "apscheduler": "APScheduler",
    "paho": "paho-mqtt",
    "prometheus_client": "prometheus-client",
    "pydantic_core": "pydantic",  # comes with it, at the one version that fits
    "yaml": "PyYAML",
}
"""Distribution by module, where the two are not called the same."""

NEVER_IMPORTED = {
    "tzdata": "zoneinfo reads it where the system has no time zones",
}

PIN = r"^(\S+)==\S+(?: ; [^\\\n]*)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)"
"""A line of a requirements file with the hashes that belong to it."""


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def _name(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match
    return match[0].lower().replace("_", "-")


def _imported() -> set[str]:
    found = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"callmon"}


def test_dependencies_are_what_the_code_imports() -> None:
    """Nothing is imported that is not declared, nothing declared that is not used."""
    project = _project()["project"]
    extras = project["optional-dependencies"].values()
    needed = [*project["dependencies"], *itertools.chain.from_iterable(extras)]
    declared = {_name(text) for text in needed}
    imported = {MODULES.get(module, module).lower() for module in _imported()}

    assert declared == imported | set(NEVER_IMPORTED)


@pytest.mark.parametrize(
    ("file", "groups"),
    [
        ("requirements.txt", []),
        ("requirements-test.txt", ["test"]),
        ("requirements-dev.txt", ["test", "dev"]),
    ],
)
def test_requirements_are_locked(file: str, groups: list[str]) -> None:
    """Each declared package is pinned and hashed; no file says where to download from."""
    project = _project()
    wanted = list(project["project"]["dependencies"])
    for group in groups:
        wanted += [
            text for text in project["dependency-groups"][group] if isinstance(text, str)
        ]
    text = (ROOT / file).read_text()
    pins = re.findall(
        r"^(\S+)==\S+(?: ; [^\\\n]*)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)",
        text,
        re.MULTILINE,
    )

    assert {_name(requirement) for requirement in wanted} <= {_name(pin) for pin, _ in pins}
    assert len(re.findall(r"^\S.*==", text, re.MULTILINE)) == len(pins)
    assert not re.search(r"://|^--?(index|find|extra)", text, re.MULTILINE)


def test_requirements_agree() -> None:
    """What is tested is what runs: the same version of a package in all three files."""
    pins = [
        dict(re.findall(r"^(\S+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.txt", "requirements-test.txt", "requirements-dev.txt")
    ]

    assert pins[0].items() <= pins[1].items() <= pins[2].items()


def test_the_version_is_in_the_changelog() -> None:
    """Operators can read what the version they run brought."""
    headings = re.findall(
        r"^## \[?([^\]\s]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )

    assert callmon.__version__ in headings


def test_make_help_lists_every_target() -> None:
    """A target without a line of help is one nobody finds."""
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony

    shown = subprocess.run(
        ["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, timeout=10, check=True
    ).stdout

    assert set(phony[1].split()) == set(re.findall(r"make (\w+)", shown))


def test_an_old_python_is_told_so(tmp_path: Path) -> None:
    """Before anything is downloaded, in a sentence that says what to do."""
    old = tmp_path / "python3.10"
    pretend = "import sys; sys.version_info = (3, 10); exec(sys.argv[1])"
    old.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{pretend}' \"$2\"\n")
    old.chmod(0o755)

    done = subprocess.run(
        ["make", "run", f"PYTHON={old}", f"VENV={tmp_path}/venv"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )

    assert 0 != done.returncode
    assert "callmon needs Python 3.11 or newer, this is 3.10" in done.stderr
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize(
    "script", sorted((ROOT / "scripts").glob("*.sh")), ids=lambda s: s.name
)
def test_scripts_are_sound(script: Path) -> None:
    """Each parses, can be run, and stops at the first error."""
    shell = script.read_text().splitlines()[0].removeprefix("#!").split()[-1].split("/")[-1]

    subprocess.run([shell, "-n", str(script)], check=True, timeout=10)

    assert script.stat().st_mode & 0o111
    assert re.search(r"^set -e", script.read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    "piece", sorted((ROOT / "scripts").glob("*.bash")), ids=lambda piece: piece.name
)
def test_what_scripts_source_is_sound(piece: Path) -> None:
    """It parses, and cannot be run by itself."""
    subprocess.run(["bash", "-n", str(piece)], check=True, timeout=10)

    assert not piece.stat().st_mode & 0o111


def test_the_unit_file_keeps_its_promises() -> None:
    """Systemd waits for readiness and reload, watches, and locks the service in."""
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]  # names keep their case
    unit.read(ROOT / "config" / "callmon.service")
    service = unit["Service"]

    assert "notify-reload" == service["Type"]
    assert int(service["WatchdogSec"]) > 0
    assert ("strict", "yes", "yes") == (
        service["ProtectSystem"],
        service["DynamicUser"],
        service["NoNewPrivileges"],
    )
    assert "callmon" == service["StateDirectory"]


def test_the_image_takes_only_what_it_needs() -> None:
    """What the Dockerfile copies is let through, and nothing else is sent to the builder."""
    copied = re.findall(
        r"^COPY (?!--from)(\S+) ", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )
    ignored = (ROOT / ".dockerignore").read_text().splitlines()

    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == set(copied)
