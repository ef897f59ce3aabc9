"""A telephone system that writes a queue_log.

usage: python -m tests.faults.pbx FOLDER SEED RATE

Appends to FOLDER/queue_log as Asterisk does, and to FOLDER/pbx.truth what it means. SIGHUP:
opens the log anew, as after a rotation. SIGTERM: lets nobody in any more, and ends when the
last one has left.
"""

import asyncio
import random
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from callmon.clock import SECOND, Clock, Micros, SystemClock
from tests.faults.traffic import PBX, Step, Traffic
from tests.faults.truth import write_records

__all__ = ["LogFile", "line_of", "main"]

TURN: Micros = SECOND // 50
"""So often it writes."""

BREAKS_A_LINE = 0.05
"""Of the turns: half of the last line comes a moment after the rest."""

OTHER_LINES = ("NONE|sales|SIP/101|PAUSE|lunch", "NONE|sales|SIP/101|UNPAUSE|")


def line_of(step: Step) -> str:
    """Return the line that Asterisk, or Wazo's dialplan, writes."""
    seconds = (step.length or 0) // SECOND
    data: str
    match step.kind, step.word:
        case "joined", _:
            data = "NONE|ENTERQUEUE||13800138000|1"
        case "rang", _:
            data = f"{step.agent}|RINGNOANSWER|{(step.length or 0) // 1_000}"
        case "answered", _:
            data = f"{step.agent}|CONNECT|{seconds}|{step.contact}1|2"
        case "ended", "transfer":
            data = f"{step.agent}|BLINDTRANSFER|200|internal|1|{seconds}|1"
        case "ended", word:
            data = f"{step.agent}|COMPLETE{word.upper()}|1|{seconds}|1"
        case _, "key_exit":
            data = f"NONE|EXITWITHKEY|1|1|1|{seconds}"
        case _:
            data = f"NONE|{_VERBS[step.word]}|1|1|{seconds}"
    return f"{step.at // SECOND}|{step.contact}|{step.queue}|{data}"


_VERBS = {
    "abandoned": "ABANDON",
    "empty": "EXITEMPTY",
    "failed": "SYSCOMPAT",
    "full": "FULL",
    "join_empty": "JOINEMPTY",
    "timeout": "EXITWITHTIMEOUT",
    "withdrawn": "WITHDRAW",
}


class LogFile:
    """The log, open for writing; after ``reopen`` it is the file of that name again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._out = path.open("ab", buffering=0)

    def reopen(self) -> None:
        """Close the file, which may have another name now, and open the one at the path."""
        self._out.close()
        self._out = self._path.open("ab", buffering=0)

    async def write(self, lines: Sequence[str], clock: Clock, chance: random.Random) -> None:
        """Append *lines*, sometimes in two pieces."""
        text = "".join(f"{line}\n" for line in lines).encode()
        out = self._out
        if chance.random() < BREAKS_A_LINE:
            cut = len(text) - chance.randint(1, 30)
            out.write(text[:cut])
            await clock.sleep(TURN)
            text = text[cut:]
        out.write(text)


async def main(folder: Path, seed: int, rate: float) -> None:
    """Write until SIGTERM."""
    clock = SystemClock()
    chance = random.Random(seed)
    traffic = Traffic(PBX, seed=seed, rate=rate, start=clock.now())
    log = LogFile(folder / "queue_log")
    asked_to_reopen = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, traffic.close)
    loop.add_signal_handler(signal.SIGHUP, asked_to_reopen.set)
    with (folder / "pbx.truth").open("a") as truth:
        while not traffic.over:
            await clock.sleep(TURN)
            if asked_to_reopen.is_set():
                asked_to_reopen.clear()
                log.reopen()
            now = clock.now()
            steps = traffic.until(now)
            if not steps:
                continue
            lines = [line_of(step) for step in steps]
            if chance.random() < 0.01:
                lines.append(f"{now // SECOND}|{chance.choice(OTHER_LINES)}")
            write_records(truth, steps, [""] * len(steps))
            truth.flush()
            await log.write(lines, clock, chance)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
