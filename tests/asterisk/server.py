"""A real Asterisk out of Debian, to be started and stopped in every way there is.

``scripts/get-asterisk.sh`` makes the directory it lives in. What it writes goes elsewhere, by
mounts that end with the mount namespace: whoever uses this must be in one of his own, see
``tests.asterisk.scenario``.
"""

import asyncio
import re
import subprocess
from pathlib import Path

from callmon.clock import SECOND, Clock

__all__ = ["SECRET", "Server"]

TEMPLATES = Path(__file__).parent / "etc"
SECRET = "callmon-test"
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 90.0
COMMAND_TIMEOUT_S = 20.0
NAMED_FILTERS_SINCE = 22
"""Of the versions tested here, the first whose event filters can name events."""

ENVIRONMENT = ["/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"]


class Server:
    """One Asterisk at a time, with the same log through all its lives."""

    def __init__(self, root: Path, folder: Path, clock: Clock) -> None:
        self.root = root
        self.folder = folder
        self.log = folder / "log" / "queue_log"
        self._clock = clock
        self._process: asyncio.subprocess.Process | None = None

    async def install(self, *, stamps: bool, rotate: str) -> str:
        """Mount what it needs, write its configuration, and return its version."""
        for name in ("etc", "log"):
            (self.folder / name).mkdir()
        await self._run("mount", "-t", "proc", "proc", f"{self.root}/proc")
        for place in ("run", "var/lib/asterisk", "var/spool/asterisk"):
            await self._run("mount", "-t", "tmpfs", "tmpfs", f"{self.root}/{place}")
        (self.root / "run" / "asterisk").mkdir()
        for name, place in (("etc", "etc/asterisk"), ("log", "var/log/asterisk")):
            await self._run("mount", "--bind", str(self.folder / name), f"{self.root}/{place}")
        version = await self._run(*self._inside("/usr/sbin/asterisk", "-V"))
        major = int(re.findall(r"\d+", version)[0])
        values = {
            "@MODULES@": f"/{self._modules().relative_to(self.root)}",
            "@ROTATE@": rotate,
            "@SECRET@": SECRET,
            "@STAMPS@": "yes" if stamps else "no",
        }
        for template in TEMPLATES.glob("*.conf"):
            text = template.read_text()
            for name, value in values.items():
                text = text.replace(name, value)
            (self.folder / "etc" / template.name).write_text(text)
        account = "account-22.conf" if major >= NAMED_FILTERS_SINCE else "account-16.conf"
        (self.folder / "etc" / account).rename(self.folder / "etc" / "account.conf")
        return version.strip()

    def _modules(self) -> Path:
        (found,) = self.root.glob("usr/lib/**/asterisk/modules")
        return found

    def _inside(self, *command: str) -> list[str]:
        return ["chroot", str(self.root), *ENVIRONMENT, *command]

    async def _run(self, *command: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        out, _ = await asyncio.wait_for(process.communicate(), COMMAND_TIMEOUT_S)
        if process.returncode:
            raise OSError(f"{' '.join(command)}: {out.decode()}")
        return out.decode()

    async def command(self, text: str) -> str:
        """Have its console execute a command and return what it says."""
        return await self._run(*self._inside("/usr/sbin/asterisk", "-rx", text))

    async def start(self) -> None:
        """Start it and wait until it takes calls."""
        with (self.folder / "asterisk.out").open("ab") as out:
            self._process = await asyncio.create_subprocess_exec(
                *self._inside("/usr/sbin/asterisk", "-f"),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        async with asyncio.timeout(START_TIMEOUT_S):
            while not await self._is_booted():
                await self._clock.sleep(SECOND // 10)

    async def _is_booted(self) -> bool:
        assert self._process is not None
        if self._process.returncode is not None:
            raise OSError(f"asterisk ended: {(self.folder / 'asterisk.out').read_text()}")
        try:
            return "fully booted" in await self.command("core waitfullybooted")
        except OSError:
            return False

    async def stop(self, how: str) -> None:
        """Stop it ``now`` or ``gracefully``, which is when all calls have ended."""
        async with asyncio.timeout(STOP_TIMEOUT_S):
            try:
                await self.command(f"core stop {how}")
            except OSError:
                # it may be gone before it has answered
                await self._clock.sleep(SECOND // 10)
            await self._ended()

    async def kill(self) -> None:
        """End it without any warning."""
        if self._process is not None:
            self._process.kill()
            await self._ended()

    async def _ended(self) -> None:
        assert self._process is not None
        await self._process.wait()
        self._process = None
