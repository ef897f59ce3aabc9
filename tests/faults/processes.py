"""Programs that are started, killed and started again; each in a process group of its own."""

import asyncio
import contextlib
import random
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from callmon.clock import SECOND, Clock

__all__ = ["ROOT", "Broker", "Child", "free_port"]

ROOT = Path(__file__).parents[2]
MOSQUITTO = Path("/usr/sbin/mosquitto")
NEWER = ROOT / ".tools" / "mosquitto" / "bin" / "mosquitto"
"""From ``scripts/get-mosquitto.sh``, where the system's own is older than 2.0.17."""

NOT_GIVEN_AWAY = (20_000, 32_000)
STOP_TIMEOUT_S = 30.0
LISTENS_WITHIN_S = 10.0

BROKER = """\
user root
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_on_changes true
autosave_interval 100
max_queued_messages 0
max_inflight_messages 500
log_type error
log_type warning
log_type notice
"""


def free_port() -> int:
    """Return a port nobody uses now.

    Not one that the system gives to whoever connects: while the program behind it is away,
    somebody else would have it; even he who connects to it in vain.
    """
    while True:
        port = random.SystemRandom().randrange(*NOT_GIVEN_AWAY)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Child:
    """A program. It is ended by its own process id, whatever happens."""

    def __init__(self, arguments: Sequence[str], log: Path) -> None:
        self.log = log
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def spawn(self) -> None:
        """Start it and wait for nothing."""
        assert not self.running
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._arguments,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None:
            self._process.send_signal(number)

    async def end(self, number: signal.Signals, within_s: float = STOP_TIMEOUT_S) -> int:
        """End it by a signal, kill it if that takes too long, and return its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(number)
        try:
            return await asyncio.to_thread(process.wait, within_s)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    async def ended(self, within_s: float) -> int:
        """Wait until it has ended by itself and return its exit code."""
        assert self._process is not None
        return await asyncio.to_thread(self._process.wait, within_s)


def _version(program: Path) -> str:
    command = [str(program), "-h"]
    shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return shown.partition("\n")[0].removeprefix("mosquitto version ")


class Broker(Child):
    """A mosquitto that keeps what it has over restarts."""

    def __init__(self, folder: Path, clock: Clock, *, newer: bool) -> None:
        program = NEWER if newer and NEWER.exists() else MOSQUITTO
        self.version = _version(program)
        self.port = free_port()
        self._clock = clock
        config = folder / "mosquitto.conf"
        data = folder / "mosquitto"
        data.mkdir()
        config.write_text(BROKER.format(port=self.port, folder=data))
        super().__init__([str(program), "-c", str(config)], folder / "mosquitto.log")

    async def start(self) -> None:
        """Start it and wait until it listens."""
        self.spawn()
        async with asyncio.timeout(LISTENS_WITHIN_S):
            while not await self._listens():
                assert self.running, self.log.read_text()
                await self._clock.sleep(SECOND // 50)

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True
