"""Fuzz the AMI decoder with atheris: no crash, no dependence on how bytes are cut.

An input is four bytes of settings, then what the peer sends. Seeds are pieces of the
recorded sessions in ``tests/captures/asterisk``, so that the fuzzer begins with real events.
Usage: python -m fuzz.ami [--minutes 10] [--corpus FOLDER] [--again crash-…]
"""

from collections.abc import Iterator
from pathlib import Path

import atheris

from fuzz.running import CAPTURES, parse, run

with atheris.instrument_imports(include=["callmon.decode"]):
    from callmon.decode.ami import AmiDecoder, Message, message_time
    from callmon.errors import DecodeError, DecodeReason

__all__ = ["main", "try_bytes"]

DICTIONARY = Path(__file__).with_suffix(".dict")
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
WANTED = frozenset({"QueueCallerJoin", "QueueCallerLeave", "Hangup", "A"})
SETTINGS = 4
SEED_BYTES = 3000
LONGEST_INPUT = 8192

Outcome = tuple[list[Message], DecodeReason | None, tuple[object, ...]]


def _decode(pieces: Iterator[bytes], wanted: frozenset[str] | None, longest: int) -> Outcome:
    decoder = AmiDecoder(wanted, longest)
    messages: list[Message] = []
    reason = None
    try:
        for piece in pieces:
            messages += decoder.decode(piece)
        messages += decoder.decode(b"")
    except DecodeError as error:
        reason = error.reason
    counts = (decoder.messages, decoder.skipped, decoder.fragments)
    if reason is None and decoder.messages != len(messages) + sum(counts[1:]):
        raise AssertionError(f"messages unaccounted for: {len(messages)} built, {counts}")
    return messages, reason, (*counts, decoder.banner, decoder.version)


def _cut(data: bytes, first: int, then: int) -> Iterator[bytes]:
    yield data[:first]
    for begin in range(first, len(data), then):
        yield data[begin : begin + then]


def try_bytes(data: bytes) -> None:
    """Decode *data* whole and in pieces: nothing but DecodeError comes, and nothing differs."""
    if len(data) < SETTINGS:
        return
    flags, first, then, cap = data[:SETTINGS]
    sent = data[SETTINGS:] if flags & 1 else BANNER + data[SETTINGS:]
    wanted = WANTED if flags & 2 else None
    longest = cap if flags & 4 else 65_536
    whole = _decode(iter([sent]), wanted, longest)
    pieces = _decode(_cut(sent, first, then + 1), wanted, longest)
    if whole != pieces:
        raise AssertionError(f"cut at {first} and every {then + 1}: {whole} became {pieces}")
    for message in whole[0]:
        message_time(message)


def _write_seeds(folder: Path) -> int:
    """Write pieces of every recording to *folder*; return how many."""
    count = 0
    for path in sorted(CAPTURES.glob("*.ami")):
        data = path.read_bytes()
        for begin in range(0, len(data), SEED_BYTES):
            settings = bytes((count % 8, count % 251, count % 97, 200))
            piece = data[begin : begin + SEED_BYTES]
            (folder / f"seed-{count}").write_bytes(settings + piece)
            count += 1
    return count


def main() -> None:
    """Run until a failure, or for as long as was asked."""
    run(parse(__doc__), try_bytes, _write_seeds, LONGEST_INPUT, f"-dict={DICTIONARY}")


if __name__ == "__main__":
    main()
