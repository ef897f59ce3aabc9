"""Fuzz the decoder of messages with atheris: no crash, no event without its id, no surprise.

An input is a byte that chooses the topic, one of flags, then the payload. Seeds are the
examples of docs/feeds/native.md and payloads of other shapes, so that the fuzzer begins with
what people send. Usage: python -m fuzz.messages [--minutes 10] [--corpus FOLDER]
[--again crash-…]
"""

import re
from pathlib import Path

import atheris

from fuzz.running import parse, run

with atheris.instrument_imports(include=["callmon.decode"]):
    from callmon.decode.messages import MessageDecoder
    from callmon.decode.native import MAX_EVENTS
    from callmon.decode.native_words import NATIVE_FIELDS
    from callmon.decode.queue_log import EARLIEST, LATEST
    from callmon.errors import DecodeReason
    from callmon.feeds.settings import MessageKind, MqttSettings, Payload, TopicSettings

__all__ = ["main", "try_bytes"]

DICTIONARY = Path(__file__).with_suffix(".dict")
PAGE = Path(__file__).parent.parent / "docs" / "feeds" / "native.md"
NOW = 1_795_341_700_000_000
SETTINGS = 2
LONGEST_INPUT = 4096

KINDS = (MessageKind.CONTACT, MessageKind.AGENT, MessageKind.QUEUE)
FORMATS = ("auto", "rfc3339", "ms", "%Y-%m-%d %H:%M:%S")
SHAPES = [
    b'{"type":"BUSY","at":"2026-10-25 02:30:00","contact":"c","queue":"q","agent":"a"}',
    b'{"at":1795341641123,"rows":[{"queue":"q","waiting":3,"longest_wait_s":"41"},{}]}',
    b'[{"at":"2026-10-25T02:30:00","state":1,"queues":["a","b"],"agent":5}]',
    b"3",
    b" -1.5 ",
    b'"busy"',
]


def _topics() -> tuple[TopicSettings, ...]:
    """Return native messages, and each kind in each format, flat, in rows and as a scalar."""
    topics = [TopicSettings(template="native/{queue}")]
    for kind in KINDS:
        names = [name for name, kinds in NATIVE_FIELDS.items() if str(kind) in kinds]
        words = {name: {"busy": "busy", "-1": "null", "x": "", "1": "paused"} for name in names}
        for place, time in enumerate(FORMATS):
            rows = place % 2
            topics.append(
                TopicSettings(
                    template=f"{kind}/{place}/{{queue}}",
                    kind=kind,
                    fields={
                        name: f"rows[*].{name}" if rows and name != "at" else name
                        for name in names
                    },
                    words=words,
                    units={name: "ms" for name in names if name.endswith("_s")},
                    time=time,
                    timezone="Europe/Berlin",
                )
            )
        topics += [
            TopicSettings(
                template=f"{kind}/{name}/{{queue}}/{{contact}}/{{agent}}",
                kind=kind,
                payload=Payload.SCALAR,
                value=name,
                words=words,
            )
            for name in names
        ]
    return tuple(topics)


TOPICS = _topics()
DECODER = MessageDecoder(
    MqttSettings(name="feed", source="acd", client_id="callmon", topics=TOPICS)
)
NAMES = [re.sub(r"\{\w+\}", "x", topic.template) for topic in TOPICS]
REASONS = frozenset(DecodeReason)


def try_bytes(data: bytes) -> None:
    """Decode *data*: nothing is raised, and what comes is whole and the same each time."""
    if len(data) < SETTINGS:
        return
    topic, flags = NAMES[data[0] % len(NAMES)], data[1]
    payload = data[SETTINGS:]
    retained = bool(flags & 1)
    decoded = DECODER.decode(topic, payload, retained=retained, received=NOW, seq=1)
    again = DECODER.decode(topic, payload, retained=retained, received=NOW, seq=1)
    if decoded != again:
        raise AssertionError(f"{topic}: {decoded} became {again}")
    if len(decoded.events) != len(decoded.ids) or len(decoded.events) > MAX_EVENTS:
        raise AssertionError(f"{topic}: {len(decoded.events)} events, {len(decoded.ids)} ids")
    if not REASONS.issuperset(decoded.drops) or len(decoded.drops) > MAX_EVENTS:
        raise AssertionError(f"{topic}: {decoded.drops}")
    for place, event in enumerate(decoded.events):
        if not EARLIEST <= event.at < LATEST or event.seq != MAX_EVENTS + place:
            raise AssertionError(f"{topic}: {event} at place {place}")


def _write_seeds(folder: Path) -> int:
    """Write the examples of the page and other shapes to *folder*; return how many."""
    examples = re.findall(r"^```json\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    payloads = [*(text.encode() for text in examples), *SHAPES]
    for number, payload in enumerate(payloads):
        for topic in range(len(NAMES)):
            name = folder / f"seed-{number}-{topic}"
            name.write_bytes(bytes((topic, number % 2)) + payload)
    return len(payloads)


def main() -> None:
    """Run until a failure, or for as long as was asked."""
    run(parse(__doc__), try_bytes, _write_seeds, LONGEST_INPUT, f"-dict={DICTIONARY}")


if __name__ == "__main__":
    main()
