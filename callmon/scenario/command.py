"""The command ``callmon test``: from what was asked for to what is printed."""

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from callmon.clock import Clock, Micros
from callmon.config import Config, load_config, load_thresholds
from callmon.config.build import window_specs
from callmon.config.problems import one_of
from callmon.errors import CallmonError, ConfigError
from callmon.scenario.example import example_text
from callmon.scenario.judge import judge
from callmon.scenario.junit import junit_text
from callmon.scenario.play import play_scenario
from callmon.scenario.reading import ScenarioDocument, open_scenarios
from callmon.scenario.results import Happened, Result, as_json
from callmon.scenario.scene import Scenario
from callmon.scenario.table import table_lines
from callmon.scenario.telling import Teller
from callmon.wording import Language

__all__ = [
    "NothingToTestError",
    "Request",
    "Tested",
    "example_of",
    "run_scenarios",
    "try_scenarios",
]

DEFAULT_CONFIG = Path("config/callmon.yml")
"""Where neither the command nor the file names one."""


class NothingToTestError(CallmonError):
    """There is no scenario to play; the text says why."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for on the command line."""

    files: Sequence[Path]  #: files, and folders of them
    config: Path | None = None  #: None: the one that each file names
    thresholds: Path | None = None  #: in place of those of the configuration
    name: str | None = None  #: only scenarios whose name has this in it
    timeline: bool = False
    output: str = "table"  #: or ``json``
    language: Language = Language.ENGLISH  #: of the table; programs read English
    colour: bool = False
    timed: bool = False  #: say how long it took; else the same text each time


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """What came of it."""

    held: bool
    text: str
    junit: bytes


def try_scenarios(request: Request, environ: Mapping[str, str], clock: Clock) -> Tested:
    """Play the scenarios that *request* asks for.

    Raises:
        ConfigError: a file cannot be used; with every problem of all of them.
        FeedError: a file of calls cannot be read.
        NothingToTestError: there is no such scenario.
    """
    began = clock.monotonic()
    scenarios = _scenarios(request, environ)
    if request.name is not None:
        scenarios = _named(scenarios, request.name)
    results = [_result(scenario, clock, request.language) for scenario in scenarios]
    took = clock.monotonic() - began
    return Tested(
        held=all(result.held for result in results),
        text=_text(request, results, took),
        junit=junit_text(results),
    )


def run_scenarios(
    path: Path, environ: Mapping[str, str], clock: Clock, config: Path | None = None
) -> list[Result]:
    """Return what becomes of each scenario in the file at *path*.

    Raises:
        ConfigError: the file, or the configuration it names, cannot be used.
        FeedError: a file of calls cannot be read.
    """
    request = Request(files=[path], config=config)
    scenarios = _scenarios(request, environ)
    return [_result(scenario, clock, request.language) for scenario in scenarios]


def example_of(
    config: Path,
    environ: Mapping[str, str],
    now: Micros,
    *,
    thresholds: Path | None = None,
    language: Language = Language.ENGLISH,
) -> str:
    """Return a file of scenarios to begin with, for the configuration at *config*.

    Raises:
        ConfigError: it cannot be used.
    """
    return example_text(config, _Configs.read(config, thresholds, environ), now, language)


def _text(request: Request, results: Sequence[Result], took: Micros) -> str:
    if request.output == "json":
        return json.dumps(as_json(results), ensure_ascii=False, indent=2) + "\n"
    lines = table_lines(
        results,
        took=took if request.timed else None,
        timeline=request.timeline,
        language=request.language,
        colour=request.colour,
    )
    return "".join(f"{line}\n" for line in lines)


def _scenarios(request: Request, environ: Mapping[str, str]) -> list[Scenario]:
    """Return the scenarios of all files.

    Raises:
        ConfigError: with every problem of every file.
    """
    configs = _Configs(request, environ)
    problems: list[str] = []
    scenarios: list[Scenario] = []
    for path in _files(request.files):
        try:
            document = open_scenarios(path, environ)
            scenarios += document.scenarios(configs.of(document))
        except ConfigError as error:
            problems += [each for each in error.problems if each not in problems]
    if problems:
        raise ConfigError(problems)
    return scenarios


class _Configs:
    """The configurations that files name, each read once."""

    def __init__(self, request: Request, environ: Mapping[str, str]) -> None:
        self._request = request
        self._environ = environ
        self._known: dict[Path, Config] = {}

    def of(self, document: ScenarioDocument) -> Config:
        """Return the configuration for a file of scenarios."""
        path = self._request.config or document.config or DEFAULT_CONFIG
        if path not in self._known:
            thresholds = self._request.thresholds
            self._known[path] = self.read(path, thresholds, self._environ)
        return self._known[path]

    @staticmethod
    def read(path: Path, thresholds: Path | None, environ: Mapping[str, str]) -> Config:
        """Return the configuration at *path*, with the thresholds of another file if given."""
        config = load_config(path, environ)
        if thresholds is None:
            return config
        settings = load_thresholds(thresholds, environ, config)
        used = [one.window for one in settings.thresholds if one.window is not None]
        windows = window_specs(dict.fromkeys([*(s.name for s in config.windows), *used]))
        return dataclasses.replace(
            config,
            windows=windows,
            thresholds=settings.thresholds,
            calendars=settings.calendars,
        )


def _files(given: Iterable[Path]) -> Iterator[Path]:
    """Yield the files, those of a folder in order of name.

    Raises:
        NothingToTestError: a folder has none.
    """
    for path in given:
        if not path.is_dir():
            yield path
            continue
        found = sorted(file for ending in ("*.yml", "*.yaml") for file in path.rglob(ending))
        if not found:
            raise NothingToTestError(f"{path}: expected files ending in .yml, found none")
        yield from found


def _named(scenarios: Sequence[Scenario], name: str) -> list[Scenario]:
    wanted = name.casefold()
    found = [one for one in scenarios if wanted in one.name.casefold()]
    if not found:
        hint = one_of(name, [one.name for one in scenarios], what="there are")
        raise NothingToTestError(f"no scenario has '{name}' in its name{hint}")
    return found


def _result(scenario: Scenario, clock: Clock, language: Language) -> Result:
    began = clock.monotonic()
    played = play_scenario(scenario)
    verdicts = judge(scenario, played)
    english = language is Language.ENGLISH
    teller = Teller(scenario.day, scenario.zone)
    return Result(
        file=scenario.file,
        line=scenario.line,
        name=scenario.name,
        day=scenario.day,
        timezone=scenario.zone.key,
        verdicts=verdicts,
        shown=verdicts if english else judge(scenario, played, language),
        timeline=list(
            dict.fromkeys(Happened(t.at, teller.sentence(t)) for t in played.transitions)
        ),
        took=clock.monotonic() - began,
    )
