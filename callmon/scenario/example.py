"""A scenario file to begin with: for each threshold, calls that just reach its limit.

What is expected in it was seen: the story of each threshold is played first, and what came
of it is written down. So the file holds as it stands; to change it is the point.
"""

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from callmon.alerts import Transition
from callmon.calendars import Calendar
from callmon.clock import SECOND, Micros
from callmon.config import Config
from callmon.config.nodes import parse
from callmon.config.values import format_duration
from callmon.console.text import local
from callmon.queues import Targets
from callmon.rules import Limits, Rule, Subject, SubjectKind, Threshold
from callmon.scenario.play import play_scenario
from callmon.scenario.reading import ScenarioDocument
from callmon.scenario.scene import instant_of
from callmon.scenario.sentences import read_sentence
from callmon.scenario.site import Site
from callmon.scenario.steps import Moment
from callmon.scenario.stories import Plot, story_of
from callmon.scenario.telling import Teller, quoted, subject_text
from callmon.scenario.texts import TEXTS
from callmon.wording import Language

__all__ = ["example_text"]

_HOUR: Final[Micros] = 3_600 * SECOND
_LOOKS_AHEAD: Final = 60
"""Days in which a threshold should be active some time."""

_PLAIN: Final = re.compile(r"[^\W_](?:[\w ./(),%-]|:(?! ))*[\w)%]|[^\W_]")
"""Text that YAML surely takes as it stands."""

_AFTERWARDS: Final[Micros] = 30 * 60 * SECOND
"""So long after the last that happens, an alert should have come."""


def example_text(
    config_path: Path, config: Config, now: Micros, language: Language = Language.ENGLISH
) -> str:
    """Return a file of scenarios for the thresholds of *config*, commented in *language*."""
    texts = TEXTS[language]
    zone = ZoneInfo(config.calendar_timezone)
    site = Site(config, config.engine_settings())
    lines = [
        "# yaml-language-server: $schema=scenario.schema.json",
        f"# {texts['stories']}",
        f"# {texts['to_do']}",
        f"config: {_yaml(config_path.name)} # {texts['beside']}",
        "scenarios:",
    ]
    for threshold in config.thresholds:
        found = _Example(site, threshold, zone, now, texts).lines()
        lines += [""] if lines[-1] != "scenarios:" else []
        lines += [f"  {line}".rstrip() for line in found]
    return "".join(f"{line}\n" for line in lines)


class _Example:
    """The scenario of one threshold."""

    def __init__(
        self,
        site: Site,
        threshold: Threshold,
        zone: ZoneInfo,
        now: Micros,
        texts: Mapping[str, str],
    ) -> None:
        self._site = site
        self._threshold = threshold
        self._zone = zone
        self._now = now
        self._texts = texts

    def lines(self) -> list[str]:
        """Return it as lines of YAML, or a comment that says why there is none."""
        for subject, queue in self._subjects():
            rule = self._threshold.rule_for(subject)
            begin = None if rule is None else self._opening(rule)
            if rule is None or begin is None:
                continue
            lines = self._scenario(subject, queue, rule, begin)
            if lines:
                return lines
        return [f"# {self._texts['no_story'].format(name=self._threshold.name)}"]

    def _subjects(self) -> Iterator[tuple[Subject, str]]:
        """Yield what the threshold watches, each with a queue to call."""
        site = self._site
        if not site.queues:
            site = site.with_queues(["support"])
        groups = {group.name: group for group in site.settings.groups}
        for subject in site.watched(self._threshold):
            if subject.kind is SubjectKind.QUEUE:
                yield subject, subject.name
                continue
            member = next((q for q in site.queues if groups[subject.name].has(q)), None)
            if member is not None:
                yield subject, member

    def _opening(self, rule: Rule) -> Micros | None:
        """Return when the threshold is active for long enough, and no date changes it."""
        wall = local(self._now, self._zone)
        for days in range(_LOOKS_AHEAD):
            day = wall.date() + dt.timedelta(days=days)
            for hour in range(9, 18):
                at = instant_of(Moment(hour * _HOUR), day, self._zone)
                limits, _ = rule.limits_at(at)
                active = limits.active
                if limits == rule.base and (active is None or self._stays_open(active, at)):
                    return at
        return None

    def _stays_open(self, active: Calendar, at: Micros) -> bool:
        """Tell whether *active* is open at *at* and for long enough to reach the limit."""
        closes = active.next_change(at)
        needed = self._length() + self._threshold.limits.hold
        return active.is_open(at) and (closes is None or closes >= at + needed)

    def _scenario(self, subject: Subject, queue: str, rule: Rule, begin: Micros) -> list[str]:
        limits, _ = rule.limits_at(begin)
        wall = local(begin, self._zone)
        plot = Plot(
            measure=self._threshold.measure,
            limits=limits,
            targets=self._targets(subject),
            length=self._length(),
            begin=wall,
            queue=quoted(queue),
        )
        steps = story_of(plot)
        if not steps:
            return []
        head = [f"- name: {_yaml(self._title(subject, limits))}", f"  day: {wall.date()}"]
        turns = self._played(subject, head, steps, wall, limits)
        mine = [turn for turn in turns if turn.alert.threshold == self._threshold.name]
        teller = Teller(wall.date(), self._zone)
        expected = [teller.sentence(turn) for turn in mine if turn.alert.subject == subject]
        if not any(turn.kind == "fired" and turn.alert.subject == subject for turn in mine):
            return []
        told = sorted((*steps, *dict.fromkeys(expected)), key=_begin)
        return [*head, "  steps:", *(f"    - {_yaml(step)}" for step in told)]

    def _played(
        self,
        subject: Subject,
        head: Sequence[str],
        steps: Sequence[str],
        wall: dt.datetime,
        limits: Limits,
    ) -> Sequence[Transition]:
        """Return what comes about when *steps* are played, and time goes on a while."""
        late = wall + dt.timedelta(microseconds=self._length() + limits.hold + _AFTERWARDS)
        on = f"on {late:%Y-%m-%d} at {late:%H:%M:%S}"
        looked = f"{quoted(self._threshold.name)}({subject_text(subject)})"
        ends = f"{on} {looked} is ok"
        listed = [*(f"    - {_yaml(step)}" for step in steps), f"    - {_yaml(ends)}"]
        text = "\n".join(["scenarios:", *head, "  steps:", *listed])
        document = parse("example", text.encode(), {})
        (scenario,) = ScenarioDocument(Path("example"), document, text.splitlines()).scenarios(
            self._site.config
        )
        return play_scenario(scenario).transitions

    def _targets(self, subject: Subject) -> Targets:
        settings = self._site.directory.settings_of(subject.kind, subject.name)
        return self._site.settings.targets if settings is None else settings.targets

    def _length(self) -> Micros:
        name = self._threshold.window
        lengths = {spec.name: spec.length for spec in self._site.settings.windows}
        return min(lengths.get(name or "") or _HOUR, _HOUR)

    def _title(self, subject: Subject, limits: Limits) -> str:
        text = self._texts["story_for" if limits.hold else "story"]
        return text.format(
            name=self._threshold.name, subject=subject.name, hold=format_duration(limits.hold)
        )


def _begin(sentence: str) -> tuple[dt.date, Micros]:
    """Return what sorts sentences by time; a day is named only where it is a later one."""
    when, _ = read_sentence(sentence)
    return when.begin.day or dt.date.min, when.begin.since_midnight


def _yaml(text: str) -> str:
    """Return *text* as a scalar of YAML, in quotes where it needs them."""
    if _PLAIN.fullmatch(text):
        return text
    return json.dumps(text, ensure_ascii=False)
