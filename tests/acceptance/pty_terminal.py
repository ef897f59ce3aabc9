"""A terminal that a program believes to be one: a pty, and what stands on its screen."""

import asyncio
import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import termios
import unicodedata
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

__all__ = ["Grid", "PtyTerminal", "on_terminal"]

SEEN_WITHIN_S = 20.0
END_WITHIN_S = 10.0

_TOKEN = re.compile(
    r"\x1b\[(?P<marks>[0-9;?<>=$]*)(?P<command>[@-~])"  # commands
    r"|\x1b[PX^_\]].*?(?:\x07|\x1b\\)"  # strings for the terminal
    r"|\x1b[ -/]*[0-OQ-WYZ`-~\\]"  # other escapes
    r"|(?P<control>[\x00-\x1a\x1c-\x1f])"
    r"|(?P<text>[^\x00-\x1f])",
    re.DOTALL,
)


class Grid:
    """What stands on a screen, of all that the program has written."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._cells: dict[tuple[int, int], str] = {}
        self._x = self._y = 0
        self.coloured = False

    def write(self, text: str) -> str:
        """Take *text*; return the rest of it that is not whole yet."""
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                return text[at:]
            at = found.end()
            if found["text"]:
                self._put(found["text"])
            elif found["command"]:
                self._command(found["command"], found["marks"])
            elif found["control"] == "\n":
                self._y += 1
            elif found["control"] == "\r":
                self._x = 0
        return ""

    def lines(self) -> list[str]:
        """Return the lines of the screen."""
        return [
            "".join(self._cells.get((y, x), " ") for x in range(self.width)).rstrip()
            for y in range(self.height)
        ]

    def _put(self, character: str) -> None:
        wide = unicodedata.east_asian_width(character) in "WF"
        self._cells[self._y, self._x] = character
        if wide:
            self._cells[self._y, self._x + 1] = ""
        self._x += 2 if wide else 1

    def _command(self, command: str, marks: str) -> None:
        numbers = [int(mark) if mark.isdigit() else 0 for mark in marks.split(";")]
        match command:
            case "H":
                line, column = (*numbers, 0)[:2]
                self._y, self._x = max(line, 1) - 1, max(column, 1) - 1
            case "J":
                self._cells.clear()
            case "m":
                self.coloured |= any(30 <= number < 50 for number in numbers)
            case _:  # modes and questions, which a screen does not show
                pass


class PtyTerminal:
    """A program on a terminal of its own."""

    def __init__(self, process: subprocess.Popen[bytes], master: int, grid: Grid) -> None:
        self._process = process
        self._master = master
        self._grid = grid
        self._rest = b""
        self._text = ""
        self.written = 0  #: bytes so far

    def read(self) -> None:
        """Take what the program has written."""
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:  # it has ended
            asyncio.get_running_loop().remove_reader(self._master)
            return
        self.written += len(data)
        self._rest += data
        try:
            text, self._rest = self._rest.decode(), b""
        except UnicodeDecodeError as error:
            text, self._rest = self._rest[: error.start].decode(), self._rest[error.start :]
        self._text = self._grid.write(self._text + text)

    @property
    def coloured(self) -> bool:
        """Tell whether anything was ever written in colour."""
        return self._grid.coloured

    def press(self, keys: str) -> None:
        """Send *keys* as a keyboard does."""
        os.write(self._master, keys.encode())

    def resize(self, width: int, height: int) -> None:
        """Become another size, as a window that is dragged."""
        self._grid.__init__(width, height)  # type: ignore[misc]  # as new
        _size(self._master, width, height)
        self._process.send_signal(signal.SIGWINCH)

    def lines(self) -> list[str]:
        """Return what stands on the screen."""
        return self._grid.lines()

    async def shows(self, what: str | Callable[[list[str]], bool]) -> list[str]:
        """Wait until a line has *what* in it, or it holds of all lines; return them."""
        try:
            async with asyncio.timeout(SEEN_WITHIN_S):
                while True:
                    found = self.lines()
                    if what(found) if callable(what) else any(what in line for line in found):
                        return found
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError("\n".join(["never seen:", str(what), *self.lines()])) from None

    async def ended(self) -> int:
        """Wait until the program has ended; return its exit code."""
        return await asyncio.to_thread(self._process.wait, END_WITHIN_S)

    def signal(self, number: signal.Signals) -> None:
        """Send the program a signal."""
        self._process.send_signal(number)


@asynccontextmanager
async def on_terminal(
    arguments: Sequence[str], *, width: int = 110, height: int = 30, **environ: str
) -> AsyncIterator[PtyTerminal]:
    """Run ``callmon`` with *arguments* on a terminal; it is killed at the end."""
    master, slave = os.openpty()
    _size(master, width, height)
    process = subprocess.Popen(  # noqa: ASYNC220 - it takes a millisecond, and this is a test
        [sys.executable, "-m", "callmon", *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color", **environ},
    )
    os.close(slave)
    shown = PtyTerminal(process, master, Grid(width, height))
    asyncio.get_running_loop().add_reader(master, shown.read)
    try:
        yield shown
    finally:
        asyncio.get_running_loop().remove_reader(master)
        if process.poll() is None:
            process.kill()
        process.wait(END_WITHIN_S)
        os.close(master)


def _size(terminal: int, width: int, height: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
