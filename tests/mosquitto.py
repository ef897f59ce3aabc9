"""A real Mosquitto on a free loopback port, with its own configuration and memory.

Debian 12's comes from ``scripts/install-system-packages.sh``, a newer one from
``scripts/get-mosquitto.sh``. What is started here is ended by its own process id.
"""

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.acceptance.cutter import steady_port

__all__ = ["NEWER", "PROGRAMS", "Mosquitto", "access_control", "mosquitto", "password_file"]

ROOT = Path(__file__).parents[1]
NEWER = "newer"
PROGRAMS = ("system", NEWER)
"""The one of the system (2.0.11 on Debian 12), and one that keeps the window (2.0.17)."""

KEEPS_WINDOW = (2, 0, 17)
READY_SECONDS = 30.0
STOP_SECONDS = 30.0
HASH_ROUNDS = 101


class Mosquitto:
    """One broker. Stopped and started again it has the same port, and its memory."""

    def __init__(self, folder: Path, which: str, options: Sequence[str], listen: str) -> None:
        self.port = steady_port()
        self.pid: int | None = None
        self.folder = folder
        self._program = _program(which)
        self._config = folder / "mosquitto.conf"
        self._log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        lines = [
            # Else it gives up root, and may not write where the tests do.
            *(["user root"] if os.geteuid() == 0 else []),
            f"listener {self.port} 127.0.0.1",
            *listen.splitlines(),
            "persistence true",
            f"persistence_location {folder}/",
            "autosave_interval 1",
            "log_type all",
            *options,
        ]
        self._config.write_text("\n".join(lines) + "\n")

    @property
    def log(self) -> str:
        """Return what it has logged."""
        return self._log.read_text(errors="replace")

    @property
    def library(self) -> Path:
        """Return the folder of its plugins."""
        return _library(self._program)

    async def start(self) -> None:
        """Start it and wait until it takes connections."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220  # returns at once
                [self._program, "-c", str(self._config)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        self.pid = self._process.pid
        end = time.monotonic() + READY_SECONDS  # noqa: TID251  # a real peer lives in real time
        while not self._is_ready():
            late = time.monotonic() > end  # noqa: TID251  # ditto
            if self._process.poll() is not None or late:
                pytest.fail(f"{self._program} is not ready: {self.log}")
            await asyncio.sleep(0.02)  # noqa: TID251  # ditto

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.settimeout(1.0)
            probe.connect(("127.0.0.1", self.port))
            return True
        return False

    def tell(self, how: signal.Signals) -> None:
        """Send it a signal: SIGSTOP makes it hang, SIGCONT go on."""
        assert self._process is not None
        self._process.send_signal(how)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, and wait for its end; with SIGKILL nothing is saved."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(how)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_SECONDS)
        self._process = self.pid = None


@contextlib.contextmanager
def mosquitto(
    folder: Path,
    which: str = "system",
    options: Sequence[str] = ("allow_anonymous true",),
    *,
    listen: str = "",
) -> Iterator[Mosquitto]:
    """Give a broker that is not started yet, and end it whatever happens.

    *options* are lines of its configuration, *listen* those of its listener.
    """
    broker = Mosquitto(folder, which, options, listen)
    try:
        yield broker
    finally:
        broker.stop()


def password_file(folder: Path, accounts: Mapping[str, str]) -> Path:
    """Write what ``password_file`` reads: PBKDF2 of SHA-512, as mosquitto_passwd does."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "passwords"
    lines = []
    for name, password in accounts.items():
        salt, digest = _digest(password)
        lines.append(f"{name}:$7${HASH_ROUNDS}${salt}${digest}\n")
    file.write_text("".join(lines))
    file.chmod(0o600)
    return file


def access_control(
    folder: Path, which: str, accounts: Mapping[str, str], topics: Sequence[str]
) -> list[str]:
    """Return options that let *accounts* do everything, and subscribe to *topics* only.

    An ``acl_file`` does not refuse a subscription, it keeps the messages back; the plugin
    for dynamic security refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    clients = []
    for name, password in accounts.items():
        salt, digest = _digest(password)
        clients.append(
            {
                "username": name,
                "salt": salt,
                "password": digest,
                "iterations": HASH_ROUNDS,
                "roles": [{"rolename": "watcher"}],
            }
        )
    allowed = [
        {"acltype": "subscribePattern", "topic": one, "priority": 0, "allow": True}
        for one in topics
    ]
    wide = [
        {"acltype": kind, "topic": "#", "priority": 0, "allow": True}
        for kind in ("publishClientSend", "publishClientReceive", "unsubscribePattern")
    ]
    file = folder / "security.json"
    file.write_text(
        json.dumps(
            {
                "defaultACLAccess": {"subscribe": False},
                "clients": clients,
                "groups": [],
                "roles": [{"rolename": "watcher", "acls": allowed + wide}],
            }
        )
    )
    plugin = _library(_program(which)) / "mosquitto_dynamic_security.so"
    return [f"plugin {plugin}", f"plugin_opt_config_file {file}", "allow_anonymous false"]


def _digest(password: str) -> tuple[str, str]:
    salt = b"twelve bytes"
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, HASH_ROUNDS)
    return base64.b64encode(salt).decode(), base64.b64encode(digest).decode()


def _program(which: str) -> str:
    system = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    unpacked = ROOT / ".tools" / "mosquitto" / "bin" / "mosquitto"
    if which == NEWER and unpacked.exists():
        return str(unpacked)
    if system is None:
        pytest.fail("mosquitto is missing: run scripts/install-system-packages.sh")
    if which == NEWER and _version(system) < KEEPS_WINDOW:
        pytest.fail(f"{unpacked} is missing: run scripts/get-mosquitto.sh")
    return system


def _version(program: str) -> tuple[int, ...]:
    """Return what it says to be; it ends with 3, as for a mistake."""
    said = subprocess.run([program, "-h"], capture_output=True, text=True, check=False).stdout
    return tuple(int(part) for part in said.split("\n", 1)[0].split()[-1].split("."))


def _library(program: str) -> Path:
    ours = Path(program).parents[1] / "lib"
    if (ours / "mosquitto_dynamic_security.so").exists():
        return ours
    (found, *_) = Path("/usr/lib").glob("*/mosquitto_dynamic_security.so")
    return found.parent
