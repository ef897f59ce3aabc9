"""What the names in sentences mean: queues, groups, thresholds, measures, feeds. Pure.

A name that means nothing is a mistake: who misspells a queue would otherwise try the
thresholds of one that nobody calls.
"""

import dataclasses
from collections.abc import Collection, Iterable
from fractions import Fraction
from typing import Final

from callmon.clock import Micros
from callmon.config import Config
from callmon.config.build import window_specs
from callmon.config.meant import measure_meant
from callmon.config.problems import asked, one_of, with_found
from callmon.config.values import limit, window_name
from callmon.directory import Directory, EngineSettings
from callmon.feeds.registry import knows_agents
from callmon.feeds.settings import FeedSettings, MessageKind, MqttSettings, TopicSettings
from callmon.measures import MEASURES
from callmon.rules import Subject, SubjectKind, Threshold
from callmon.scenario.slots import SentenceError
from callmon.scenario.steps import (
    Action,
    AgentActs,
    Begins,
    FeedTurns,
    Joins,
    Leaves,
    Of,
    Reads,
    Refused,
    Reports,
    Rings,
    SourceRestarts,
    StopsTalking,
    Word,
)

__all__ = ["Site"]

_REPORTING: Final = (MessageKind.QUEUE, MessageKind.NATIVE)
"""Topics whose messages may be of a queue as a whole; those of no other kind come first."""

