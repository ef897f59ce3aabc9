"""``callmon alerts``: the history of alerts for a terminal, from the journal's file itself.

It does not matter whether callmon runs.
"""

import dataclasses
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from callmon.alert_history import STORM_MEASURE
from callmon.alert_views import (
    LIMIT_AT_MOST,
    HistoryQuestion,
    ask,
    history_view,
    moment,
    outcome_of,
    raised_at,
    told_after,
)
from callmon.alerts import AlertStep, Ended
from callmon.clock import Micros
from callmon.config.nodes import parse
from callmon.config.problems import nearest
from callmon.config.sections import CallmonFile
from callmon.config.validation import validated
from callmon.errors import ConfigError
from callmon.journal import AlertRecord, AlertStepRecord
from callmon.journal.disk import NAME
from callmon.measures import MEASURES
from callmon.rules import SubjectKind
from callmon.sinks.payload import parse_rfc3339
from callmon.wording import (
    DEFAULT_SUMMARIES,
    NO_VALUE,
    Language,
    expand,
    format_duration,
    format_instant,
    format_value,
    format_window,
)

__all__ = ["AlertsRequest", "alerts_text"]

_ENDINGS: Final = {
    Ended.RECOVERED: "recovered",
    Ended.NO_CONTACTS: "no callers left",
    Ended.CLOSED: "closed",
    Ended.REMOVED: "removed",
}
_OUTCOMES: Final = {
    AlertStep.HANDED_OVER: "by Prometheus",
    AlertStep.MISSED: "missed",
    AlertStep.HELD: "by a storm",
    "pending": "not yet",
    None: NO_VALUE,
}
_REMARKS: Final[Mapping[str, str]] = {
    AlertStep.SILENCED: "silenced",
    AlertStep.INHIBITED: "inhibited by",
    AlertStep.FOLLOWED: "told singly after a storm",
}
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AlertsRequest:
    """What was asked for on the command line."""

    config: Path
    since: str
    until: str | None = None
    queue: str | None = None
    group: str | None = None
    threshold: str | None = None
    standing: bool = False
    limit: int = LIMIT_AT_MOST
    json: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class _Site:
    journal: Path
    zone: ZoneInfo
    queues: Sequence[str]  #: those that are configured
    groups: Sequence[str]

    def names(self, kind: str | None) -> Sequence[str]:
        """Return what is configured of *kind*."""
        return self.groups if kind == SubjectKind.GROUP else self.queues


@dataclasses.dataclass(frozen=True, slots=True)
class _Row:
    cells: tuple[str, ...]
    below: tuple[str, ...]


_HEADING: Final = ("began", "severity", "lasted", "ended", "told")


def alerts_text(request: AlertsRequest, environ: Mapping[str, str], now: Micros) -> str:
    """Return the alerts that *request* asks for, newest first, as a table or JSON.

    Raises:
        ValueError: an instant is wrong.
        ConfigError: the configuration does not say where the journal is.
        JournalError: there is no journal, or it cannot be read.
    """
    site = _site(request.config, environ)
    question = _question(request, site, now)
    found, more = ask(site.journal, question)
    if request.json:
        view = history_view(found, question, more=more)
        return msgspec.json.format(msgspec.json.encode(view), indent=2).decode() + "\n"
    rows = [_row(record, steps, site.zone, now) for record, steps in found]
    lines = [_headline(rows, question, site, more=more), *([""] if rows else []), *_lines(rows)]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _question(request: AlertsRequest, site: _Site, now: Micros) -> HistoryQuestion:
    if request.queue is not None and request.group is not None:
        raise ValueError("expected --queue or --group, found both")
    kind = None
    if request.queue is not None:
        kind = SubjectKind.QUEUE.value
    elif request.group is not None:
        kind = SubjectKind.GROUP.value
    since, until = _span(request, site.zone, now)
    named = request.group if request.queue is None else request.queue
    return HistoryQuestion(
        at=now,
        since=since,
        until=until,
        kind=kind,
        subject=None if named is None else _as_configured(named, site.names(kind)),
        threshold=request.threshold,
        standing=request.standing,
        limit=request.limit,
    )


def _span(request: AlertsRequest, zone: ZoneInfo, now: Micros) -> tuple[Micros, Micros | None]:
    since = moment("--since", request.since, now, zone)
    if since > now:
        raise ValueError(f"--since: expected an instant that is past, found {request.since!r}")
    if request.until is None:
        return since, None
    until = moment("--until", request.until, now, zone)
    if until < since:
        found = f"{format_instant(since, zone)} and {format_instant(until, zone)}"
        raise ValueError(f"expected --since before --until, found {found}")
    return since, until


def _site(config: Path, environ: Mapping[str, str]) -> _Site:
    """Return where the journal of *config* is.

    Mistakes elsewhere do not matter: whoever asks may not have the daemon's secrets.
    """
    try:
        text = config.read_bytes()
    except OSError as error:
        raise ConfigError([f"{config}:1:1: cannot read the file: {error.strerror}"]) from error
    document = parse(str(config), text, environ)
    file = validated(document, CallmonFile)
    needed = ("storage", "timezone")
    if not document.readable or any(document.wrong(section) for section in needed):
        raise ConfigError(document.problems)
    directory = config.parent / Path(file.storage.directory).expanduser()
    zone = file.defaults.timezone or file.timezone
    return _Site(directory / NAME, ZoneInfo(zone), tuple(file.queues), tuple(file.groups))


