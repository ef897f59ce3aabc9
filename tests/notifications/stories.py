"""Alerts as callmon and its rules send them, each while it lasts and when it is over.

Their words are made by those who make them in earnest.
"""

import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from zoneinfo import ZoneInfo

import yaml

from callmon.alerts import Alert, Ended
from callmon.baseline import Usual
from callmon.causes import Present, cause_of, cause_text
from callmon.clock import SECOND, Micros
from callmon.measures import MEASURES
from callmon.rules import Direction, Severity, Subject, SubjectKind
from callmon.sinks.ledger import Ledger, Limits
from callmon.sinks.payload import Style, content_of, in_all_languages, parse_rfc3339
from callmon.sinks.storm import STORM_NAME, StormLimits, Storms
from callmon.sparkline import sparkline
from callmon.wording import Language, agents_text, format_duration, waiting_text
from tests.acceptance.peers import ROOT
from tests.sinks.scripted_alertmanager import CountedDeliveries, Notebook

__all__ = ["BEGAN", "FEED_DOWN", "HIGH_ABANDONMENT", "LONG_WAIT", "NIGHT", "STORM", "Story"]

BEGAN = parse_rfc3339("2026-11-10T02:32:05Z")
"""When every one of them began."""

STYLE = Style(
    zone=ZoneInfo("Asia/Shanghai"),
    languages=(Language.ENGLISH, Language.CHINESE),
    wallboard_url="https://callmon.example.com/",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One alert. Annotations are in English, those in Chinese beside them."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    over: Mapping[str, str]  #: the annotations at the end

    def told_to(self, **labels: str) -> "Story":
        """Return the same for others: another team, another severity."""
        return dataclasses.replace(self, labels={**self.labels, **labels})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Now:
    """How it is at a queue when an alert about it is sent."""

    waiting: int
    longest: Micros = 0
    agents: tuple[int, int] | None = None  #: available, staffed
    trend: tuple[Fraction, ...] = ()  #: of the last minutes, two apart
    present: Present | None = None
    usual: Usual = dataclasses.field(default_factory=Usual)

    def facts(self, measure: str) -> dict[str, str]:
        """Return it as annotations."""
        return in_all_languages(STYLE, lambda language: self._said(measure, language))

    def _said(self, measure: str, language: Language) -> dict[str, str | None]:
        samples = [(place * 120 * SECOND, value) for place, value in enumerate(self.trend)]
        last = samples[-1][0] if samples else 0
        cause = cause_of(self.present, self.usual) if self.present else None
        return {
            "waiting": waiting_text(self.waiting, language),
            "longest": format_duration(self.longest, language) if self.longest else None,
            "agents": agents_text(*self.agents, language) if self.agents else None,
            "trend": sparkline(samples, last, MEASURES[measure].unit, language),
            "cause": cause_text(cause, STYLE.zone, language) if cause else None,
        }


def _story(alert: Alert, now: _Now, ended: Alert, then: _Now) -> Story:
    content = content_of(alert, STYLE)
    return Story(
        labels=dict(content.labels),
        annotations={**content.annotations, **now.facts(alert.measure)},
        over={**content_of(ended, STYLE).annotations, **then.facts(alert.measure)},
    )


def _seconds(*lengths: int) -> tuple[Fraction, ...]:
    return tuple(Fraction(length * SECOND) for length in lengths)


def _percent(*tenths: int) -> tuple[Fraction, ...]:
    return tuple(Fraction(part, 1000) for part in tenths)


_LONG_WAIT = Alert(
    threshold="long_wait",
    subject=Subject(
        kind=SubjectKind.QUEUE, name="support", labels={"site": "shanghai", "team": "service"}
    ),
    severity=Severity.WARNING,
    measure="longest_wait",
    window=None,
    direction=Direction.ABOVE,
    limit=Fraction(180 * SECOND),
    since=BEGAN,
    fired_at=BEGAN,
    raised_at=BEGAN,
    value=Fraction(192 * SECOND),
    peak=Fraction(192 * SECOND),
    runbook="https://wiki.example.com/long-wait",
)

LONG_WAIT = _story(
    _LONG_WAIT,
    _Now(
        waiting=5,
        longest=192 * SECOND,
        agents=(2, 7),
        trend=_seconds(65, 20, 72, 130, 192),
        present=Present(arrived=34, staffed=7, talk=Fraction(242 * SECOND)),
        usual=Usual(arrived=Fraction(35), staffed=Fraction(11), talk=Fraction(240 * SECOND)),
    ),
    dataclasses.replace(
        _LONG_WAIT,
        ended=Ended.RECOVERED,
        value=Fraction(108 * SECOND),
        peak=Fraction(362 * SECOND),
    ),
    _Now(
        waiting=3,
        longest=108 * SECOND,
        agents=(1, 9),
        trend=_seconds(290, 340, 362, 150, 108),
    ),
)

_HIGH_ABANDONMENT = Alert(
    threshold="high_abandonment",
    subject=Subject(
        kind=SubjectKind.QUEUE, name="sales_north", labels={"site": "shanghai", "team": "sales"}
    ),
    severity=Severity.CRITICAL,
    measure="abandonment_rate",
    window="15m",
    direction=Direction.ABOVE,
    limit=Fraction(1, 5),
    since=BEGAN,
    fired_at=BEGAN,
    raised_at=BEGAN,
    value=Fraction(241, 1000),
    peak=Fraction(263, 1000),
    runbook="https://wiki.example.com/abandonment",
)

HIGH_ABANDONMENT = _story(
    _HIGH_ABANDONMENT,
    _Now(
        waiting=9,
        longest=160 * SECOND,
        agents=(0, 6),
        trend=_percent(120, 185, 263, 241),
        present=Present(arrived=62, staffed=6, talk=Fraction(185 * SECOND)),
        usual=Usual(arrived=Fraction(35), staffed=Fraction(6), talk=Fraction(180 * SECOND)),
    ),
    dataclasses.replace(_HIGH_ABANDONMENT, ended=Ended.CLOSED, value=Fraction(227, 1000)),
    _Now(waiting=0, agents=(4, 4)),
)

_NIGHT = Alert(
    threshold="low_service_level",
    subject=Subject(
        kind=SubjectKind.GROUP, name="emergency", labels={"site": "shanghai", "team": "service"}
    ),
    severity=Severity.WARNING,
    measure="service_level",
    window="30m",
    direction=Direction.BELOW,
    limit=Fraction(4, 5),
    since=BEGAN,
    fired_at=BEGAN,
    raised_at=BEGAN,
    value=Fraction(62, 100),
    peak=Fraction(62, 100),
    shift="night",
)

NIGHT = _story(
    _NIGHT,
    _Now(waiting=2, longest=48 * SECOND),
    dataclasses.replace(_NIGHT, ended=Ended.RECOVERED, value=Fraction(81, 100)),
    _Now(waiting=0),
)


def _of_many(place: int) -> Alert:
    """Return one of many alerts at once; the first ones are the worst."""
    queue = {0: "support", 1: "billing", 2: "returns"}.get(place, f"hotline_{place:02}")
    urgent = place < 3
    waited = Fraction((543 - place * 11) * SECOND)
    return dataclasses.replace(
        _LONG_WAIT,
        subject=Subject(kind=SubjectKind.QUEUE, name=queue, labels={"team": "service"}),
        severity=Severity.CRITICAL if urgent else Severity.WARNING,
        since=BEGAN + place,
        value=waited,
        peak=waited,
    )


def _storm() -> Story:
    """Return what the storm of 37 alerts says, and what it says when 6 are left."""
    ledger = Ledger(
        ["alertmanager"], Limits(), CountedDeliveries(), Notebook(), wall=lambda: BEGAN
    )
    storms = Storms(ledger, StormLimits(), STYLE, Notebook())
    contents = [content_of(_of_many(place), STYLE) for place in range(37)]
    for content in contents:
        storms.fire(content, 0, BEGAN)
    storm = next(entry for entry in ledger if entry.content.name == STORM_NAME)
    labels, firing = dict(storm.content.labels), storms.annotations(storm.content)
    for content in contents[6:]:
        ledger.end(content.labels, BEGAN, None, SECOND)
    storms.look(StormLimits().hold, BEGAN)
    return Story(labels=labels, annotations=firing, over=storms.annotations(storm.content))


STORM = _storm()


def _of_rule(name: str, **labels: str) -> Story:
    """Return the alert of a shipped rule."""
    text = (ROOT / "alertmanager" / "rules" / "callmon.yml").read_text()
    rules = [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    rule = next(rule for rule in rules if rule["alert"] == name)
    annotations = dict(rule["annotations"])
    for label, value in labels.items():
        mark = f"{{{{ $labels.{label} }}}}"
        annotations = {key: text.replace(mark, value) for key, text in annotations.items()}
    return Story(
        labels={
            "alertname": name,
            "instance": "callmon-1:9877",
            "job": "callmon",
            **rule["labels"],
            **labels,
        },
        annotations=annotations,
        over=annotations,
    )


FEED_DOWN = _of_rule("CallmonFeedDown", feed="pbx1_log")
