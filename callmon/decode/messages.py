"""Messages of topics: which topic they are of, and which events they tell.

Bytes in, events out. Whatever the bytes are, nothing is raised: what cannot be used is
counted by reason.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from callmon.clock import Micros
from callmon.decode.fields import NAMED_BY_LEVELS, FieldMap
from callmon.decode.native import MAX_EVENTS, Decoded, NativeReader
from callmon.decode.topics import Template
from callmon.errors import DecodeError, DecodeReason

__all__ = ["MAX_PAYLOAD_BYTES", "Decoded", "MessageDecoder"]

MAX_PAYLOAD_BYTES = 1_000_000
"""Ten thousand events have that much; a broker may let a peer send 256 MB."""

MAX_SCALAR_BYTES = 1_000
"""One number or word has some ten."""

MAX_TOPICS = 10_000
"""Topics whose template is remembered; where there are more, some are looked up again."""

MAX_TOPIC_REMEMBERED = 500
"""Characters: longer topics are looked up each time."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class _Topic(Protocol):
    """What a decoder needs of ``TopicSettings``."""

    @property
    def template(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def payload(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def fields(self) -> Mapping[str, str]: ...
    @property
    def words(self) -> Mapping[str, Mapping[str, str]]: ...
    @property
    def units(self) -> Mapping[str, str]: ...
    @property
    def time(self) -> str: ...
    @property
    def timezone(self) -> str: ...
    @property
    def stale_after(self) -> Micros: ...


class _Settings(Protocol):
    """What a decoder needs of ``MqttSettings``."""

    @property
    def source(self) -> str: ...
    @property
    def topics(self) -> Sequence[_Topic]: ...


class _Rule:
    """The messages of one template."""

    __slots__ = ("fields", "named", "scalar", "stale_after", "template")

    def __init__(self, topic: _Topic) -> None:
        self.template = Template(topic.template)
        self.named = NAMED_BY_LEVELS.intersection(self.template.captures)
        self.stale_after = topic.stale_after
        self.scalar = topic.payload == "scalar"
        self.fields: FieldMap | None = None
        if topic.kind != "native":
            self.fields = FieldMap(
                topic.kind,
                fields=topic.fields,
                captures=self.template.captures,
                value=topic.value if self.scalar else "",
                words=topic.words,
                units=topic.units,
                time_format=topic.time,
                timezone=topic.timezone,
            )

    def name(self, message: object, captures: Mapping[str, str]) -> object:
        """Return a native message with what only the topic says."""
        if not self.named or not isinstance(message, dict):
            return message
        missing = {name: captures[name] for name in self.named if message.get(name) is None}
        return {**message, **missing}


class MessageDecoder:
    """Turns the messages of one broker into events.

    Attributes:
        filters: What to subscribe to, each once.

    Raises:
        ValueError: a template, a path or a format in *settings* is none.
    """

    def __init__(self, settings: _Settings) -> None:
        self._rules = [_Rule(topic) for topic in settings.topics]
        self._reader = NativeReader(settings.source)
        self._known: dict[str, tuple[_Rule, Mapping[str, str]]] = {}
        self.filters = tuple(dict.fromkeys(rule.template.filter for rule in self._rules))

    def decode(
        self, topic: str, payload: bytes, *, retained: bool, received: Micros, seq: int
    ) -> Decoded:
        """Return what a message of *topic* says; of several templates the first counts.

        *seq* grows from message to message; that of events does so, too, also from one to
        the next of the same message. *received* is when it came, by our clock.
        """
        decoded = Decoded()
        where = ""
        try:
            rule, captures = self._match(topic)
            where = rule.template.text
            parsed = _scalar(payload) if rule.scalar else _json(payload)
            if rule.fields is None:
                messages = _native(rule, parsed, captures)
            else:
                arrival = _Arrival(topic, payload, captures, received)
                messages = _translated(rule.fields, parsed, arrival, decoded)
            for message, stamp in messages:
                self._reader.read(
                    message,
                    decoded,
                    seq=seq * MAX_EVENTS,
                    stale_after=rule.stale_after,
                    retained=retained,
                    stamp=stamp,
                )
        except DecodeError as error:
            decoded.drop(error)
        if decoded.problem and where:
            # By the template, as it is configured: a level of the topic may be a number.
            decoded.problem = f"{where}: {decoded.problem}"
        return decoded

    def _match(self, topic: str) -> tuple[_Rule, Mapping[str, str]]:
        """Return the first rule for *topic*, and what its levels say."""
        known = self._known.get(topic)
        if known is not None:
            return known
        for rule in self._rules:
            captures = rule.template.match(topic)
            if captures is not None:
                if len(topic) <= MAX_TOPIC_REMEMBERED:
                    if len(self._known) >= MAX_TOPICS:
                        self._known.clear()
                    self._known[topic] = rule, captures
                return rule, captures
        text = "expected a topic of the configuration, found another"
        raise DecodeError(DecodeReason.UNMATCHED, text)


class _Arrival:
    """What is known of a message besides what it says."""

    __slots__ = ("_digest", "_payload", "_topic", "captures", "received")

    def __init__(
        self, topic: str, payload: bytes, captures: Mapping[str, str], received: Micros
    ) -> None:
        self._topic = topic
        self._payload = payload
        self._digest = ""
        self.captures = captures
        self.received = received

    def stamp(self, place: int) -> str:
        """Return what tells its part at *place* apart: its bytes, the same when sent again."""
        if not self._digest:
            whole = self._topic.encode("utf-8", "surrogatepass") + b"\0" + self._payload
            self._digest = hashlib.blake2b(whole, digest_size=16).hexdigest()
        return f"{self._digest}:{place}"


def _native(
    rule: _Rule, parsed: object, captures: Mapping[str, str]
) -> Iterator[tuple[object, str | None]]:
    messages = parsed if isinstance(parsed, list) else [parsed]
    if len(messages) > MAX_EVENTS:
        text = f"expected at most {MAX_EVENTS} messages in one, found more"
        raise DecodeError(DecodeReason.OVERSIZED, text)
    for message in messages:
        yield rule.name(message, captures), None


def _translated(
    fields: FieldMap, parsed: object, arrival: _Arrival, decoded: Decoded
) -> Iterator[tuple[object, str | None]]:
    for place, row in enumerate(fields.rows(parsed)):
        stamp = arrival.stamp(place) if fields.needs_stamp else ""
        try:
            translated = fields.translate(row, arrival.captures, arrival.received, stamp)
        except DecodeError as error:
            decoded.drop(error)
            continue
        if translated is not None:
            yield translated


def _json(payload: bytes) -> object:
    _check_length(payload, MAX_PAYLOAD_BYTES)
    try:
        return msgspec.json.decode(payload.removeprefix(_BYTE_ORDER_MARK))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        text = f"expected a JSON object or an array of objects: {error}"
        raise DecodeError(DecodeReason.MALFORMED, text) from None


def _scalar(payload: bytes) -> str:
    _check_length(payload, MAX_SCALAR_BYTES)
    try:
        text = payload.decode("utf-8-sig").strip()
    except UnicodeError:
        raise DecodeError(DecodeReason.MALFORMED, "expected a text in UTF-8") from None
    # Some write a word as JSON does.
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def _check_length(payload: bytes, longest: int) -> None:
    if not payload.strip():
        raise DecodeError(DecodeReason.EMPTY, "expected a message, found nothing")
    if len(payload) > longest:
        text = f"expected at most {longest} bytes, found {len(payload)}"
        raise DecodeError(DecodeReason.OVERSIZED, text)
