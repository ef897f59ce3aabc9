"""Reads the two files: every mistake of both in one pass, or the whole configuration."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from callmon.config.build import build_config, window_specs
from callmon.config.calendars import build_calendars
from callmon.config.doubts import warn_of_thresholds
from callmon.config.nodes import MAX_BYTES, Document, parse
from callmon.config.problems import Problem
from callmon.config.reading import Builder
from callmon.config.rules import RulesBuilder
from callmon.config.sections import CallmonFile
from callmon.config.settings import Config, ThresholdSettings
from callmon.config.threshold_sections import ThresholdsFile
from callmon.config.validation import validated
from callmon.errors import ConfigError

__all__ = [
    "Reading",
    "Signature",
    "load_config",
    "load_thresholds",
    "open_document",
    "read_config",
    "signature",
]

Signature = tuple[int, int, int, str] | None
"""(inode, modification time in ns, size, real path); None while the file cannot be seen."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Both files as they were read, with everything that was found in them."""

    config: Config | None  #: None: there are problems
    callmon: Document
    thresholds: Document
    problems: tuple[Problem, ...]  #: callmon.yml first, in file order

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What was found since, too: whoever knows more may add to the documents."""
        return (*self.callmon.warnings, *self.thresholds.warnings)


def load_config(callmon_yml: Path, environ: Mapping[str, str]) -> Config:
    """Return the configuration in *callmon_yml* and the thresholds file it names.

    Raises:
        ConfigError: with every problem of both files, callmon.yml first, in file order;
            what runs must go on running.
    """
    reading = read_config(callmon_yml, environ)
    if reading.config is None:
        raise ConfigError(reading.problems)
    return reading.config


def read_config(
    callmon_yml: Path, environ: Mapping[str, str], thresholds_yml: Path | None = None
) -> Reading:
    """Return what *callmon_yml* and the thresholds file it names hold, right or wrong.

    With *thresholds_yml*, that file is read in place of the one it names.
    """
    document = open_document(callmon_yml, environ)
    if not document.readable and not callmon_yml.exists():
        document = _missing(callmon_yml)
    elif isinstance(document.data, dict) and isinstance(document.data.get("thresholds"), list):
        document = _mistaken(document, "a thresholds.yml", "the callmon.yml that names it")
    builder = Builder(document, callmon_yml.parent)
    file = validated(document, CallmonFile)
    config = build_config(builder, file) if document.readable else None
    path = thresholds_yml or builder.path(file.thresholds)
    thresholds, settings = Document(str(path), ""), ThresholdSettings()
    reason = _unreadable(path)
    if reason is None:
        thresholds, settings = _thresholds(path, environ, config)
        _check_silences(builder, config, thresholds)
    elif document.readable:
        document.report(("thresholds",), f"cannot read {path}: {reason}")
    problems = (*document.problems, *thresholds.problems)
    if problems or config is None:
        config = None
    else:
        config = _whole(config, settings, (callmon_yml, path))
        config = dataclasses.replace(config, warnings=(*document.warnings, *settings.warnings))
    return Reading(config=config, callmon=document, thresholds=thresholds, problems=problems)


def _whole(config: Config, settings: ThresholdSettings, files: tuple[Path, ...]) -> Config:
    used = [threshold.window for threshold in settings.thresholds if threshold.window]
    return dataclasses.replace(
        config,
        windows=window_specs([*(spec.name for spec in config.windows), *used]),
        thresholds=settings.thresholds,
        calendars=settings.calendars,
        files=(*files, *config.files),
    )


def load_thresholds(
    path: Path, environ: Mapping[str, str], config: Config
) -> ThresholdSettings:
    """Return the thresholds and calendars in *path*, for the queues of *config*.

    Raises:
        ConfigError: with every problem, in file order.
    """
    document, settings = _thresholds(path, environ, config)
    if document.problems:
        raise ConfigError(document.problems)
    return settings


def signature(path: Path) -> Signature:
    """Return what changes when *path* is written, replaced, or linked to another file."""
    try:
        status = path.stat()
        return status.st_ino, status.st_mtime_ns, status.st_size, str(path.resolve())
    except OSError:
        return None


def _thresholds(
    path: Path, environ: Mapping[str, str], config: Config | None
) -> tuple[Document, ThresholdSettings]:
    document = open_document(path, environ)
    if isinstance(document.data, dict) and "feeds" in document.data:
        document = _mistaken(document, "a callmon.yml: name it by -c", "a thresholds.yml")
    builder = Builder(document, path.parent)
    file = validated(document, ThresholdsFile)
    timezone = config.calendar_timezone if config is not None else "UTC"
    calendars = build_calendars(builder, file, timezone)
    thresholds = RulesBuilder(builder, file, calendars, config).thresholds()
    warn_of_thresholds(builder, file, config)
    return document, ThresholdSettings(
        thresholds=thresholds, calendars=calendars, warnings=tuple(document.warnings)
    )


def _check_silences(builder: Builder, config: Config | None, thresholds: Document) -> None:
    """See that the calendars that feeds name are there; those with mistakes are."""
    if not thresholds.readable:
        return
    calendars = thresholds.names("calendars")
    for feed in config.feeds if config is not None else ():
        if feed.silence is not None and feed.silence.during is not None:
            loc = ("feeds", feed.name, "silence", "during")
            builder.known(loc, feed.silence.during, calendars, "calendar")


def open_document(path: Path, environ: Mapping[str, str] | None) -> Document:
    """Return what *path* holds; when it cannot be read, its one problem says why."""
    reason = _unreadable(path)
    if reason is None:
        with path.open("rb") as file:
            return parse(str(path), file.read(MAX_BYTES + 1), environ)
    document = Document(str(path), "")
    document.unreadable(1, 1, f"cannot read the file: {reason}")
    return document


def _missing(callmon_yml: Path) -> Document:
    """Return a document that says that there is none, or only here."""
    document = Document(str(callmon_yml), "")
    here = Path(callmon_yml.name)
    hint = f"; {here} is in this folder: -c {here}" if here.exists() else ""
    document.unreadable(1, 1, f"cannot read the file: {_unreadable(callmon_yml)}{hint}")
    return document


def _mistaken(found: Document, what: str, expected: str) -> Document:
    """Return a document that says only that the whole file is another than was *expected*."""
    document = Document(found.file, "")
    document.unreadable(1, 1, f"expected {expected}, found {what}")
    return document


def _unreadable(path: Path) -> str | None:
    """Return why *path* cannot be read, None when it can."""
    try:
        with path.open("rb"):
            return None
    except OSError as error:
        return error.strerror or str(error)
