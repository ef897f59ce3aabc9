"""Fuzz what is made of AMI messages: whatever comes, in whatever order, nothing is raised.

An input is a list of steps of four bytes: take a recorded message, whole, without one of its
fields or with the value of another, let time pass, answer a QueueStatus, lose the connection,
restart callmon.
The messages are those of ``tests/captures/asterisk/exit_paths``.
Usage: python -m fuzz.ami_events [--minutes 10] [--corpus FOLDER] [--again crash-…]
"""

import random
import sys
from pathlib import Path

import atheris

from fuzz.running import CAPTURES, parse, run

with atheris.instrument_imports(include=["callmon.decode"]):
    from callmon.clock import SECOND, Micros
    from callmon.decode.ami import AmiDecoder, Message, message_time
    from callmon.decode.ami_interpreter import WANTED, AmiInterpreter

__all__ = ["main", "try_steps"]

STEP = 4
MOST_STEPS = 400
START: Micros = 1_795_333_290 * SECOND
ACTION = "a1"
"""The ActionID of the recorded snapshot, which we say we have asked for."""

ODD_VALUES = ("", "0", "-1", "1", "99999999999999999999", "nan", "\\xe9", "x" * 300, "٣", "1:2")
TIMES: tuple[Micros, ...] = (0, 1, 1000, SECOND // 10, SECOND, 30 * SECOND, 3600 * SECOND)


def _recorded() -> list[Message]:
    messages: list[Message] = []
    for path in sorted(CAPTURES.glob("*.ami")):
        decoder = AmiDecoder(WANTED)
        decoder.decode(b"Asterisk Call Manager/11.0.0\r\n")
        messages += decoder.decode(path.read_bytes())
    if not messages:
        sys.exit(f"{CAPTURES}: expected recordings *.ami to begin with, found none")
    return messages


MESSAGES = _recorded()


class _Story:
    """One source, and the messages it is told."""

    def __init__(self) -> None:
        self.interpreter = AmiInterpreter("pbx")
        self.now = START
        self.interpreter.connected(self.now)

    def step(self, kind: int, which: int, field: int) -> None:
        """Do one thing; *which* and *field* choose among what there is."""
        interpreter = self.interpreter
        message = MESSAGES[which % len(MESSAGES)]
        names = list(message)
        name = names[field % len(names)]
        match kind % 16:
            case 0:
                self.tell({key: text for key, text in message.items() if key != name})
            case 1:
                self.tell(message | {name: ODD_VALUES[which % len(ODD_VALUES)]})
            case 2:
                other = MESSAGES[(which * 7 + field) % len(MESSAGES)]
                self.tell(message | {name: other.get(name, "")})
            case 3:
                self.now += TIMES[which % len(TIMES)]
                interpreter.tick(self.now)
            case 4:
                interpreter.disconnected(self.now)
                self.now += TIMES[which % len(TIMES)]
                interpreter.connected(self.now)
            case 5:
                interpreter.expect(ACTION, field % 2 == 0)
            case 6:
                self.tell({"Response": "Success", "Ping": "Pong", "Timestamp": f"{which}.5"})
            case 8:
                self.restart(which, field)
            case 7:
                self.tell({key: text for key, text in message.items() if key != "Timestamp"})
            case _:
                self.tell(message)

    def restart(self, which: int, field: int) -> None:
        """Restart callmon, mostly with what it remembered, else with a piece of that."""
        memory = self.interpreter.memory
        resumed = AmiInterpreter("pbx")
        whole = field % 4
        resumed.resume(self.now, self.interpreter.offset, memory if whole else memory[:which])
        if whole and resumed.memory != memory:
            raise AssertionError(f"remembered {memory}, resumed {resumed.memory}")
        self.now += TIMES[which % len(TIMES)]
        resumed.connected(self.now)
        self.interpreter = resumed

    def tell(self, message: Message) -> None:
        """Hand *message* on, at the time it says."""
        at = message_time(message)
        self.now = self.now if at is None else max(self.now, at)
        self.interpreter.take(message, self.now)
        due = self.interpreter.due
        if due is not None and due <= self.now:
            self.interpreter.tick(self.now)
        if (count := self.interpreter.waiting(message.get("Queue", ""))) < 0:
            raise AssertionError(f"{count} waiting after {message}")


def try_steps(data: bytes) -> None:
    """Do what *data* says; raise what the interpreter raises."""
    story = _Story()
    for begin in range(0, min(len(data), MOST_STEPS * STEP) - STEP + 1, STEP):
        kind, high, low, field = data[begin : begin + STEP]
        story.step(kind, high << 8 | low, field)


def _write_seeds(folder: Path) -> int:
    """Write stories that begin as recorded, and stories without any sense."""
    for number, begin in enumerate(range(0, len(MESSAGES), 50)):
        steps = ((15, *divmod(which, 256), 0) for which in range(begin, begin + 120))
        (folder / f"told-{number}").write_bytes(b"".join(map(bytes, steps)))
    chance = random.Random(1)  # noqa: S311 - seeds, not secrets
    for number in range(50):
        (folder / f"odd-{number}").write_bytes(chance.randbytes(100 * STEP))
    return len(MESSAGES)


def main() -> None:
    """Run until a failure, or for as long as was asked."""
    run(parse(__doc__), try_steps, _write_seeds, MOST_STEPS * STEP)


if __name__ == "__main__":
    main()
