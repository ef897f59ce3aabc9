"""Why a limit was passed, as far as callmon can know: now against what is usual. Pure.

Three figures are compared with those of the same time in earlier weeks: calls, agents at
work, length of calls. And a feed that saw nothing for a while makes all of them doubtful.
"""

import dataclasses
import datetime as dt
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from callmon.baseline import Usual
from callmon.clock import Micros
from callmon.wording import Language, format_duration

__all__ = ["Cause", "Comparison", "Gap", "Present", "cause_of", "cause_text"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Time in which a feed saw nothing."""

    feed: str
    since: Micros
    until: Micros


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What holds now, as far as it is known; counted over the same stretch as the usual."""

    arrived: int | None = None
    staffed: int | None = None
    talk: Fraction | None = None
    gap: Gap | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class _Bounds:
    """From where on a figure is unusual: from either factor on, and by so much at least."""

    low: Fraction
    high: Fraction
    least: int


_CALLS: Final = _Bounds(Fraction(7, 10), Fraction(13, 10), 5)
_STAFF: Final = _Bounds(Fraction(4, 5), Fraction(5, 4), 1)
_TALK: Final = _Bounds(Fraction(3, 4), Fraction(5, 4), 1)


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """A figure of now beside the usual one."""

    now: Fraction
    usual: Fraction
    bounds: _Bounds

    @property
    def unusual(self) -> bool:
        """Whether the difference is worth a word."""
        low, high = self.bounds.low * self.usual, self.bounds.high * self.usual
        difference = abs(self.now - self.usual)
        if difference < self.bounds.least:
            return False
        return self.now <= low or self.now >= high


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """All that can be said; None is a figure that is not known, now or of earlier weeks."""

    calls: Comparison | None
    staff: Comparison | None
    talk: Comparison | None
    gap: Gap | None


def cause_of(present: Present, usual: Usual) -> Cause | None:
    """Return what can be said; None: nothing is known."""
    arrived = None if present.arrived is None else Fraction(present.arrived)
    staffed = None if present.staffed is None else Fraction(present.staffed)
    cause = Cause(
        # Who was not seen to come while a feed was blind is not known to have stayed away.
        calls=None if present.gap else _compared(arrived, usual.arrived, _CALLS),
        staff=_compared(staffed, usual.staffed, _STAFF),
        talk=_compared(present.talk, usual.talk, _TALK),
        gap=present.gap,
    )
    known = (cause.calls, cause.staff, cause.talk, cause.gap)
    return None if all(part is None for part in known) else cause


def _compared(
    now: Fraction | None, usual: Fraction | None, bounds: _Bounds
) -> Comparison | None:
    return None if now is None or usual is None else Comparison(now, usual, bounds)


def cause_text(cause: Cause, zone: dt.tzinfo, language: Language = Language.ENGLISH) -> str:
    """Return *cause* in words, what is unusual first."""
    words = _WORDS[language]
    unusual = list(_unusual(cause, zone, language))
    usual = [
        name
        for compared, name in zip(
            (cause.calls, cause.staff, cause.talk), words.names, strict=True
        )
        if compared is not None and not compared.unusual
    ]
    if usual:
        unusual.append(words.as_usual.format(words.enumerate(usual)))
    return words.between.join(unusual)


def _unusual(cause: Cause, zone: dt.tzinfo, language: Language) -> Iterator[str]:
    words = _WORDS[language]
    if cause.gap is not None:
        since, until = _clocks(cause.gap, zone)
        yield words.gap.format(feed=cause.gap.feed, since=since, until=until)
    if cause.calls is not None and cause.calls.unusual:
        yield words.calls.format(_count(cause.calls.now), _count(cause.calls.usual))
    if cause.staff is not None and cause.staff.unusual:
        fewer = cause.staff.now < cause.staff.usual
        text = words.fewer_staff if fewer else words.more_staff
        yield text.format(_count(cause.staff.now), _count(cause.staff.usual))
    if cause.talk is not None and cause.talk.unusual:
        lengths = (cause.talk.now, cause.talk.usual)
        yield words.talk.format(*(format_duration(int(x), language) for x in lengths))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """The pieces of the sentence in one language."""

    names: tuple[str, str, str]  #: of calls, staff and talk time
    as_usual: str
    gap: str
    fewer_staff: str
    more_staff: str
    calls: str
    talk: str
    comma: str
    last_comma: str
    between: str

    def enumerate(self, names: list[str]) -> str:
        """Return *names* as one says several."""
        *first, last = names
        return f"{self.comma.join(first)}{self.last_comma}{last}" if first else last


_WORDS: Final = {
    Language.ENGLISH: _Words(
        names=("calls", "staff", "talk time"),
        as_usual="{} as usual",
        gap="feed {feed} saw nothing from {since} to {until}",
        fewer_staff="staff {} of usual {}",
        more_staff="staff {} instead of the usual {}",
        calls="calls {} instead of the usual {}",
        talk="calls last {} instead of {}",
        comma=", ",
        last_comma=" and ",
        between="; ",
    ),
    Language.CHINESE: _Words(
        names=("来电", "坐席", "通话时长"),
        as_usual="{}如常",
        gap="数据源 {feed} 在 {since} 至 {until} 无数据",
        fewer_staff="在岗坐席 {} 人，平时 {} 人",  # noqa: RUF001  # Chinese punctuation
        more_staff="在岗坐席 {} 人，平时 {} 人",  # noqa: RUF001  # Chinese punctuation
        calls="来电 {} 个，平时 {} 个",  # noqa: RUF001  # Chinese punctuation
        talk="平均通话 {}，平时 {}",  # noqa: RUF001  # Chinese punctuation
        comma="、",
        last_comma="和",
        between="；",  # noqa: RUF001  # Chinese punctuation
    ),
}

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def _clocks(gap: Gap, zone: dt.tzinfo) -> tuple[str, str]:
    """Return what the clock on the wall said; to the second where minutes tell nothing."""
    since, until = (
        (_EPOCH + dt.timedelta(microseconds=at)).astimezone(zone)
        for at in (gap.since, gap.until)
    )
    form = "%H:%M" if f"{since:%H:%M}" != f"{until:%H:%M}" else "%H:%M:%S"
    return since.strftime(form), until.strftime(form)


def _count(value: Fraction) -> str:
    """Return *value* as a whole number: half an agent helps nobody."""
    return str(int(value + Fraction(1, 2)))
