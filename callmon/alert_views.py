"""The history of alerts as plain JSON values: what ``/api/v1/alerts/history`` answers.

Units are those of ``callmon.views``: seconds, ratios 0 to 1; what is not known is null.
"""

import asyncio
import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import msgspec

from callmon.alerts import AlertStep
from callmon.answers import HistoryView, PastAlert, StepView
from callmon.calendars import DATE_LENGTH, instant_named
from callmon.clock import SECOND, Clock, Micros
from callmon.config.problems import did_you_mean
from callmon.config.values import duration
from callmon.journal import AlertRecord, AlertStepRecord, read_alerts
from callmon.journal.entries import JournalError, JournalReason
from callmon.measures import MEASURES
from callmon.plain import instant, shown
from callmon.rules import SubjectKind
from callmon.sinks.storm import STORM_KIND

__all__ = [
    "LIMIT_AT_MOST",
    "PERIOD",
    "History",
    "HistoryQuestion",
    "ask",
    "history_question",
    "history_view",
    "moment",
    "outcome_of",
    "raised_at",
    "told_after",
]

PERIOD: Final = "24h"
"""How far back is looked unless told otherwise."""

LIMIT: Final = 1_000
LIMIT_AT_MOST: Final = 10_000
"""Alerts in an answer: some megabytes."""

AT_ONCE: Final = 2
"""Questions that read at once: they share their threads with /metrics and passwords."""

ANSWER_TIMEOUT_S: Final = 10.0
"""A disk that has not answered by then hangs."""

PARAMETERS: Final = ("since", "until", "queue", "group", "threshold", "limit")

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_LAST: Final[Micros] = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)

_SPACED_ZONE: Final = re.compile(r"(?<=\d) (?=\d\d:\d\d$)")
"""The plus of ``+08:00`` as it comes out of an address where it was not written ``%2B``."""

_OUTCOMES: Final = (
    AlertStep.TOLD,
    AlertStep.HANDED_OVER,
    AlertStep.MISSED,
    AlertStep.HELD,
)
"""What decides how an alert reached people, what weighs most first."""

_KINDS: Final = (*(kind.value for kind in SubjectKind), STORM_KIND)
"""What an alert of the history can be about: fields of ``PastAlert``."""