_NO_FEED: Final = "scenario"
"""The source of calls where callmon.yml has no feed."""


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """A configuration, and the queues that are there though it does not list them."""

    config: Config
    settings: EngineSettings
    more_queues: frozenset[str] = frozenset()

    @property
    def directory(self) -> Directory:
        """Return what answers questions of names."""
        return Directory(self.settings)

    @property
    def queues(self) -> list[str]:
        """Return the names of all queues that are known."""
        listed = [queue.name for queue in self.settings.queues]
        return [*listed, *sorted(self.more_queues - set(listed))]

    @property
    def groups(self) -> list[str]:
        """Return the names of all groups."""
        return [group.name for group in self.settings.groups]

    def with_queues(self, names: Iterable[str]) -> "Site":
        """Return the same with more queues."""
        return dataclasses.replace(self, more_queues=self.more_queues | frozenset(names))

    def with_windows(self, names: Iterable[str]) -> "Site":
        """Return the same with windows that sentences ask for."""
        named = [*(spec.name for spec in self.settings.windows), *names]
        settings = dataclasses.replace(
            self.settings, windows=window_specs(dict.fromkeys(named))
        )
        return dataclasses.replace(self, settings=settings)

    # ---- where calls come from -----------------------------------------------------

    def queue(self, word: Word) -> str:
        """Return the queue that *word* names.

        Raises:
            SentenceError: there is none, though callmon.yml lists queues.
        """
        for name in (word.text, word.text.casefold()):
            if name in self.queues:
                return name
        if not self.settings.queues:  # they are found by themselves
            return word.text.casefold()
        raise self._unknown("queue", word, self.queues)

    def origin(self, queue: str) -> tuple[str, str]:
        """Return the source that tells of *queue*, and what it calls it."""
        first = next(iter(self.settings.sources), _NO_FEED)
        for listed in self.settings.queues:
            if listed.name == queue and listed.origins:
                source, spelled = listed.origins[0]
                return (first if source == "*" else source), spelled
        name, at, source = queue.rpartition("@")
        if at and source in self.settings.sources:
            return source, name
        return first, queue

    def feed(self, word: Word) -> FeedSettings:
        """Return the feed that *word* names.

        Raises:
            SentenceError: there is none.
        """
        for feed in self.config.feeds:
            if feed.name == word.text:
                return feed
        raise self._unknown("feed", word, [feed.name for feed in self.config.feeds])

    def source(self, word: Word) -> str:
        """Return the source that *word* names.

        Raises:
            SentenceError: there is none.
        """
        if word.text in self.settings.sources:
            return word.text
        raise self._unknown("source", word, self.settings.sources)

    def see_that_names_are_known(self, action: Action) -> None:
        """Look up every name that *action* needs.

        Raises:
            SentenceError: one means nothing.
        """
        match action:
            case Joins(queue=queue) | Refused(queue=queue):
                self._know(queue)
            case Rings(queue=queue) | StopsTalking(queue=queue):
                self._know(queue)
            case Reports(queue=queue):
                self.reported_queue(queue)
            case Leaves(queue=queue, to=to):
                self._know(queue, to)
            case AgentActs(queues=queues):
                for word in queues:
                    self.crewed_queue(word)
            case FeedTurns(feed=feed):
                self.feed(feed)
            case SourceRestarts(source=source):
                self.source(source)
            case Begins():
                pass

    def _know(self, *queues: Word | None) -> None:
        for word in queues:
            if word is not None:
                self.queue(word)

    def crewed_queue(self, word: Word) -> str:
        """Return the queue that *word* names; somebody tells of its agents.

        Raises:
            SentenceError: there is none, or nobody does.
        """
        queue = self.queue(word)
        source, _ = self.origin(queue)
        if any(feed.source == source and knows_agents(feed) for feed in self.config.feeds):
            return queue
        message = f"no feed of callmon.yml tells of the agents of {queue}"
        raise SentenceError(word.at, f"{message}: a feed of type asterisk_ami does")

    def reported_queue(self, word: Word) -> tuple[str, Micros]:
        """Return the queue that *word* names, and for how long a report of it holds.

        Raises:
            SentenceError: there is none, or nobody reports of it.
        """
        queue = self.queue(word)
        source, spelled = self.origin(queue)
        others = []
        for feed in self.config.feeds:
            if isinstance(feed, MqttSettings):
                topics = _reporting(feed, spelled if feed.source == source else None)
                if topics and feed.source == source:
                    return queue, topics[0].stale_after
                others += [feed.source] * bool(topics)
        message = f"no feed of callmon.yml reports figures of {queue}"
        cure = "a feed of type mqtt with topics of kind native or queue does"
        if others:
            came = f"its source is '{source}', one that reports is '{others[0]}'"
            cure = f"{came}: from: [{{ source: {others[0]}, name: {queue} }}]"
        raise SentenceError(word.at, f"{message}: {cure}")

    # ---- what is expected ----------------------------------------------------------

    def subject(self, of: Of) -> Subject:
        """Return the queue or group that *of* is about.

        Raises:
            SentenceError: there is none, or both.
        """
        name = of.subject.text
        if of.kind == "group" or (of.kind is None and name in self.groups):
            if name not in self.groups:
                raise self._unknown("group", of.subject, self.groups)
            if of.kind is None and name in self.queues:
                message = f"there is a queue and a group '{name}': write group {name}"
                raise SentenceError(of.subject.at, message)
            return self._subject(SubjectKind.GROUP, name)
        try:
            return self._subject(SubjectKind.QUEUE, self.queue(of.subject))
        except SentenceError:
            if of.kind is not None or not self.groups:
                raise
            known = [*self.queues, *self.groups]
            raise self._unknown("queue or group", of.subject, known) from None

    def threshold(self, of: Of) -> Threshold:
        """Return the threshold that *of* names; it watches what *of* is about.

        Raises:
            SentenceError: there is none, or it does not.
        """
        named = {threshold.name: threshold for threshold in self.settings.thresholds}
        threshold = named.get(of.name.text)
        if threshold is None:
            if of.name.text in MEASURES:
                message = f"'{of.name.text}' is a measure; expected a threshold"
                raise SentenceError(of.name.at, message + one_of(of.name.text, named))
            raise self._unknown("threshold", of.name, named)
        if of.window is not None:
            raise SentenceError(of.window.at, "a threshold has its window in thresholds.yml")
        subject = self.subject(of)
        if threshold.rule_for(subject) is None:
            watched = self._watched(threshold)
            message = f"{threshold.name} does not watch {subject.kind.value} {subject.name}"
            raise SentenceError(of.subject.at, f"{message}; it watches {watched}")
        return threshold

    def window(self, reads: Reads) -> str | None:
        """Return the name of the window of a measure; None: it is of now.

        Raises:
            SentenceError: there is no such measure, or the window is wrong or missing.
        """
        of = reads.of
        measure = MEASURES.get(of.name.text)
        if measure is None:
            names = [threshold.name for threshold in self.settings.thresholds]
            if of.name.text in names:
                message = f"'{of.name.text}' is a threshold; expected a measure"
                raise SentenceError(of.name.at, message)
            meant = measure_meant(of.name.text)
            if meant is not None:
                message = f"unknown measure '{of.name.text}'{asked(meant)}"
                raise SentenceError(of.name.at, message)
            raise self._unknown("measure", of.name, MEASURES)
        if of.window is None:
            if measure.over is None:
                return None
            message = f"expected a window, such as {of.name.text}({of.subject.text}, 15m)"
            raise SentenceError(of.subject.at + len(of.subject.text), message)
        if measure.over is None:
            raise SentenceError(of.window.at, f"{of.name.text} is of now and has no window")
        try:
            return window_name(of.window.text)
        except ValueError as error:
            raise SentenceError(of.window.at, str(error)) from None

    def value(self, reads: Reads) -> Fraction | None:
        """Return the value that is expected, in the measure's inner unit.

        Raises:
            SentenceError: the measure has no such values.
        """
        if reads.value is None:
            return None
        unit = MEASURES[reads.of.name.text].unit
        try:
            return limit(unit, reads.value.text)
        except ValueError as error:
            found = with_found(str(error), f"'{reads.value.text}'")
            raise SentenceError(reads.value.at, found) from None

    def watched(self, threshold: Threshold) -> list[Subject]:
        """Return the queues and groups, of those known, that *threshold* watches."""
        subjects = [
            *(self._subject(SubjectKind.QUEUE, name) for name in self.queues),
            *(self._subject(SubjectKind.GROUP, name) for name in self.groups),
        ]
        return [subject for subject in subjects if threshold.rule_for(subject) is not None]

    def _watched(self, threshold: Threshold) -> str:
        names = [subject.name for subject in self.watched(threshold)]
        return ", ".join(names) or "no queue that is known"

    def _subject(self, kind: SubjectKind, name: str) -> Subject:
        settings = self.directory.settings_of(kind, name)
        labels = {} if settings is None else settings.labels
        return Subject(kind=kind, name=name, labels=labels)

    def _unknown(self, what: str, word: Word, names: Collection[str]) -> SentenceError:
        hint = one_of(word.text, names, what="there are") if names else "; there is none"
        return SentenceError(word.at, f"unknown {what} '{word.text}'{hint}")


def _reporting(feed: MqttSettings, queue: str | None) -> list[TopicSettings]:
    """Return the topics that may report of *queue*; None: of any."""
    return [
        topic
        for kind in _REPORTING
        for topic in feed.topics
        if topic.kind is kind and (queue is None or _may_be_of(topic, queue))
    ]


def _may_be_of(topic: TopicSettings, queue: str) -> bool:
    """Tell whether *topic* may be of *queue*: where fields name one, it is of that alone."""
    named = topic.fields.get("queue", "")
    fixed = named.startswith("=") and "queue" not in topic.words
    return not fixed or named[1:].casefold() == queue.casefold()
