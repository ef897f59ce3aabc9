"""The topics of a feed of type ``mqtt``, checked against what a native event can hold."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from callmon.clock import SECOND
from callmon.config.mqtt_sections import TopicSection
from callmon.config.nodes import Loc
from callmon.config.problems import one_of
from callmon.config.reading import Builder
from callmon.config.texts import say
from callmon.decode.fields import (
    IGNORE,
    NAMED_BY_LEVELS,
    NOT_KNOWN,
    check_fields,
    check_source,
)
from callmon.decode.native_words import (
    FIGURES,
    NATIVE_FIELDS,
    NATIVE_TYPES,
    NATIVE_WORDS,
    TIMES,
)
from callmon.decode.times import check_time_format
from callmon.decode.topics import RECEIVED, Template, check_template
from callmon.feeds.settings import MessageKind, Payload, TopicSettings

__all__ = ["build_topics", "overlap"]

_NEEDED = {
    MessageKind.CONTACT: ("type", "queue", "contact", "at"),
    MessageKind.AGENT: ("agent", "queue", "state", "at"),
    MessageKind.QUEUE: ("queue", "at"),
}
"""What a message must tell."""
_INSTEAD = {"queue": ("queues",), "state": ("type",)}
"""What does as well."""


def build_topics(
    builder: Builder, loc: Loc, entries: Sequence[str | TopicSection] | None
) -> tuple[TopicSettings, ...]:
    """Return the topics of the feed at *loc*; report what is missing or cannot be."""
    loc = (*loc, "topics")
    if entries is None:
        builder.missing(loc[:-1], "topics", 'what to read (topics: ["callmon/{queue}/events"])')
        return ()
    if not entries and not builder.document.wrong(*loc):
        builder.document.report(loc, "expected at least one topic, found none", key=True)
    topics = {}
    for position, entry in enumerate(entries):
        topic = _Topic(builder, (*loc, position), entry).settings()
        if topic is not None:
            topics[position] = topic
    _warn_of_overlaps(builder, loc, topics)
    return tuple(topics.values())


def overlap(one: str, other: str) -> bool:
    """Tell whether a topic may match both templates."""
    first, second = (Template(text).filter.split("/") for text in (one, other))
    if {first[0], second[0]} & {"+", "#"} and (first[0] + second[0]).count("$"):
        return False  # wildcards do not match topics of the broker itself
    for left, right in zip(first, second, strict=False):
        if "#" in (left, right):
            return True
        if left != right and "+" not in (left, right):
            return False
    rest = first[len(second) :] or second[len(first) :]
    return rest in ([], ["#"])


def _lacking(kind: MessageKind, field: str) -> str:
    """Return how messages of *kind* may tell *field*, which they must."""
    if field == "at":
        how = 'at in fields (at: ts, or at: "{received}" for the moment of receipt), found none'
    else:
        how = f"a level {{{field}}} in the topic, or {field} in fields, found neither"
    what = "time" if field == "at" else field
    return f"a message of kind {kind} must tell its {what}: expected {how}"


def _warn_of_overlaps(builder: Builder, loc: Loc, topics: Mapping[int, TopicSettings]) -> None:
    for (_, earlier), (position, later) in combinations(topics.items(), 2):
        if overlap(earlier.template, later.template):
            message = say("earlier_topic", topic=earlier.template)
            builder.document.warn((*loc, position), message)


class _Topic:
    """One entry under ``topics``."""

    def __init__(self, builder: Builder, loc: Loc, entry: str | TopicSection) -> None:
        self._builder = builder
        self._document = builder.document
        self._loc = loc
        self._alone = isinstance(entry, str)
        self._section = TopicSection(topic=entry) if isinstance(entry, str) else entry
        self._captures: tuple[str, ...] = ()

    def settings(self) -> TopicSettings | None:
        """Return the settings; None: without a topic there are none."""
        section = self._section
        if section.topic is None:
            self._builder.missing(self._loc, "topic", "a topic (topic: acd/{queue}/events)")
            return None
        loc = self._loc if self._alone else (*self._loc, "topic")
        if not self._good(loc, check_template(section.topic)):
            return None
        self._captures = Template(section.topic).captures
        if section.kind is MessageKind.NATIVE:
            self._check_native()
        else:
            self._check_fields()
            self._check_words()
            self._check_units()
            self._check_value()
            self._check_complete()
            self._good((*self._loc, "time"), check_time_format(section.time))
        self._builder.at_least((*self._loc, "stale_after"), section.stale_after, SECOND)
        return TopicSettings(
            template=section.topic,
            kind=section.kind,
            payload=section.payload,
            value=section.value or "",
            fields=section.fields,
            words=section.words,
            units=section.units,
            time=section.time,
            timezone=section.timezone or "UTC",
            stale_after=section.stale_after,
        )

    def _good(self, loc: Loc, problem: str | None) -> bool:
        if problem is not None:
            self._document.report(loc, problem)
        return problem is None

    def _check_native(self) -> None:
        """See that nobody translates what needs no translation."""
        for key in ("payload", "value", "fields", "words", "units", "time", "timezone"):
            if self._document.has(*self._loc, key) and not self._document.wrong(
                *self._loc, "kind"
            ):
                message = (
                    "native messages are read as they are: say what the messages are about"
                    f" (kind: contact, agent or queue), or remove {key}"
                )
                self._document.report((*self._loc, key), message, key=True)
                return

    def _check_fields(self) -> None:
        fields, loc = self._section.fields, (*self._loc, "fields")
        good = [
            self._known_field((*loc, field), field)
            and self._good((*loc, field), self._problem_of(field, source))
            for field, source in fields.items()
        ]
        if all(good):
            self._good(loc, check_fields(fields, self._captures))

    def _problem_of(self, field: str, source: str) -> str | None:
        """Return what is wrong with the place *source* of a native field."""
        problem = check_source(source, self._captures)
        if problem is not None:
            return problem
        if source.startswith("="):
            return None if "{" in source else self._problem_of_constant(field, source[1:])
        if source == f"{{{RECEIVED}}}":
            return None if field in TIMES else f"{source} is a time, and {field} is none"
        if self._section.payload is Payload.SCALAR and "{" not in source:
            return (
                f"a scalar has no fields: expected a level of the topic or ={source} for the"
                f" word itself, found '{source}'"
            )
        return None

    def _problem_of_constant(self, field: str, word: str) -> str | None:
        words = self._section.words.get(field, {})
        if word.casefold() in {theirs.casefold() for theirs in words}:
            return None
        return self._problem_of_word(field, word)

    def _check_words(self) -> None:
        for field, words in self._section.words.items():
            loc = (*self._loc, "words", field)
            if not self._known_field(loc, field):
                continue
            folded: dict[str, str] = {}
            for theirs, ours in words.items():
                other = folded.setdefault(theirs.strip().casefold(), theirs)
                if other != theirs:
                    message = f"capitals do not matter: '{other}' is there already"
                    self._document.report((*loc, theirs), message, key=True)
                elif ours not in {IGNORE, NOT_KNOWN}:
                    self._good((*loc, theirs), self._problem_of_word(field, ours))

    def _problem_of_word(self, field: str, word: str) -> str | None:
        known = NATIVE_WORDS.get(field)
        if known is None:
            return None
        if field == "type":
            kind = str(self._section.kind)
            if NATIVE_TYPES.get(word.casefold(), kind) != kind:
                other = NATIVE_TYPES[word.casefold()]
                return f"'{word}' is told by messages of kind {other}, not {kind}"
            known = frozenset(text for text in known if NATIVE_TYPES[text] == kind)
        if word.casefold() in known:
            return None
        return f"unknown {field} '{word}'{one_of(word, sorted(known))}"

    def _check_units(self) -> None:
        for field in self._section.units:
            loc = (*self._loc, "units", field)
            if self._known_field(loc, field) and not field.endswith("_s"):
                message = f"expected a duration, whose name ends in _s, found '{field}'"
                self._document.report(loc, message, key=True)

    def _check_value(self) -> None:
        section, loc = self._section, (*self._loc, "value")
        if self._document.wrong(*self._loc, "payload"):
            return
        if section.payload is Payload.JSON:
            if section.value is not None:
                message = "value is for payload: scalar; of JSON, fields tells the places"
                self._document.report(loc, message, key=True)
        elif section.value is None:
            help_text = "the native field that the scalar is (value: waiting)"
            self._builder.missing(self._loc, "value", help_text)
        elif (
            self._known_field(loc, section.value, key=False) and section.value in section.fields
        ):
            message = f"fields says otherwise: '{section.value}' is there, too"
            self._document.report(loc, message)

    def _check_complete(self) -> None:
        """See that a message tells all that its kind of event needs."""
        section, kind = self._section, self._section.kind
        doubtful = ("fields", "kind", "payload", "value")
        if any(self._document.wrong(*self._loc, key) for key in doubtful):
            return
        if section.payload is Payload.SCALAR and section.value is None:
            return
        given = {*section.fields, *NAMED_BY_LEVELS.intersection(self._captures)}
        if section.payload is Payload.SCALAR:
            given |= {section.value or "", "at"}
        needed = _NEEDED[kind]
        if section.fields.get("type") == "=source.restarted":
            needed = ("at",)
        for field in needed:
            if not given & {field, *_INSTEAD.get(field, ())}:
                self._document.report(self._loc, _lacking(kind, field), key=True)
        if kind is MessageKind.QUEUE and not {field.partition(".")[0] for field in given} & {
            *FIGURES
        }:
            message = f"expected a figure in fields ({', '.join(FIGURES)}), found none"
            self._document.report(self._loc, message, key=True)

    def _known_field(self, loc: Loc, field: str, *, key: bool = True) -> bool:
        kind = str(self._section.kind)
        known = [name for name, kinds in NATIVE_FIELDS.items() if kind in kinds]
        if field in known:
            return True
        if field in NATIVE_FIELDS:
            others = " or ".join(sorted(NATIVE_FIELDS[field]))
            message = f"messages of kind {kind} have no '{field}', those of kind {others} do"
        else:
            message = f"unknown field '{field}'{one_of(field, known)}"
        self._document.report(loc, message, key=key)
        return False
