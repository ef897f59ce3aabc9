"""The shipped thresholds over the bank's February, worked out again without callmon.

The recomputation shares nothing with callmon: it reads the lines of the log itself, has the
limits of config/thresholds.yml written down once more, and knows a month as strings with a
character for each second: breached or not, clear or not, judged or not. All stamps of that
log are whole seconds, so nothing can happen in between.

The log is not ours to publish; the folder is named by ``CALLMON_DATA``.
"""

import contextlib
import dataclasses
import functools
import gzip
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from callmon.backtest import BacktestRequest, Found, live_through
from callmon.clock import SECOND

BANK = "anonymous_bank_1999_02/derived_queue_log.gz"
SHIPPED = Path(__file__).parents[1] / "config" / "thresholds.yml"

CALLMON_YML = """\
thresholds: thresholds.yml
timezone: Asia/Shanghai
feeds: {log: {type: queue_log, path: queue_log, source: bank}}
labels: [team]
defaults:
  labels: {team: service}
  service_level: {within: 20s}
  short_abandon: 5s
queues:
  vip: {names: [IN], labels: {team: sales}, service_level: {within: 10s}}
  ps: {labels: {team: sales}}
  nw: {labels: {team: sales}}
  ne: {}
groups:
  sales: {queues: [vip, ps, nw], labels: {team: sales}}
storage: {directory: state}
"""
"""Some of the bank's queues sell, and one is that of important people."""

MINUTE, HOUR, DAY = 60, 3_600, 86_400
SHANGHAI = 8 * HOUR
"""Ahead of UTC; no clock was changed there that year."""

MONDAY = 917_827_200 - SHANGHAI
"""1 February 1999, 00:00 in Shanghai."""

SPRING_FESTIVAL = {15, 16, 17}
"""Days after that Monday, from 0: 16 to 18 February were public holidays."""

BUSINESS_HOURS = ((9 * HOUR, 12 * HOUR), (13 * HOUR, 18 * HOUR))
SHORT = 5
TARGETS = {"vip": 10}
TARGET = 20
NAMES = {"IN": "vip"}
SALES = {"vip", "ps", "nw"}
Z = 1.96
AT_LEAST = 20


class Call(NamedTuple):
    """A visit to a queue, in whole seconds."""

    start: int
    end: int
    wait: int  #: as the log says
    answered: bool


class Alert(NamedTuple):
    """A breach from its beginning to its end."""

    threshold: str
    subject: str
    since: int
    fired: int
    ended: int | None
    why: str | None
    escalated: int | None


@functools.cache
def calls_of(log: Path) -> Mapping[str, Sequence[Call]]:
    """Return the calls of every subject: queues by our names, and the group."""
    joined: dict[str, int] = {}
    found: dict[str, list[Call]] = {}
    with gzip.open(log, "rt") as file:
        for line in file:
            stamp, contact, queue, _, verb, *fields = line.rstrip("\n").split("|")
            at = int(stamp)
            if verb == "ENTERQUEUE":
                joined[contact] = at
            elif verb in {"CONNECT", "ABANDON"}:
                wait = int(fields[0 if verb == "CONNECT" else 2])
                call = Call(joined.pop(contact), at, wait, verb == "CONNECT")
                name = NAMES.get(queue, queue.lower())
                found.setdefault(name, []).append(call)
    assert not joined
    found["sales (group)"] = [call for name in sorted(SALES) for call in found[name]]
    return found


