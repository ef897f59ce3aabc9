"""The process: what it says and how it ends, seen from outside."""

import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

CONFIG = """\
thresholds: thresholds.yml
feeds: {{log: {{type: queue_log, path: queue_log}}}}
storage: {{directory: state}}
server: {{listen: "127.0.0.1:{port}"}}
logging: {{format: console}}
"""


def start(folder: Path, port: int) -> subprocess.Popen[str]:
    """Start the daemon on a configuration in *folder*."""
    (folder / "callmon.yml").write_text(CONFIG.format(port=port))
    (folder / "thresholds.yml").write_text("thresholds: []\n")
    (folder / "queue_log").touch()
    command = [sys.executable, "-m", "callmon", "run", "-c", str(folder / "callmon.yml")]
    return subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """Return what it wrote to its log up to and with the line that holds *text*."""
    seen = ""
    assert process.stderr is not None
    for line in process.stderr:
        seen += line
        if text in line:
            return seen
    pytest.fail(f"expected {text!r} in its log, found: {seen}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_a_clean_end(tmp_path: Path, number: int) -> None:
    """It stores where it got to and exits with 0."""
    with start(tmp_path, 0) as process:
        said = read_until(process, "daemon.ready")
        (address,) = re.findall(r"http://127\.0\.0\.1:\d+", said.splitlines()[-1])
        with urllib.request.urlopen(f"{address}/readyz", timeout=30) as answer:
            ready = answer.read()
        process.send_signal(number)
        _, rest = process.communicate(timeout=30)

    assert b"ready\n" == ready
    assert (0, "") == (process.returncode, rest if "Traceback" in rest else "")
    assert (tmp_path / "state" / "journal.db").exists()


def test_a_taken_port_is_one_line_not_a_traceback(tmp_path: Path) -> None:
    """The operator reads which address, and why not; the exit status is 1."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with start(tmp_path, port) as process:
            _, said = process.communicate(timeout=30)

    assert 1 == process.returncode
    assert f"127.0.0.1:{port}" in said
    assert "Traceback" not in said
