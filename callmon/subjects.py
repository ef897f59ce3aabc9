"""The subjects: the state of every queue and group, and what thresholds watch there."""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping

from callmon.alerts import Transition
from callmon.clock import Micros
from callmon.directory import Directory, EngineSettings
from callmon.intervals import IntervalBooks
from callmon.parts import Candidate, SubjectRecord, WatchesPart, key_of
from callmon.queues import GroupSettings, QueueSettings, SubjectState, day_of
from callmon.rules import Rule, Subject, SubjectKind
from callmon.watches import Watch
from callmon.windows import LocalDay

__all__ = ["Key", "Subjects"]

Key = tuple[SubjectKind, str]
"""What a subject is filed under."""


class Subjects:
    """Makes, renews and drops subjects as the configuration and the sources ask for.

    Watches that must be looked at anew go into *dirty*; *publish* hears of alerts that end
    because a threshold or its subject is gone.
    """

    def __init__(
        self,
        settings: EngineSettings,
        new_state: type[SubjectState],
        dirty: dict[Watch, None],
        publish: Callable[[Iterable[Transition]], None],
    ) -> None:
        self.settings = settings
        self.directory = Directory(settings)
        self.states: dict[Key, SubjectState] = {}
        self.intervals = IntervalBooks()
        self._new_state = new_state
        self._dirty = dirty
        self._publish = publish
        self._watches: dict[Key, dict[str, Watch]] = {}
        self._days: dict[str, LocalDay] = {}
        self._queues = 0
        self._bounds = self.directory.bounds()
        self._open_zones()
        self._configure_queues()
        for group in settings.groups:
            self.get(SubjectKind.GROUP, group.name)

    def get(self, kind: SubjectKind, name: str) -> SubjectState | None:
        """Return the state of a subject, made if need be; None beyond the queue limit."""
        state = self.states.get((kind, name))
        if state is not None:
            return state
        if kind is SubjectKind.QUEUE and self._queues >= self.settings.queue_limit:
            return None
        settings = self.directory.settings_of(kind, name)
        if settings is None:
            return None
        self._queues += kind is SubjectKind.QUEUE
        state = self._new_state(
            Subject(kind=kind, name=name, labels=dict(settings.labels)),
            settings.targets,
            self.day(settings.timezone),
            self.settings.windows,
            self._bounds,
        )
        self.states[kind, name] = state
        if kind is SubjectKind.QUEUE:
            state.intervals = self.intervals.of(name, state)
        self._watch(state, 0)
        return state

    def of_queue(self, queue: SubjectState) -> tuple[SubjectState, ...]:
        """Return all states that count what happens in *queue*: its own first, its groups'."""
        groups = (
            self.get(SubjectKind.GROUP, name)
            for name in self.directory.groups_of(queue.subject.name)
        )
        return queue, *(group for group in groups if group is not None)

    def ordered(self) -> list[SubjectState]:
        """Return every state, queues first, each kind in order of name."""
        return [
            self.states[key]
            for key in sorted(self.states, key=lambda key: (key[0] != "queue", key[1]))
        ]

    def watches(self) -> Iterator[Watch]:
        """Yield everything that thresholds watch, subject by subject."""
        for state in self.ordered():
            yield from self.watches_of(state)

    def watches_of(self, state: SubjectState) -> Iterable[Watch]:
        """Return what thresholds watch of *state*."""
        return self._watches[state.subject.kind, state.subject.name].values()

    def watch(self, kind: str, name: str, threshold: str) -> Watch | None:
        """Return what *threshold* watches of a subject."""
        return self._watches.get((SubjectKind(kind), name), {}).get(threshold)

    def day(self, zone: str) -> LocalDay:
        """Return the local days of a zone; subjects of one zone share them."""
        if zone not in self._days:
            self._days[zone] = day_of(zone)
        return self._days[zone]

    # ---- checkpoint -------------------------------------------------------------

    def candidates(self) -> Iterator[Candidate]:
        """Yield every part of a checkpoint that may have changed."""
        for (kind, name), state in self.states.items():
            yield Candidate(
                key_of("subject", kind, name),
                (state.version, state.blind),
                functools.partial(self._record, state),
            )
        yield Candidate(key_of("watches"), None, self._watches_part)
        yield Candidate(key_of("intervals"), None, self.intervals.part)
        for queue, version in self.intervals.versions().items():
            rows = functools.partial(self.intervals.rows_part, queue)
            yield Candidate(key_of("interval_rows", queue), version, rows)

    def _record(self, state: SubjectState) -> SubjectRecord:
        subject = state.subject
        group = self.directory.settings_of(SubjectKind.GROUP, subject.name)
        members: set[str] = set()
        if subject.kind is SubjectKind.GROUP and isinstance(group, GroupSettings):
            members = self._known_members(group)
        return SubjectRecord(subject.kind, subject.name, sorted(members), state.part())

    def _watches_part(self) -> WatchesPart:
        return WatchesPart(
            [
                (kind, name, threshold, watch.state.snapshot())
                for (kind, name), watches in self._watches.items()
                for threshold, watch in watches.items()
                if not watch.state.at_rest
            ]
        )

    def restore_watches(self, part: WatchesPart) -> None:
        """Let thresholds go on from where they stood; those that are gone are forgotten."""
        for kind, name, threshold, state in part.states:
            watch = self._watches.get((SubjectKind(kind), name), {}).get(threshold)
            if watch is not None:
                self._publish(watch.state.restore(state))

    # ---- reload -----------------------------------------------------------------

    def rename_queue(self, old: str, new: str, directory: Directory, now: Micros) -> bool:
        """Go on with queue *old* as *new*; False where that would mix two queues.

        Its alerts end: they bear the former name. Those of the new one follow.
        """
        there = self.states.get((SubjectKind.QUEUE, new))
        if directory.is_configured(old) or (there is not None and not there.untouched):
            return False
        if there is not None:
            self._forget(there, now)
        state = self.states.pop((SubjectKind.QUEUE, old))
        self.intervals.leave(old)
        state.intervals = self.intervals.of(new, state)
        for watch in self._watches.pop((SubjectKind.QUEUE, old)).values():
            self._remove(watch, now)
        state.subject = dataclasses.replace(state.subject, name=new)
        self.states[SubjectKind.QUEUE, new] = state
        self._watches[SubjectKind.QUEUE, new] = {}
        return True

    def members(self) -> dict[str, set[str]]:
        """Return which queues every group sums up, as far as anything is known of them."""
        return {group.name: self._known_members(group) for group in self.settings.groups}

    def renew(
        self,
        settings: EngineSettings,
        routed: set[str],
        members: Mapping[str, set[str]],
        now: Micros,
    ) -> None:
        """Take new settings.

        *routed* are the queues that a source still speaks of; *members* what groups have
        summed up so far, renamed queues by their new names.
        """
        self.settings = settings
        self.directory = Directory(settings)
        self._bounds = self.directory.bounds()
        self._open_zones()
        self._renew_queues(routed, now)
        self._configure_queues()
        self._renew_groups(members, now)
        for subject in self.ordered():
            self._watch(subject, now)

    def _renew_queues(self, routed: set[str], now: Micros) -> None:
        """Give every queue its new settings; drop those of which nothing is known."""
        for state in self._of_kind(SubjectKind.QUEUE):
            name = state.subject.name
            settings = self.directory.settings_of(SubjectKind.QUEUE, name)
            if settings is not None and (name in routed or self.directory.is_configured(name)):
                self._renew(state, settings)
            else:
                self._forget(state, now)

    def _renew_groups(self, members: Mapping[str, set[str]], now: Micros) -> None:
        """Give every group its new settings; one whose *members* changed is summed anew."""
        for state in self._of_kind(SubjectKind.GROUP):
            settings = self.directory.settings_of(SubjectKind.GROUP, state.subject.name)
            if isinstance(settings, GroupSettings) and (
                self._known_members(settings) == members.get(settings.name)
            ):
                self._renew(state, settings)
            else:
                self._forget(state, now)
        for group in self.settings.groups:
            if (SubjectKind.GROUP, group.name) not in self.states:
                renewed = self.get(SubjectKind.GROUP, group.name)
                if renewed is not None:
                    renewed.gather(list(self._members(group)))

    def _renew(self, state: SubjectState, settings: QueueSettings | GroupSettings) -> None:
        state.subject = dataclasses.replace(state.subject, labels=dict(settings.labels))
        state.set_day(self.day(settings.timezone))
        state.set_windows(self.settings.windows)
        state.set_bounds(self._bounds)
        if settings.targets != state.targets:
            state.retarget(settings.targets)

    def _forget(self, state: SubjectState, now: Micros) -> None:
        key = state.subject.kind, state.subject.name
        for watch in self._watches.pop(key, {}).values():
            self._remove(watch, now)
        del self.states[key]
        if state.subject.kind is SubjectKind.QUEUE:
            self.intervals.leave(state.subject.name)
        self._queues -= state.subject.kind is SubjectKind.QUEUE

    def _of_kind(self, kind: SubjectKind) -> list[SubjectState]:
        return [state for state in self.ordered() if state.subject.kind is kind]

    def _members(self, group: GroupSettings) -> Iterator[SubjectState]:
        for state in self._of_kind(SubjectKind.QUEUE):
            if group.has(state.subject.name):
                yield state

    def _known_members(self, group: GroupSettings) -> set[str]:
        """Return the members of which anything is known: the others add nothing to a sum."""
        return {state.subject.name for state in self._members(group) if not state.untouched}

    def _open_zones(self) -> None:
        """Read the zones from the disk now, not when a queue's first call comes."""
        for zone in self.directory.zones():
            self.day(zone)

    def _configure_queues(self) -> None:
        """Have a state for every configured queue, so that it shows before its first call."""
        for queue in self.settings.queues:
            self.get(SubjectKind.QUEUE, queue.name)

    # ---- thresholds -------------------------------------------------------------

    def _watch(self, state: SubjectState, now: Micros) -> None:
        """Give *state* the watches its thresholds ask for; those that stay keep their state."""
        key = state.subject.kind, state.subject.name
        former = self._watches.get(key, {})
        watches: dict[str, Watch] = {}
        for threshold in self.settings.thresholds:
            rule = threshold.rule_for(state.subject)
            if rule is None:
                continue
            watch = former.pop(threshold.name, None)
            if watch is None or not self._keep(watch, rule, now):
                window = threshold.window
                spec = None if window is None else self.directory.window(window)
                watch = Watch(rule, state, spec)
            watches[threshold.name] = watch
            self._dirty[watch] = None
        for watch in former.values():
            self._remove(watch, now)
        self._watches[key] = watches

    def _keep(self, watch: Watch, rule: Rule, now: Micros) -> bool:
        """Give *watch* the new *rule* if it measures the same; else end it."""
        old, new = watch.rule.threshold, rule.threshold
        if (old.measure, old.window) != (new.measure, new.window):
            self._remove(watch, now)
            return False
        self._publish(watch.follow(rule, now))
        return True

    def _remove(self, watch: Watch, now: Micros) -> None:
        self._dirty.pop(watch, None)
        self._publish(watch.state.remove(now))
        watch.close()