class Month:
    """One subject, second by second, from the first stamp in the log to the last."""

    def __init__(self, calls: Sequence[Call], first: int, last: int, target: int) -> None:
        self.calls = calls
        self.first = first
        self.seconds = last - first + 1
        self.offered = self._ended(lambda _call: True)
        self.abandoned = self._ended(lambda call: not call.answered)
        self.short = self._ended(lambda call: not call.answered and call.wait < SHORT)
        self.in_time = self._ended(lambda call: call.answered and call.wait <= target)

    def _ended(self, counts: Callable[[Call], bool]) -> list[int]:
        """Return how many had ended before each second; one more value than seconds."""
        each = [0] * (self.seconds + 1)
        for call in self.calls:
            each[call.end - self.first + 1] += counts(call)
        return list(accumulate(each))

    def waiting(self) -> list[int]:
        """Return how many wait at the end of each second."""
        change = [0] * self.seconds
        for call in self.calls:
            change[call.start - self.first] += 1
            change[call.end - self.first] -= 1
        return list(accumulate(change))

    def somebody_waits(self, length: int) -> bytes:
        """Return in which seconds anybody has waited for *length* or longer."""
        seconds = bytearray(self.seconds)
        for call in self.calls:
            begin, end = call.start + length - self.first, call.end - self.first
            if begin < end:
                seconds[begin:end] = b"\1" * (end - begin)
        return bytes(seconds)

    def open_stretches(self) -> Iterator[tuple[int, int]]:
        """Yield when business hours begin and end, as far as the log goes."""
        day = (self.first - MONDAY) // DAY
        while (midnight := MONDAY + day * DAY - self.first) < self.seconds:
            if day % 7 < 5 and day not in SPRING_FESTIVAL:
                for opens, closes in BUSINESS_HOURS:
                    begin, end = midnight + opens, min(midnight + closes, self.seconds)
                    if begin < end and end > 0:
                        yield max(begin, 0), end
            day += 1


@dataclasses.dataclass
class Judged:
    """What a threshold sees, second by second."""

    breached: bytes
    enters: bytes  #: breached, with enough contacts to believe it
    clear: bytes
    empty: bytes  #: no contact in the base
    closed: bytes  #: nobody asks


class Walk:
    """Goes over the strings of one threshold from breach to breach."""

    def __init__(self, seen: Judged, hold: int, keep: int, after: int | None) -> None:
        self.seen = seen
        self.hold, self.keep, self.after = hold, keep, after
        self.over = either(seen.empty, seen.closed)
        self.stops = either(opposite(seen.breached), self.over)
        self.end = len(self.stops)

    def following(self, string: bytes, at: int) -> int:
        """Return the first second from *at* on in which something holds."""
        found = string.find(1, at)
        return self.end if found < 0 else found

    def alerts(self) -> Iterator[Alert]:
        """Yield the breaches: when the condition began, fired, ended, and was escalated."""
        at = self.following(self.seen.enters, 0)
        while at < self.end:
            since, fired = at, at + self.hold
            stopped = self.following(self.stops, since)
            if fired >= self.end:
                return
            if stopped <= fired:
                at = self.following(self.seen.enters, stopped)
                continue
            firing = list(self.firing(fired))
            ended, why = self.ending(firing[-1][1])
            stands = ended >= self.end
            yield Alert(
                "",
                "",
                since,
                fired,
                None if stands else ended,
                None if stands else why,
                self.escalated(fired, firing),
            )
            at = self.following(self.seen.enters, ended)

    def firing(self, begin: int) -> Iterator[tuple[int, int]]:
        """Yield the stretches in which it is not about to end."""
        while True:
            gone, cleared = (
                self.following(string, begin) for string in (self.over, self.seen.clear)
            )
            yield begin, min(gone, cleared)
            begin = self.following(self.seen.breached, cleared)
            gone = self.following(self.over, cleared) if cleared < gone else gone
            if gone <= begin or begin > cleared + self.keep:
                return

    def ending(self, quiet: int) -> tuple[int, str]:
        """Return when and why it ends that no longer fires in the second *quiet*."""
        gone = self.following(self.over, quiet)
        if gone == self.end and quiet == self.end:
            return self.end, ""
        kept = quiet + self.keep if gone > quiet else gone
        if gone > kept:
            return kept, "recovered"
        if gone == self.end:
            return self.end, ""
        return gone, "closed" if self.seen.closed[gone] else "no_contacts"

    def escalated(self, fired: int, firing: Sequence[tuple[int, int]]) -> int | None:
        """Return the first second after the step in which it fires."""
        if self.after is None:
            return None
        late = fired + self.after
        return min((max(a, late) for a, b in firing if max(a, late) < b), default=None)


def nothing(month: Month) -> bytes:
    """Return that something holds at no second."""
    return bytes(month.seconds)


