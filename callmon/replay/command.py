"""The command ``callmon replay``: from what was asked for to what is printed."""

import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from zoneinfo import ZoneInfo

from callmon.calendars import DATE_LENGTH, instant_named
from callmon.clock import SECOND, Micros
from callmon.config import Config, load_config
from callmon.config.problems import one_of
from callmon.config.values import duration
from callmon.engine import EngineSettings
from callmon.feeds.queue_log import stored_bytes
from callmon.feeds.recording import is_recording
from callmon.feeds.settings import AsteriskAmiSettings, QueueLogSettings
from callmon.queues import Formula, Overflow, QueueSettings, Targets
from callmon.replay.play import Played, WrongRequestError, play
from callmon.replay.report import Division, make_report, report_settings
from callmon.replay.table import table_lines
from callmon.replay.tally import DAY, WHOLE, Cohort, TalliedState
from callmon.rules import SubjectKind
from callmon.sinks.prometheus import exposition

__all__ = [
    "NothingFoundError",
    "Progress",
    "ReplayRequest",
    "period_length",
    "replay_text",
    "source_of",
]

MINUTE: Micros = 60 * SECOND

_UNCONFIGURED = EngineSettings(windows=(WHOLE,), queue_limit=100_000)
"""Without a configuration every queue in the log counts; a replay ends, so it may be large."""

_LOG_SOURCE = "queue_log"
"""What the system is called that the files are of, where no configuration names it."""

Progress = Callable[[int], AbstractContextManager[Callable[[int], None]]]
"""Opened with the number of bytes to come; what it yields takes the bytes just read."""


class NothingFoundError(Exception):
    """There is nothing to show; the text says why."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRequest:
    """What was asked for on the command line; None is: as configured, or the default."""

    files: Sequence[Path]
    output: str = "table"  #: or ``json``, ``metrics``
    cohort: Cohort = Cohort.END
    every: Micros | None = None
    since: str | None = None
    until: str | None = None
    config: Path | None = None
    source: str | None = None
    within: Micros | None = None
    short_abandon: Micros | None = None
    formula: Formula | None = None
    overflow: Overflow | None = None
    timezone: str | None = None
    queues: Sequence[str] = ()


def replay_text(request: ReplayRequest, environ: Mapping[str, str], progress: Progress) -> str:
    """Replay and return what to print, with a line feed at the end.

    Raises:
        ConfigError: the configuration cannot be used.
        FeedError: a file cannot be read.
        NothingFoundError: no call of the wanted queues is in the files.
        WrongRequestError: a file was given twice, recordings overlap, an instant cannot be
            understood, or it is not clear which source the files are of.
    """
    config = None if request.config is None else load_config(request.config, environ)
    settings = _UNCONFIGURED if config is None else config.engine_settings()
    settings = _retargeted(settings, request)
    zone = ZoneInfo(request.timezone or settings.timezone)
    since, until = (
        None if text is None else _instant(text, zone)
        for text in (request.since, request.until)
    )
    source = request.source or (
        _LOG_SOURCE if config is None else source_of(request.files, config)
    )
    counting = request.output != "metrics"
    if counting:
        settings = report_settings(settings, request.queues)
    with progress(stored_bytes(request.files)) as read:
        played = play(
            request.files,
            settings,
            source=source,
            until=until,
            subject_state=TalliedState,
            progress=read,
        )
    if not counting:
        windows = (WHOLE.name,) if config is None else config.exported_windows
        return _metrics(played, windows)
    _see_that_something_is_there(played, request.queues)
    division = Division(zone=zone, cohort=request.cohort, every=request.every, since=since or 0)
    report = make_report(played, division, until=until)
    if request.output == "json":
        return json.dumps(report.as_json(), ensure_ascii=False, indent=2) + "\n"
    return "".join(f"{line.rstrip()}\n" for line in table_lines(report))


def period_length(text: str) -> Micros:
    """Return the length of ``day``, ``hour``, or a duration that divides a day.

    Raises:
        ValueError: it does not.
    """
    length = {"day": DAY, "hour": 60 * MINUTE}.get(text) or duration(text)
    if length < MINUTE or DAY % length:
        raise ValueError("expected day, hour, or minutes that divide a day, such as 30m")
    return length


def _instant(text: str, zone: ZoneInfo) -> Micros:
    try:
        local = dt.datetime.fromisoformat(text)
    except ValueError:
        raise WrongRequestError(
            f"expected an instant like 2026-11-22T18:00 or 2026-11-22, found {text!r}"
        ) from None
    if local.tzinfo is None:
        local = local.replace(tzinfo=zone)
    try:
        return instant_named(local, day_alone=len(text) <= DATE_LENGTH)
    except ValueError as error:
        raise WrongRequestError(str(error)) from None


def _retargeted(settings: EngineSettings, request: ReplayRequest) -> EngineSettings:
    """Return *settings* with the targets of *request* for every queue and group."""
    asked = {
        name: value
        for name in ("within", "short_abandon", "formula", "overflow")
        if (value := getattr(request, name)) is not None
    }

    def changed(targets: Targets) -> Targets:
        return dataclasses.replace(targets, **asked)

    def queue(one: QueueSettings) -> QueueSettings:
        return dataclasses.replace(one, targets=changed(one.targets))

    return dataclasses.replace(
        settings,
        targets=changed(settings.targets),
        queues=tuple(queue(one) for one in settings.queues),
        groups=tuple(
            dataclasses.replace(one, targets=changed(one.targets)) for one in settings.groups
        ),
    )


def source_of(paths: Sequence[Path], config: Config) -> str:
    """Return which of the configured sources the logs and recordings are of.

    Raises:
        FeedError: a file cannot be read.
        WrongRequestError: that cannot be told.
    """
    logs = [feed for feed in config.feeds if isinstance(feed, QueueLogSettings)]
    recorded = any(map(is_recording, paths))
    live = [feed for feed in config.feeds if isinstance(feed, AsteriskAmiSettings)]
    sources: set[str] = {feed.source for feed in (*logs, *(live if recorded else ()))}
    if len(sources) > 1:
        named = {feed.path.resolve(): feed.source for feed in logs}
        files = {path.resolve() for path in paths}
        sources = {
            source
            for path, source in named.items()
            for file in files
            if file.parent == path.parent and file.name.startswith(path.name)
        }
    if len(sources) == 1:
        return sources.pop()
    known = sorted({feed.source for feed in config.feeds})
    raise WrongRequestError(
        f"{config.files[0]}: expected one source that these files are of,"
        f" found {', '.join(known)}: choose by --source"
    )


def _metrics(played: Played, windows: Sequence[str]) -> str:
    engine = played.engine
    page = exposition(engine.states(), engine.watches(), engine.now, windows=windows)
    return page.decode()


def _see_that_something_is_there(played: Played, queues: Sequence[str]) -> None:
    names = [name for kind, name in played.engine.subjects if kind is SubjectKind.QUEUE]
    if not names:
        raise NothingFoundError(
            f"no call in {', '.join(map(str, played.files))}"
            f" ({played.lines} lines, {played.dropped.total()} not used)"
        )
    for queue in queues:
        if queue not in names and queue.casefold() not in names:
            hint = one_of(queue, names, what="there are")
            raise NothingFoundError(f"no queue {queue!r} in these files{hint}")
