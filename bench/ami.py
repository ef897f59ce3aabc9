"""AMI messages per second of processor time, beside panoramisk on the same bytes.

The bytes: what a real Asterisk sent in a quarter of an hour, recorded and repeated. Each
reader gets them in reads of 16 KiB and gives dictionaries, or events; panoramisk's path is
that of its protocol class, with a listener that only counts.
Usage: python -m bench.ami [--messages 200000] [--rounds 3]
"""

import argparse
import gc
import importlib
import json
import lzma
import time
from collections.abc import Callable
from pathlib import Path

from callmon.clock import SECOND, Micros
from callmon.decode.ami import AmiDecoder
from callmon.decode.ami_interpreter import WANTED, AmiInterpreter

RECORDINGS = Path(__file__).parent.parent / "tests" / "captures" / "asterisk"
READ = 16 * 1024
START: Micros = 1_795_338_000 * SECOND
STEP: Micros = SECOND // 10

Reader = Callable[[list[bytes]], int]


class Counting:
    """What panoramisk's protocol hands its messages to."""

    save_stream = None

    def __init__(self) -> None:
        self.messages = 0

    def dispatch(self, message: object) -> None:
        """Count *message*."""
        del message
        self.messages += 1

    def connection_lost(self, error: object) -> None:
        """Ignore the end of a recorded session: panoramisk takes ``Shutdown`` for one."""


def recorded(path: Path) -> tuple[bytes, bytes]:
    """Return the banner of the first session in *path*, and all whole messages after it."""
    received: list[str] = []
    with lzma.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line)
            if "s" in entry:
                received.append(entry["s"])
            elif entry.get("mark") in {"eof", "drop", "error"}:
                break
    banner, _, data = "".join(received).encode("latin-1").partition(b"\r\n")
    return banner + b"\r\n", data[: data.rfind(b"\r\n\r\n") + 4]


def callmon(wanted: frozenset[str] | None) -> Reader:
    """Return our decoder, building only what is *wanted*."""

    def read(pieces: list[bytes]) -> int:
        decoder = AmiDecoder(wanted)
        for piece in pieces:
            decoder.decode(piece)
        return decoder.messages

    return read


def interpreted(pieces: list[bytes]) -> int:
    """Decode what is wanted, and make events of it."""
    decoder = AmiDecoder(WANTED)
    interpreter = AmiInterpreter("pbx")
    interpreter.connected(START)
    for number, piece in enumerate(pieces):
        now = START + number * STEP
        for message in decoder.decode(piece):
            interpreter.take(message, now)
        due = interpreter.due
        if due is not None and due <= now:
            interpreter.tick(now)
    return decoder.messages


def panoramisk() -> Reader | None:
    """Return panoramisk's protocol; None where it is not installed."""
    try:
        protocols = importlib.import_module("panoramisk.ami_protocol")
    except ImportError:
        return None

    def read(pieces: list[bytes]) -> int:
        protocol = protocols.AMIProtocol()
        protocol.connection_made(None)
        protocol.encoding = "utf8"
        protocol.closed = True  # nothing to close
        protocol.factory = Counting()
        for piece in pieces:
            protocol.data_received(piece)
        return int(protocol.factory.messages)

    return read


def seconds(reader: Reader, pieces: list[bytes]) -> tuple[float, int]:
    """Return the processor time *reader* takes, and the messages it saw."""
    gc.collect()
    began = time.process_time()
    messages = reader(pieces)
    return time.process_time() - began, messages


def main() -> None:
    """Print the median of every reader."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--recording", default="22.10.1/main/ami.jsonl.xz")
    options = parser.parse_args()
    banner, data = recorded(RECORDINGS / options.recording)
    decoder = AmiDecoder(frozenset())
    decoder.decode(banner + data)
    times = max(options.messages // decoder.messages, 1)
    stream = banner + data * times
    pieces = [stream[begin : begin + READ] for begin in range(0, len(stream), READ)]
    total = decoder.messages * times
    readers = {
        "callmon, all built": callmon(None),
        "callmon, wanted built": callmon(WANTED),
        "callmon, none built": callmon(frozenset()),
        "callmon, events made": interpreted,
    }
    if (other := panoramisk()) is not None:
        readers["panoramisk"] = other
    else:
        print("panoramisk is not installed: left out")
    rates: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for name, reader in readers.items():
            rates.setdefault(name, []).append(total / seconds(reader, pieces)[0])
    medians = {name: sorted(rate)[len(rate) // 2] for name, rate in rates.items()}
    print(f"{total} messages of {len(data) / decoder.messages:.0f} bytes; per CPU second:")
    for name, rate in medians.items():
        print(f"  {name:22} {rate:10,.0f}")
    print(json.dumps({"messages": total} | {name: round(r) for name, r in medians.items()}))


if __name__ == "__main__":
    main()