def either(one: bytes, other: bytes) -> bytes:
    """Return in which seconds one of two things holds."""
    both = int.from_bytes(one, "big") | int.from_bytes(other, "big")
    return both.to_bytes(len(one), "big")


def opposite(string: bytes) -> bytes:
    """Return in which seconds something does not hold."""
    return string.translate(bytes([1, 0]) + bytes(254))


def long_wait(month: Month) -> Iterator[Alert]:
    """longest_wait above 3m, clear 2m, for 30s, keep 5m, escalated after 5m."""
    breached = month.somebody_waits(180)
    clear = opposite(month.somebody_waits(120))
    seen = Judged(breached, breached, clear, nothing(month), nothing(month))
    return Walk(seen, hold=30, keep=5 * MINUTE, after=5 * MINUTE).alerts()


def many_waiting(month: Month, limit: int = 10, clears: int = 6) -> Iterator[Alert]:
    """Judge the count of the waiting: for 1m; live measures keep 2m."""
    waiting = month.waiting()
    breached = bytes(count > limit for count in waiting)
    clear = bytes(count < clears for count in waiting)
    seen = Judged(breached, breached, clear, nothing(month), nothing(month))
    return Walk(seen, hold=MINUTE, keep=2 * MINUTE, after=None).alerts()


def share(
    month: Month,
    part: Sequence[int],
    base: Sequence[int],
    believed: Callable[[int, int], bool],
    *,
    bad: Callable[[int, int], bool],
    good: Callable[[int, int], bool],
    window: int,
) -> Judged:
    """Return what is to be seen of a share in business hours.

    *part* and *base* are how many had ended before each second; the window begins no
    earlier than the hours. The others judge a count and the size of its base.
    """
    size = month.seconds
    breached, enters, clear, empty = (bytearray(size) for _ in range(4))
    closed = bytearray(b"\1") * size
    for opened, closes in month.open_stretches():
        closed[opened:closes] = bytes(closes - opened)
        before, there, verdict = None, False, (False, False, False)
        for second in range(opened, closes):
            begin, end = max(second - window + 1, opened), second + 1
            now = part[end] - part[begin], base[end] - base[begin]
            if now != before:
                before, there = now, now[1] > 0
                verdict = (
                    there and bad(*now),
                    there and bad(*now) and now[1] >= AT_LEAST and believed(*now),
                    there and good(*now),
                )
            breached[second], enters[second], clear[second] = verdict
            empty[second] = not there
    return Judged(*map(bytes, (breached, enters, clear, empty, closed)))


def less(one: Sequence[int], other: Sequence[int]) -> list[int]:
    """Return the differences."""
    return list(map(operator.sub, one, other))


def high_abandonment(month: Month, limit: int, clears: int) -> Iterator[Alert]:
    """abandonment_rate of 15m, for 2m, at least 20 contacts, beyond doubt."""
    seen = share(
        month,
        less(month.abandoned, month.short),
        less(month.offered, month.short),
        lambda count, base: doubtless(count, base, limit),
        bad=lambda count, base: 100 * count > limit * base,
        good=lambda count, base: 100 * count < clears * base,
        window=15 * MINUTE,
    )
    return Walk(seen, hold=2 * MINUTE, keep=0, after=None).alerts()


def low_service_level(month: Month) -> Iterator[Alert]:
    """service_level of 30m below 80%, clear 85%, for 5m."""
    seen = share(
        month,
        month.in_time,
        less(month.offered, month.short),
        lambda _count, _base: True,
        bad=lambda count, base: 100 * count < 80 * base,
        good=lambda count, base: 100 * count > 85 * base,
        window=30 * MINUTE,
    )
    return Walk(seen, hold=5 * MINUTE, keep=0, after=None).alerts()


def doubtless(count: int, base: int, limit: int) -> bool:
    """Tell whether a share is beyond *limit* with 95 % certainty, by the score test."""
    truth = limit / 100
    return abs(count / base - truth) > Z * math.sqrt(truth * (1 - truth) / base)


