"""One queue for each case that a board has to show rightly, made by callmon itself.

At ``NOON`` everything stands as ``LIMITS`` judge it; then ``OTHER_LIMITS`` are taken, and at
``LATER`` nothing else has changed but the time.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from callmon.clock import SECOND, Micros
from callmon.events import (
    AgentChanged,
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    Device,
    Event,
    Outcome,
    TalkEnd,
    TalkEnded,
)
from tests.grafana.centre import MINUTE, Centre, instant
from tests.grafana.past import samples

__all__ = ["LATER", "NOON", "ODD", "cases"]

NOON = instant("2026-11-18T12:00:00+08:00")
LATER = NOON + 10 * SECOND

ODD = 'a.b+ (1) "hi" it\'s \\'
"""A name with all that regular expressions and PromQL read otherwise."""

HALF = SECOND // 2

CONFIG = """\
thresholds: thresholds.yml
timezone: Asia/Shanghai
feeds:
  pbx: {type: simulator, source: pbx}
  tower: {type: simulator, source: tower}
labels: [site, team]
defaults:
  labels: {site: shanghai, team: service}
  service_level: {within: 20s}
  short_abandon: 5s
queues:
  fine: {from: [{source: pbx, name: fine}]}
  near: {from: [{source: pbx, name: near}]}
  beyond: {from: [{source: pbx, name: beyond}]}
  critical: {from: [{source: pbx, name: critical}]}
  lenient: {from: [{source: pbx, name: lenient}]}
  no_limit: {from: [{source: pbx, name: no_limit}]}
  nobody: {from: [{source: pbx, name: nobody}]}
  no_calls: {from: [{source: pbx, name: no_calls}]}
  blind: {from: [{source: tower, name: blind}]}
  perfect: {from: [{source: pbx, name: perfect}]}
  almost: {from: [{source: pbx, name: almost}]}
  poor: {from: [{source: pbx, name: poor}]}
  modest: {from: [{source: pbx, name: modest}]}
  hour: {from: [{source: pbx, name: hour}]}
  minute: {from: [{source: pbx, name: minute}]}
  客服: {from: [{source: pbx, name: 客服}]}
  'a.b+ (1) "hi" it''s \\': {from: [{source: pbx, name: odd}]}
groups:
  everybody: {queues: ["*"]}
  busy: {queues: [fine, near, beyond]}
"""

THRESHOLDS = """\
thresholds:
  - name: long_wait
    measure: longest_wait
    above: {wait}
    severity: warning
    escalate: [{{after: 5m, severity: critical}}]
    queues: ["fine", "near", "beyond", "critical", "lenient", "nobody", "no_calls", "blind",
      "hour", "minute", "客服"]
    overrides:
      - {{queues: [lenient], above: 30m}}
  - name: low_service_level
    measure: service_level
    window: 15m
    below: {service}
    at_least: 1
    severity: warning
    queues: [perfect, almost, poor, modest, no_calls, blind]
  - name: many_hang_up
    measure: abandonment_rate
    window: 15m
    above: {abandoned}
    at_least: 1
    severity: info
    queues: [perfect, almost, poor, modest, no_calls, blind]
  - {{name: crowded, measure: waiting, above: 5, severity: warning, queues: [客服]}}
  - {{name: overdue, measure: waiting_over_target, above: 0, severity: info, queues: [客服]}}
  - name: few_answered
    measure: answer_rate
    window: 15m
    below: 94%
    at_least: 1
    severity: info
    queues: [modest]
  - {{name: few_agents, measure: agents_staffed, below: 5, severity: info, queues: [fine]}}
  - {{name: nobody_free, measure: agents_available, below: 1, severity: info, queues: [fine]}}
"""

LIMITS = THRESHOLDS.format(wait="3m", service="80%", abandoned="20%")
OTHER_LIMITS = THRESHOLDS.format(wait="30s", service="40%", abandoned="60%")

WAITS = {
    "fine": 60,
    "near": 150,
    "beyond": 200,
    "critical": 600,
    "lenient": 200,
    "no_limit": 200,
    "hour": 62 * 60,
    "客服": 200,
}
"""Seconds that somebody has waited at noon."""

ANSWERED_IN_TIME = {
    "perfect": (40, 0, 0),
    "almost": (2999, 1, 0),
    "poor": (5, 0, 5),
    "modest": (17, 2, 1),
}
"""Answered within the target, answered later, abandoned: in the quarter before noon."""


def _name(queue: str) -> tuple[str, int, str]:
    return ("tower" if queue == "blind" else "pbx"), 0, queue


def _served(queue: str, number: int, wait: Micros, *, answered: bool) -> list[Event]:
    """Return a contact that ended in the quarter before noon."""
    source, _, spelled = _name(queue)
    end = NOON - 14 * MINUTE + number * 100_000
    names = (source, end, spelled, f"{queue} {number}")
    joined = ContactJoined(end - wait, *names)
    if not answered:
        return [joined, ContactLeft(end, *names, Outcome.ABANDONED, wait)]
    over = TalkEnded(end + MINUTE, *names, MINUTE, TalkEnd.CALLER, "SIP/1")
    return [joined, ContactAnswered(end, *names, wait, "SIP/1"), over]


def _waiting(queue: str, wait: Micros, number: int = 0) -> ContactJoined:
    source, _, spelled = _name(queue)
    return ContactJoined(NOON - wait, source, NOON - wait, spelled, f"{queue} w{number}")


def _agents() -> list[Event]:
    at = NOON - 20 * MINUTE
    standing = [(Device.IDLE, False), (Device.BUSY, False), (Device.IDLE, True)]
    return [
        AgentChanged(at, "pbx", at, "fine", f"SIP/{n}", f"Agent {n}", device, paused, "", 0)
        for n, (device, paused) in enumerate(standing)
    ]


def _story() -> Sequence[Event]:
    events: list[Event] = _agents()
    events += [_waiting(queue, wait * SECOND) for queue, wait in WAITS.items()]
    events.append(_waiting("minute", 59 * SECOND + 9 * SECOND // 10))
    events.append(_waiting("beyond", 15 * SECOND, 1))
    for queue, (soon, late, left) in ANSWERED_IN_TIME.items():
        waits = [10 * SECOND] * soon + [30 * SECOND] * (late + left)
        for number, wait in enumerate(waits):
            events += _served(queue, number, wait, answered=number < soon + late)
    events += _served("blind", 0, 10 * SECOND, answered=True)
    return sorted(events, key=lambda one: one.at)


def cases(folder: Path) -> Iterator[str]:
    """Give the samples of both moments."""
    begin = NOON - 70 * MINUTE
    with Centre(folder, begin, config=CONFIG, thresholds=LIMITS) as centre:
        centre.open("pbx", "tower")
        centre.until(NOON - HALF, _story())
        centre.blind("tower")
        centre.until(NOON)
        yield from samples(centre.page(), NOON)
        centre.limits(OTHER_LIMITS)
        centre.until(LATER)
        yield from samples(centre.page(), LATER)
