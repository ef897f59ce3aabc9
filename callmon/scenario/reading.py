"""Reads scenario files: every mistake in one pass, or scenarios that can be played."""

import dataclasses
import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from callmon.clock import Micros
from callmon.config import Config
from callmon.config.nodes import MAX_BYTES, Document, Loc, parse
from callmon.config.problems import path_text
from callmon.config.reading import Builder
from callmon.config.scenario_sections import LoadSection, ScenarioFile, ScenarioSection
from callmon.config.validation import validated
from callmon.errors import ConfigError
from callmon.replay.live import OverlapError
from callmon.replay.play import WrongRequestError
from callmon.scenario.cast import Cast, Scripted
from callmon.scenario.loading import Loaded, load_day
from callmon.scenario.scene import Scenario, Step, instant_of
from callmon.scenario.sentences import place_of_time, read_sentence
from callmon.scenario.site import Site
from callmon.scenario.slots import LAST_DAY, SentenceError, day_called
from callmon.scenario.steps import (
    AlertTurns,
    Clause,
    Comparison,
    Expectation,
    Joins,
    Leaves,
    Moment,
    OfCallers,
    Reads,
    Refused,
    Reports,
    Stands,
)

__all__ = ["ScenarioDocument", "open_scenarios"]

_DAY: Final[Micros] = 86_400 * 1_000_000


class ScenarioDocument:
    """One file of scenarios, read as YAML; ``scenarios`` understands the sentences."""

    def __init__(self, path: Path, document: Document, lines: Sequence[str]) -> None:
        self.path = path
        self._lines = lines
        self._document = document
        self._builder = Builder(document, path.parent)
        self._file = validated(document, ScenarioFile)

    @property
    def config(self) -> Path | None:
        """Return the callmon.yml that the file names."""
        return None if self._file.config is None else self._builder.path(self._file.config)

    def scenarios(self, config: Config) -> list[Scenario]:
        """Return the scenarios for *config*.

        Raises:
            ConfigError: with every problem, in file order.
            FeedError: a file of calls cannot be read.
        """
        document, file = self._document, self._file
        zone = ZoneInfo(file.timezone or config.calendar_timezone)
        site = Site(config, config.engine_settings()).with_queues(file.queues or ())
        if not file.scenarios and not document.wrong("scenarios"):
            document.report((), "expected scenarios: and a list of them, found none", key=True)
        around = _Around(document, self._builder, file, self._lines, zone)
        found = [
            _Reader(around, ("scenarios", number), section).scenario(self.path, site)
            for number, section in enumerate(file.scenarios)
        ]
        self._see_that_names_differ()
        if document.problems:
            raise ConfigError(document.problems)
        return [scenario for scenario in found if scenario is not None]

    def _see_that_names_differ(self) -> None:
        first: dict[str, int] = {}
        for number, section in enumerate(self._file.scenarios):
            if section.name is None:
                continue
            loc = ("scenarios", number, "name")
            line = self._document.marks[loc].line
            if section.name in first:
                message = (
                    f"duplicate name '{section.name}' (first at line {first[section.name]})"
                )
                self._document.report(loc, message)
            first.setdefault(section.name, line)


@dataclasses.dataclass(frozen=True, slots=True)
class _Around:
    """What the scenarios of a file have in common."""

    document: Document
    builder: Builder
    file: ScenarioFile
    lines: Sequence[str]
    zone: ZoneInfo