def all_alerts(log: Path) -> Iterator[Alert]:
    """Yield every alert of the month, worked out here."""
    found = calls_of(log)
    stamps = _stamps(log)
    for subject, calls in found.items():
        month = Month(calls, *stamps, TARGETS.get(subject, TARGET))
        group = subject == "sales (group)"
        parts: dict[str, Iterable[Alert]] = {"low_service_level": low_service_level(month)}
        if not group:
            limits = (10, 6) if subject == "vip" else (20, 15)
            parts["long_wait"] = long_wait(month)
            parts["high_abandonment"] = high_abandonment(month, *limits)
        if subject in SALES:
            parts["many_waiting"] = many_waiting(month)
        for threshold, alerts in parts.items():
            for alert in alerts:
                yield alert._replace(
                    threshold=threshold,
                    subject=subject,
                    since=alert.since + month.first,
                    fired=alert.fired + month.first,
                    ended=None if alert.ended is None else alert.ended + month.first,
                    escalated=None
                    if alert.escalated is None
                    else alert.escalated + month.first,
                )


def _stamps(log: Path) -> tuple[int, int]:
    with gzip.open(log, "rt") as file:
        stamps = [int(line.partition("|")[0]) for line in file]
    return min(stamps), max(stamps)


@contextlib.contextmanager
def quiet(_length: int) -> Iterator[Callable[[int], None]]:
    """Show no progress."""
    yield lambda _read: None


def backtested(folder: Path, log: Path, text: str) -> Found:
    """Return what ``callmon backtest`` finds with the thresholds in *text*."""
    config = folder / "callmon.yml"
    config.write_text(CALLMON_YML)
    (folder / "thresholds.yml").write_text(text)
    return live_through(BacktestRequest(config=config, logs=(log,)), {}, quiet)


def told_by(found: Found) -> Iterator[Alert]:
    """Yield every alert of the month, as callmon has it."""
    for line in found.backtest.candidate.lines:
        name = line.subject.name + (" (group)" if line.subject.kind == "group" else "")
        for episode in line.episodes:
            times = (episode.since, episode.fired_at, episode.ended_at)
            assert not any(at % SECOND for at in times if at is not None)
            yield Alert(
                line.threshold.name,
                name,
                episode.since // SECOND,
                episode.fired_at // SECOND,
                None if episode.ended_at is None else episode.ended_at // SECOND,
                None if episode.ended is None else episode.ended.value,
                episode.calls[1].at // SECOND if len(episode.calls) > 1 else None,
            )


def test_every_alert_of_the_month_is_the_same(data: Path, tmp_path: Path) -> None:
    """Every threshold, every queue and the group: began, fired, escalated, ended, and why."""
    expected = sorted(all_alerts(data / BANK), key=str)

    found = sorted(told_by(backtested(tmp_path, data / BANK, SHIPPED.read_text())), key=str)

    assert expected == found
    assert {"long_wait", "high_abandonment", "low_service_level"} == {
        alert.threshold for alert in found
    }, "ten never wait at once in one of the bank's queues"
    assert {"recovered", "closed"} <= {alert.why for alert in found}
    assert 300 < len(found)
    assert any(alert.escalated for alert in found)
    assert any(alert.subject == "sales (group)" for alert in found)


def test_every_crowd_of_the_month_is_the_same(data: Path, tmp_path: Path) -> None:
    """With a limit that the bank's queues do reach."""
    text = SHIPPED.read_text()
    assert "above: 10\n    clear: 6\n" in text
    text = text.replace("above: 10\n    clear: 6\n", "above: 3\n    clear: 2\n")
    calls = calls_of(data / BANK)
    stamps = _stamps(data / BANK)
    expected = {
        subject: [
            (alert.since + stamps[0], alert.fired + stamps[0], alert.why)
            for alert in many_waiting(Month(calls[subject], *stamps, TARGET), 3, 2)
        ]
        for subject in SALES
    }

    found: dict[str, list[tuple[int, int, str | None]]] = {name: [] for name in SALES}
    for alert in told_by(backtested(tmp_path, data / BANK, text)):
        if alert.threshold == "many_waiting":
            found[alert.subject].append((alert.since, alert.fired, alert.why))

    assert expected == found
    assert sum(map(len, found.values())) > 20
