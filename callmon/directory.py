"""Which queue a source means, and what the configuration says of it.

Made once per configuration, so that a question costs the same with five queues as with
five thousand.
"""

import dataclasses
from collections.abc import Mapping

from callmon.clock import SECOND, Micros
from callmon.queues import (
    BUCKETS,
    DEFAULT_TARGETS,
    GroupSettings,
    QueueSettings,
    Targets,
    WindowSpec,
)
from callmon.rules import SubjectKind, Threshold

__all__ = ["Directory", "EngineSettings"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """What the engine needs to know of the configuration."""

    queues: tuple[QueueSettings, ...] = ()
    groups: tuple[GroupSettings, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    windows: tuple[WindowSpec, ...] = (
        WindowSpec(name="15m", length=900 * SECOND),
        WindowSpec(name="today", day=True),
    )
    targets: Targets = DEFAULT_TARGETS  #: of queues that are not configured
    timezone: str = "UTC"  #: likewise
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)  #: likewise
    queue_limit: int = 1_000
    sources: tuple[str, ...] = ()  #: with more than one, unmapped names become name@source
    live_sources: frozenset[str] = frozenset()  #: those that have a live feed


class Directory:
    """Answers questions of names."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._queues = {queue.name: queue for queue in settings.queues}
        self._groups = {group.name: group for group in settings.groups}
        self._windows = {spec.name: spec for spec in settings.windows}
        self._origins: dict[tuple[str, str], str] = {}
        self._told_by: dict[tuple[SubjectKind, str], frozenset[str]] = {}
        for queue in settings.queues:
            origins = queue.origins or (("*", queue.name),)
            for source, name in origins:
                # As in the file, the first that claims a name has it.
                self._origins.setdefault((source, name.casefold()), queue.name)

    def queue_named(self, source: str, spelled: str) -> str:
        """Return our name of the queue that *source* spells so. Asterisk ignores case."""
        folded = spelled.casefold()
        for origin in (source, "*"):
            name = self._origins.get((origin, folded))
            if name is not None:
                return name
        return folded if len(self._settings.sources) <= 1 else f"{folded}@{source}"

    def settings_of(self, kind: SubjectKind, name: str) -> QueueSettings | GroupSettings | None:
        """Return the settings of a subject; None for a group that is not configured."""
        if kind is SubjectKind.GROUP:
            return self._groups.get(name)
        settings = self._settings
        return self._queues.get(name) or QueueSettings(
            name=name,
            labels=settings.labels,
            timezone=settings.timezone,
            targets=settings.targets,
        )

    def is_configured(self, queue: str) -> bool:
        """Tell whether callmon.yml names *queue*."""
        return queue in self._queues

    def groups_of(self, queue: str) -> tuple[str, ...]:
        """Return the names of the groups that *queue* is in."""
        return tuple(group.name for group in self._settings.groups if group.has(queue))

    def told_by(self, kind: SubjectKind, name: str) -> frozenset[str]:
        """Return the sources that the configuration says tell of a subject; ``*`` is none."""
        known = self._told_by.get((kind, name))
        if known is None:
            settings = self.settings_of(kind, name)
            if isinstance(settings, GroupSettings):
                queues = [queue for queue in self._settings.queues if settings.has(queue.name)]
            else:
                queues = [queue for queue in (self._queues.get(name),) if queue is not None]
            named = {source for queue in queues for source, _ in queue.origins}
            known = self._told_by[kind, name] = frozenset(named - {"*"})
        return known

    def window(self, name: str) -> WindowSpec:
        """Return the window that thresholds call *name*; the configuration has checked it."""
        return self._windows[name]

    def bounds(self) -> tuple[Micros, ...]:
        """Return the bounds of the wait histograms: the same on every subject."""
        settings = self._settings
        targets = [settings.targets, *(queue.targets for queue in settings.queues)]
        targets += [group.targets for group in settings.groups]
        return tuple(sorted({*BUCKETS, *(target.within for target in targets)}))

    def zones(self) -> set[str]:
        """Return the time zones that any subject has its days in."""
        settings = self._settings
        zones = {queue.timezone for queue in settings.queues}
        zones |= {group.timezone for group in settings.groups}
        return zones | {settings.timezone}