class _Reader:
    """Reads one scenario."""

    def __init__(self, around: _Around, loc: Loc, section: ScenarioSection) -> None:
        self._document = around.document
        self._builder = around.builder
        self._file = around.file
        self._lines = around.lines
        self._zone = around.zone
        self._loc = loc
        self._section = section
        self._strict = around.file.strict if section.strict is None else section.strict
        self._impossible_steps = False

    def scenario(self, path: Path, site: Site) -> Scenario | None:
        """Return it; None: something was reported."""
        day = self._day_of(self._section.day, self._loc)
        self._builder.missing(self._loc, "name", "name: and what is tried")
        steps = self._steps(day or LAST_DAY)
        if day is None:
            return None
        self._see_that_something_is_expected(steps)
        loaded = self._loaded(day, site)
        site = site.with_queues(self._queues(steps, site, loaded))
        site = site.with_windows(self._checked(steps, site))
        if self._impossible_steps or self._document.wrong(*self._loc) or not steps:
            return None
        begin = min(step.begin for step in steps)
        if loaded is not None and loaded.told:
            begin = min(begin, loaded.told[0].at)
        called = set() if loaded is None else _named(loaded.called, loaded, site)
        events = Cast(site, self._impossible, called).live(begin, _script(steps))
        ends = [step.deadline for step in steps] + [event.at for event in events]
        last = None if loaded is None else loaded.last
        return Scenario(
            file=path,
            line=self._document.marks[self._loc].line,
            name=self._section.name or "",
            day=day,
            zone=self._zone,
            strict=self._strict,
            site=site,
            steps=steps,
            events=events,
            loaded=loaded,
            begin=begin,
            end=max([*ends, *([] if last is None else [last])]),
        )

    # ---- days ----------------------------------------------------------------------

    def _day_of(self, text: str | None, loc: Loc) -> dt.date | None:
        if text is not None:
            return self._builder.read((*loc, "day"), day_called, text)
        if self._file.day is not None:
            return self._builder.read(("day",), day_called, self._file.day)
        if not self._document.wrong(*loc, "day") and not self._document.wrong("day"):
            message = "expected a day, such as day: 2026-11-23, here or above scenarios:"
            self._document.report(loc, f"{message}, found none", key=True)
        return None

    # ---- sentences -----------------------------------------------------------------

    def _steps(self, day: dt.date) -> list[Step]:
        steps = []
        for number, text in enumerate(self._section.steps):
            loc = (*self._loc, "steps", number)
            if not text.strip():
                found = self._document.found(loc)
                hint = "; no ': ' in a sentence, or quotes around it" * (found == "a mapping")
                example = "at 10:00 caller 7 joins support"
                message = f"expected a sentence such as '{example}', found {found}{hint}"
                self._document.report(loc, message)
                continue
            try:
                when, what = read_sentence(text)
                begin = self._instant(text, when.begin, day)
                end = None if when.end is None else self._instant(text, when.end, day)
            except SentenceError as error:
                self._impossible(number, error)
                continue
            steps.append(
                Step(
                    number=number,
                    line=self._document.marks[loc].line,
                    text=" ".join(text.split()),
                    when=when,
                    begin=begin,
                    end=end,
                    what=what,
                )
            )
        return steps

    def _instant(self, text: str, moment: Moment, day: dt.date) -> Micros:
        """Return when it is *moment*, which is a time in the sentence *text*.

        Raises:
            SentenceError: the clocks skip it.
        """
        try:
            return instant_of(moment, day, self._zone)
        except ValueError as error:
            raise SentenceError(place_of_time(text, moment), str(error)) from None

    def _see_that_something_is_expected(self, steps: Sequence[Step]) -> None:
        wrong = self._impossible_steps or self._document.wrong(*self._loc, "steps")
        if (
            wrong
            or (self._strict and steps)
            or any(isinstance(s.what, Expectation) for s in steps)
        ):
            return
        message = "expected a step that expects something, found none; such as"
        example = "by 10:03:30 long_wait(support) fires"
        self._document.report((*self._loc, "steps"), f"{message} '{example}'", key=True)

    def _impossible(self, number: int, error: SentenceError) -> None:
        """Report a sentence, at the word that is wrong if it stands where it seems to."""
        loc = (*self._loc, "steps", number)
        mark = self._document.marks[loc]
        line = self._lines[mark.line - 1] if mark.line <= len(self._lines) else ""
        begin = line.find(mark.raw[: error.at + 1], mark.column - 1)
        column = begin + 1 + error.at if begin >= 0 else mark.column
        self._document.report_at(mark.line, column, path_text(loc), str(error))
        self._impossible_steps = True

    # ---- names ---------------------------------------------------------------------

    def _queues(self, steps: Sequence[Step], site: Site, loaded: Loaded | None) -> set[str]:
        """Return the queues that are there though neither file lists them."""
        names = set() if loaded is None else _named(loaded.spelled, loaded, site)
        if not site.settings.queues:  # whoever is called is there
            for step in steps:
                if isinstance(step.what, Joins | Refused | Reports):
                    names.add(step.what.queue.text.casefold())
                elif isinstance(step.what, Leaves) and step.what.to is not None:
                    names.add(step.what.to.text.casefold())
        return names

    def _checked(self, steps: Sequence[Step], site: Site) -> list[str]:
        """See that what is expected is of something there is; return the windows it needs."""
        windows = []
        for step in steps:
            what = step.what
            try:
                if isinstance(what, AlertTurns | Stands):
                    site.threshold(what.of)
                elif isinstance(what, Reads):
                    site.subject(what.of)
                    window = site.window(what)
                    if what.comparison is not Comparison.ABSENT:
                        site.value(what)
                    windows += [] if window is None else [window]
                elif not isinstance(what, Expectation):
                    site.see_that_names_are_known(what)
            except SentenceError as error:
                self._impossible(step.number, error)
        return windows

    # ---- calls that truly happened ---------------------------------------------------

    def _loaded(self, day: dt.date, site: Site) -> Loaded | None:
        section = self._section.load
        if section is None:
            return None
        loc = (*self._loc, "load")
        self._builder.missing(loc, "files", "files: and the names of logs or recordings")
        source = self._source(section, site, loc)
        of = (
            day
            if section.day is None
            else self._builder.read((*loc, "day"), day_called, section.day)
        )
        paths = [self._builder.file((*loc, "files"), name) for name in section.files or ()]
        if self._document.wrong(*loc) or of is None or source is None:
            return None
        begin, end = (instant_of(Moment(since), of, self._zone) for since in (0, _DAY))
        shift = instant_of(Moment(0), day, self._zone) - begin
        try:
            return load_day(paths, source, begin, end, shift)
        except (WrongRequestError, OverlapError) as error:
            self._document.report((*loc, "files"), str(error))
            return None

    def _source(self, section: LoadSection, site: Site, loc: Loc) -> str | None:
        sources = site.settings.sources
        if section.source is not None:
            known = self._builder.known((*loc, "source"), section.source, sources, "source")
            return section.source if known else None
        if len(sources) == 1:
            return sources[0]
        message = f"expected source: and one of {', '.join(sources)}, found none"
        self._document.report(loc, message, key=True)
        return None