Found = Sequence[tuple[AlertRecord, Sequence[AlertStepRecord]]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HistoryQuestion:
    """Which alerts: those that stood at any time from *since* to *until*.

    Without *until* all later ones: the time of alerts may be a little ahead of our clock.
    """

    at: Micros  #: when it was asked
    since: Micros
    until: Micros | None = None
    kind: str | None = None  #: of the subject; None: of all
    subject: str | None = None
    threshold: str | None = None
    standing: bool = False  #: only those without an end
    limit: int = LIMIT


def history_question(parameters: Mapping[str, str], now: Micros) -> HistoryQuestion:
    """Return what *parameters* of an address ask for.

    Raises:
        ValueError: one is unknown or wrong.
    """
    for name, value in parameters.items():
        if name not in PARAMETERS:
            near = did_you_mean(name, PARAMETERS) or f": known are {', '.join(PARAMETERS)}"
            raise ValueError(f"unknown parameter {name!r}{near}")
        if not value:
            raise ValueError(f"{name}: expected a value, found none")
    kinds = [kind.value for kind in SubjectKind if kind.value in parameters]
    if len(kinds) > 1:
        raise ValueError("expected queue or group, found both")
    kind = kinds[0] if kinds else None
    since = moment("since", parameters.get("since", PERIOD), now)
    until = moment("until", parameters["until"], now) if "until" in parameters else None
    return HistoryQuestion(
        at=now,
        since=since,
        until=see_order(since, until),
        kind=kind,
        subject=None if kind is None else parameters[kind],
        threshold=parameters.get("threshold"),
        limit=_limit(parameters.get("limit", str(LIMIT))),
    )


def moment(name: str, text: str, now: Micros, zone: tzinfo | None = None) -> Micros:
    """Return the instant that *text*, called *name*, says: one of a calendar, or ``24h`` ago.

    Without a zone of its own it is one of *zone*; a day alone is its beginning.

    Raises:
        ValueError: it says none, or one that the clocks of *zone* skip.
    """
    try:
        if "-" not in text:
            return max(0, now - duration(text))
        local = datetime.fromisoformat(_SPACED_ZONE.sub("+", text) if "T" in text else text)
    except ValueError:
        local = None
    if local is not None and local.tzinfo is None and zone is not None:
        local = local.replace(tzinfo=zone)
    if local is None or local.tzinfo is None:
        example = "2026-11-22T18:00:00Z" if zone is None else "2026-11-22T18:00"
        raise ValueError(
            f"{name}: expected a length like 24h or an instant like {example}, found {text!r}"
        )
    try:
        at = instant_named(local, day_alone=len(text) <= DATE_LENGTH)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    # Of the last hours that a calendar has, some are in no year of UTC.
    return max(0, min(at, _LAST))


def see_order(since: Micros, until: Micros | None) -> Micros | None:
    """Return *until*.

    Raises:
        ValueError: it is before *since*.
    """
    if until is not None and until < since:
        raise ValueError(
            f"expected since before until, found {instant(since)} and {instant(until)}"
        )
    return until


def _limit(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= LIMIT_AT_MOST:
        raise ValueError(f"limit: expected a number from 1 to {LIMIT_AT_MOST}, found {text!r}")
    return int(text)


def ask(path: Path, question: HistoryQuestion) -> tuple[Found, bool]:
    """Return the alerts of the journal at *path*, and whether there are more. Blocks.

    Raises:
        JournalError: it cannot be read.
    """
    found = read_alerts(
        path,
        since=question.since,
        until=question.until,
        kind=question.kind,
        subject=question.subject,
        threshold=question.threshold,
        standing=question.standing,
        limit=question.limit + 1,
    )
    return found[: question.limit], len(found) > question.limit


def history_view(found: Found, question: HistoryQuestion, *, more: bool) -> HistoryView:
    """Return what was found, newest first; *more*: there are older ones than these.

    Raises:
        JournalError: the labels of one are no labels, or it is about nothing known.
    """
    return HistoryView(
        at=instant(question.at),
        since=instant(question.since),
        until=instant(question.until),
        more=more,
        alerts=[_alert(record, steps) for record, steps in found],
    )


def _alert(record: AlertRecord, steps: Sequence[AlertStepRecord]) -> PastAlert:
    unit = MEASURES[record.measure].unit if record.measure in MEASURES else None
    after = told_after(record, steps)
    return PastAlert(
        threshold=record.threshold,
        **_named(record),
        severity=record.severity,
        labels=_labels(record),
        shift=record.shift,
        measure=record.measure,
        window=record.window,
        direction=record.direction,
        limit=shown(Fraction(record.limit), unit),
        value=shown(Fraction(record.value), unit),
        peak=shown(Fraction(record.peak), unit),
        since=instant(record.since),
        fired_at=instant(record.fired_at),
        raised_at=instant(raised_at(record)),
        ended_at=instant(record.ended_at),
        ended=record.ended,
        cause=record.cause,
        steps=[
            StepView(step=step.step, at=instant(step.at), detail=step.detail) for step in steps
        ],
        outcome=outcome_of(record, steps),
        told_after_s=None if after is None else after / SECOND,
    )


def _named(record: AlertRecord) -> dict[str, Any]:
    if record.kind not in _KINDS:
        known = ", ".join(_KINDS)
        raise JournalError(
            JournalReason.CORRUPT,
            f"an alert of {record.threshold}: expected one of {known}, found {record.kind!r}",
        )
    return {record.kind: record.subject}


def _labels(record: AlertRecord) -> dict[str, str]:
    try:
        return msgspec.json.decode(record.labels, type=dict[str, str])
    except msgspec.MsgspecError as error:
        raise JournalError(
            JournalReason.CORRUPT, f"labels of an alert of {record.threshold}: {error}"
        ) from error


def raised_at(record: AlertRecord) -> Micros:
    """Return when this alert began: later than the first of its breach, if added to it."""
    return record.fired_at if record.raised_at is None else record.raised_at


def outcome_of(record: AlertRecord, steps: Iterable[AlertStepRecord]) -> str | None:
    """Return how an alert reached people, or did not.

    ``told``, ``handed_over``, ``missed``, ``held`` (a storm spoke for it), or ``pending``.
    None where nobody has written it down: it was over before that was kept.
    """
    taken = {step.step for step in steps}
    if AlertStep.FOLLOWED in taken:
        taken.discard(AlertStep.HELD)
    for step in _OUTCOMES:
        if step in taken:
            return step.value
    return "pending" if record.ended_at is None or taken else None


def told_after(record: AlertRecord, steps: Iterable[AlertStepRecord]) -> Micros | None:
    """Return how long it took until the first Alertmanager had it; None: none has."""
    told = [step.at for step in steps if step.step == AlertStep.TOLD]
    return max(0, min(told) - raised_at(record)) if told else None


class History:
    """Answers questions about the journal at *path* without holding up the event loop."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._readers = asyncio.Semaphore(AT_ONCE)

    async def answer(self, parameters: Mapping[str, str]) -> msgspec.Raw:
        """Return the answer as JSON.

        Raises:
            ValueError: a parameter is wrong.
            JournalError: the journal cannot be read, or not in time.
        """
        question = history_question(parameters, self._clock.now())
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await self._readers.acquire()
                loop = asyncio.get_running_loop()
                reading = loop.run_in_executor(None, self._read, question)
                # A thread that hangs keeps its place: the others are for other things.
                reading.add_done_callback(self._ended)
                return await asyncio.shield(reading)
        except TimeoutError:
            raise JournalError(
                JournalReason.OTHER, f"{self._path}: the disk does not answer"
            ) from None

    def _ended(self, reading: asyncio.Future[msgspec.Raw]) -> None:
        self._readers.release()
        if not reading.cancelled():
            reading.exception()  # whoever asked may have gone

    def _read(self, question: HistoryQuestion) -> msgspec.Raw:
        found, more = ask(self._path, question)
        try:
            return msgspec.Raw(msgspec.json.encode(history_view(found, question, more=more)))
        except (TypeError, ValueError, OverflowError) as error:
            # Not what we wrote: no instant, no number, or none at all.
            raise JournalError(
                JournalReason.CORRUPT, f"{self._path}: an alert in it makes no sense: {error}"
            ) from error
