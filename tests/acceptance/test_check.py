"""``callmon check --watch`` as it is run."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.acceptance

GOOD = "thresholds: [{name: a, measure: waiting, above: 5}]\n"
WRONG = "thresholds: [{name: a, measure: waitin, above: 5}]\n"


def test_it_ends_by_an_interrupt_with_the_last_answer(tmp_path: Path) -> None:
    """Not by a traceback; nothing clears what is no screen."""
    path = tmp_path / "thresholds.yml"
    (tmp_path / "callmon.yml").write_text("feeds: {pbx: {type: simulator}}\n")
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "callmon",
            "check",
            "--watch",
            "--format=editor",
            "-c",
            "callmon.yml",
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for text in (WRONG, f"{WRONG}\n"):
            path.write_text(text)
            assert "unknown measure 'waitin'" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=10)

    assert (1, "", "") == (process.returncode, output, errors)