def open_scenarios(path: Path, environ: Mapping[str, str]) -> ScenarioDocument:
    """Return what is in the file at *path*.

    Raises:
        ConfigError: it cannot be read, or is no YAML.
    """
    text = b""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        document = Document(str(path), "")
        document.unreadable(1, 1, f"cannot read the file: {error.strerror or error}")
    else:
        document = parse(str(path), text, environ)
    if not document.readable:
        raise ConfigError(document.problems)
    return ScenarioDocument(path, document, text.decode("utf-8-sig").splitlines())


def _named(spelled: Collection[str], loaded: Loaded, site: Site) -> set[str]:
    """Return callmon's names of queues that a loaded day has."""
    directory = site.directory
    return {directory.queue_named(loaded.source, name) for name in spelled}


def _script(steps: Sequence[Step]) -> list[Scripted]:
    script = []
    for step in steps:
        what = step.what
        if isinstance(what, Expectation):
            continue
        number = what.who.number if isinstance(what, OfCallers) else 1
        script.append(Scripted(step.number, _instants(step, number), what))
    return script


def _instants(step: Step, number: int) -> list[Micros]:
    """Return when each of *number* callers comes or goes: the end is left out."""
    begin, when = step.begin, step.when
    if step.end is None:
        return [begin] * number
    length = step.end - begin
    if when.clause is Clause.EVERY and when.every:
        rounds = range(0, length, when.every)
        return [begin + round_ for round_ in rounds for _ in range(number)]
    return [begin + length * index // number for index in range(number)]
