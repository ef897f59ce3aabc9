"""Everything ``callmon check`` finds out about the files of a configuration."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from callmon.clock import Micros
from callmon.config import Config, Level, Problem, Reading, explain, read_config, summary
from callmon.config.load import open_document
from callmon.config.nodes import Document
from callmon.errors import ConfigError
from callmon.sense.hours import warn_of_calendars, warn_of_closing, warn_of_shifts
from callmon.sense.receivers import warn_of_routes
from callmon.sense.routing import Route, read_tree
from callmon.sense.selection import warn_of_selection
from callmon.sense.sentences import told
from callmon.sense.shadows import warn_of_overrides, warn_of_twins
from callmon.sense.traffic import warn_of_traffic
from callmon.webconfig import load_web_config
from callmon.wording import Language

__all__ = ["Asked", "Findings", "examine"]

FILE = "alertmanager.yml"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be examined, and what is to be told of it."""

    config: Path
    thresholds: Path | None = None  #: None: the file that callmon.yml names
    alertmanager: Path | None = None  #: None: where it usually is
    explain: str | None = None  #: a queue or group to be told in sentences
    language: Language = Language.ENGLISH  #: of what it comes to


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found."""

    problems: tuple[Problem, ...]  #: mistakes, warnings and what is good to know, by place
    text: tuple[str, ...] = ()  #: what the configuration comes to; empty with mistakes
    files: tuple[Path, ...] = ()  #: what was read: a change of one may change all this

    def count(self, level: Level) -> int:
        """Return how many problems are of *level*."""
        return sum(problem.level is level for problem in self.problems)


def examine(asked: Asked, environ: Mapping[str, str], now: Micros) -> Findings:
    """Return what is wrong, what is odd, and what it all comes to. Blocks on the disk."""
    reading = read_config(asked.config, environ, asked.thresholds)
    config = reading.config
    files: tuple[Path, ...] = (asked.config, Path(reading.thresholds.file))
    if config is None:
        found = (*reading.problems, *reading.warnings)
        return Findings(problems=_by_place(found), files=files)
    _look_closer(config, reading, now)
    document, root = _routes(asked, config)
    found = (*reading.warnings, *_web_problems(config))
    if document is not None:
        found = (*found, *document.problems, *document.warnings)
        files = (*files, Path(document.file))
    text: tuple[str, ...] = ()
    if not any(problem.level is Level.ERROR for problem in found):
        text = _text(asked, config, root, now)
    return Findings(
        problems=_by_place(found),
        text=text,
        files=tuple(dict.fromkeys((*config.files, *files))),
    )


def _look_closer(config: Config, reading: Reading, now: Micros) -> None:
    """See what is right by itself and makes no sense together."""
    thresholds = reading.thresholds
    warn_of_selection(config, thresholds)
    warn_of_overrides(config, thresholds)
    warn_of_twins(config, thresholds)
    warn_of_calendars(config, thresholds, now)
    warn_of_closing(config, thresholds, now)
    warn_of_shifts(config, thresholds, now)
    warn_of_traffic(config, (reading.callmon, thresholds), now)


def _routes(asked: Asked, config: Config) -> tuple[Document | None, Route | None]:
    """Look at the routes, if callmon.yml names an Alertmanager and its file is found."""
    path = asked.alertmanager or (_beside(asked.config) if config.alertmanagers else None)
    if path is None:
        return None, None
    document = open_document(path, None)
    root = read_tree(document) if document.readable else None
    if root is not None:
        warn_of_routes(config, document, root)
    return document, root


def _beside(callmon_yml: Path) -> Path | None:
    """Return the file beside callmon.yml, or in the folder ``alertmanager`` beside its own."""
    folder = callmon_yml.parent
    above = folder / ".." if folder.name in {"", ".."} else folder.parent
    paths = (folder / FILE, above / "alertmanager" / FILE)
    return next((path for path in paths if _readable(path)), None)


def _readable(path: Path) -> bool:
    """Tell whether it is there for us: it may hold secrets of others."""
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False


def _web_problems(config: Config) -> tuple[Problem, ...]:
    path = config.server.web_config
    if path is None:
        return ()
    try:
        load_web_config(path)
    except ConfigError as error:
        return tuple(Problem.of(text, str(path)) for text in error.problems)
    return ()


def _text(asked: Asked, config: Config, root: Route | None, now: Micros) -> tuple[str, ...]:
    if asked.explain is None:
        lines = explain(config, language=asked.language)
        return (*lines, "", summary(config, asked.language))
    return tuple(told(config, asked.explain, root, now=now, language=asked.language))


def _by_place(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Return them file by file, each file from top to bottom, none twice."""
    files = list(dict.fromkeys(problem.file for problem in problems))
    unique = dict.fromkeys(problems)
    return tuple(sorted(unique, key=lambda one: (files.index(one.file), one.line, one.column)))