def _as_configured(subject: str, names: Sequence[str]) -> str:
    """Return *subject* in the capitals of the configuration: they make no difference."""
    spelled = {name.casefold(): name for name in names}
    return spelled.get(subject.casefold(), subject)


def _headline(
    rows: Sequence[_Row], question: HistoryQuestion, site: _Site, *, more: bool
) -> str:
    standing = "standing " if question.standing else ""
    count = f"{len(rows) or 'no'} {standing}alert{'s' if len(rows) != 1 else ''}"
    since = format_instant(question.since, site.zone)
    until = format_instant(question.at if question.until is None else question.until, site.zone)
    text = f"{count} from {since} to {until}"
    if more:
        return f"{text}: the newest; there are more, see --until and --limit"
    names = site.names(question.kind)
    if rows or question.subject is None or question.subject in names:
        return text
    near = nearest(question.subject, names)
    hint = f"; did you mean '{near}'?" if near else ""
    for kind in SubjectKind:
        if question.subject in site.names(kind):
            hint = f"; for the {kind} of this name: --{kind}"
    return f"{text}: callmon.yml has no {question.kind} '{_clean(question.subject)}'{hint}"


def _lines(rows: Sequence[_Row]) -> Iterator[str]:
    """Yield the table: a line of columns for each alert, and what it is about below it."""
    if not rows:
        return
    table = [_HEADING, *(row.cells for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    yield _joined(_HEADING, widths)
    for row in rows:
        yield _joined(row.cells, widths)
        yield from (f"  {line}" for line in row.below)


def _joined(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(
        cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)
    )


def _row(
    record: AlertRecord, steps: Sequence[AlertStepRecord], zone: ZoneInfo, now: Micros
) -> _Row:
    began = raised_at(record)
    lasted = (now if record.ended_at is None else record.ended_at) - began
    cells = (
        _local(began, zone),
        record.severity,
        format_duration(max(0, lasted)),
        _ending(record),
        _told(record, steps),
    )
    below = [_what(record), *([f"likely cause: {record.cause}"] if record.cause else [])]
    below += [
        f"{_local(step.at, zone)} {_REMARKS[step.step]} {_localised(step.detail, zone)}"
        for step in steps
        if step.step in _REMARKS
    ]
    # Two Alertmanagers tell of the same silence.
    return _Row(tuple(map(_clean, cells)), tuple(dict.fromkeys(map(_clean, below))))


def _ending(record: AlertRecord) -> str:
    if record.ended_at is None:
        return "stands"
    known = {ending.value: text for ending, text in _ENDINGS.items()}
    return known.get(record.ended or "", record.ended or NO_VALUE)


def _told(record: AlertRecord, steps: Sequence[AlertStepRecord]) -> str:
    after = told_after(record, steps)
    if after is not None:
        return f"after {format_duration(after)}"
    return _OUTCOMES[outcome_of(record, steps)]


def _what(record: AlertRecord) -> str:
    """Return what it is about, at its worst, and by which threshold."""
    escalated = raised_at(record) - record.fired_at
    marks = [record.threshold]
    if record.kind == SubjectKind.GROUP:
        marks.append("group")
    if escalated > 0:
        marks.append(f"escalated after {format_duration(escalated)}")
    if record.shift:
        marks.append(f"shift {record.shift}")
    return f"{_summary(record)} [{', '.join(marks)}]"


def _summary(record: AlertRecord) -> str:
    measure = MEASURES.get(record.measure)
    if record.measure == STORM_MEASURE:
        team = f"team {record.subject}: " if record.subject else ""
        return f"{team}{record.peak:.0f} alerts at once (limit {record.limit:.0f})"
    if measure is None:
        return record.subject  # of another version of callmon
    figures = {
        "subject": record.subject,
        "value": format_value(measure.unit, Fraction(record.peak).limit_denominator(10**9)),
        "limit": format_value(measure.unit, Fraction(record.limit).limit_denominator(10**9)),
        "window": format_window(record.window) if record.window else "",
    }
    return expand(DEFAULT_SUMMARIES[record.measure][Language.ENGLISH], figures)


def _local(at: Micros, zone: ZoneInfo) -> str:
    """Return *at* by the wall clock of *zone*; the first line names the zone."""
    return format_instant(at, zone).rpartition(" ")[0]


def _localised(text: str, zone: ZoneInfo) -> str:
    """Return *text* with instants of others as the rest of the table has them."""

    def local(match: re.Match[str]) -> str:
        try:
            return _local(parse_rfc3339(match[0]), zone)
        except ValueError:
            return match[0]

    return _INSTANT.sub(local, text)


def _clean(text: str) -> str:
    """Replace what would move the cursor: names and comments come from outside."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _width(text: str) -> int:
    """Return how many columns a terminal gives *text*; Chinese takes two a character."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
