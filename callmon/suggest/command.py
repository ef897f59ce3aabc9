"""The command ``callmon suggest``: from what was asked for to what is printed."""

import dataclasses
import difflib
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from fnmatch import fnmatchcase
from pathlib import Path
from zoneinfo import ZoneInfo

from callmon.clock import SECOND, Micros
from callmon.config import Config, load_config, load_thresholds
from callmon.config.problems import one_of
from callmon.config.values import duration
from callmon.console.text import clean
from callmon.replay import NothingFoundError, WrongRequestError
from callmon.rules import Threshold
from callmon.suggest.beginning import BEGINNING
from callmon.suggest.findings import Finding, Verdict, Wanted, date_of
from callmon.suggest.report import as_json, report_lines
from callmon.suggest.texts import TEXTS
from callmon.suggest.trying import Tried, try_limits
from callmon.suggest.writing import WritingError, not_as_meant, rewritten
from callmon.trial import asked_span, history_of, is_chosen, save
from callmon.wording import Language

__all__ = ["SuggestRequest", "rate", "suggest_text"]

Progress = Callable[[int], AbstractContextManager[Callable[[int], None]]]
"""Opened with how much there is to read; what it yields takes what was just read."""

_RATE = re.compile(r"(?P<times>[1-9][0-9]{0,5})\s*/\s*(?P<per>[0-9]*[a-z]+)")
_PERIODS: Mapping[str, Micros] = {
    "hour": 3_600 * SECOND,
    "day": 86_400 * SECOND,
    "week": 7 * 86_400 * SECOND,
    "month": 30 * 86_400 * SECOND,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SuggestRequest:
    """What was asked for on the command line."""

    config: Path
    logs: Sequence[Path] = ()  #: none: the journal of the configuration
    source: str | None = None
    since: str | None = None
    until: str | None = None
    wanted: Wanted
    thresholds: Sequence[str] = ()  #: names or patterns
    queues: Sequence[str] = ()  #: names or patterns of queues and groups
    only_quieter: bool = False
    new: bool = False
    output: str = "table"  #: or ``yaml``, ``json``
    language: Language = Language.ENGLISH
    out: Path | None = None
    force: bool = False


def rate(text: str) -> Wanted:
    """Return what ``2/week``, ``1/day`` or ``3/12h`` asks for.

    Raises:
        ValueError: it cannot be understood.
    """
    match = _RATE.fullmatch(text.strip().lower())
    help_text = "expected alerts in a time, such as 2/week, 1/day or 3/12h"
    if match is None:
        raise ValueError(help_text)
    try:
        per = _PERIODS.get(match["per"]) or duration(match["per"])
    except ValueError:
        raise ValueError(help_text) from None
    if not per:
        raise ValueError(help_text)
    return Wanted(int(match["times"]), per)


def suggest_text(
    request: SuggestRequest,
    environ: Mapping[str, str],
    now: Micros,
    progress: Progress,
) -> str:
    """Seek limits, write the file that was asked for, and return what to print.

    Raises:
        ConfigError: the configuration cannot be used.
        FeedError: a log cannot be read.
        JournalError: there is no journal, or it cannot be read.
        NothingFoundError: there is no history, or no threshold or queue as asked for.
        UnwritableError: the file cannot be written.
        WritingError: a limit cannot be changed in the file by itself.
        WrongRequestError: what was asked for makes no sense, or the file is there already.
    """
    if request.out is not None and request.out.exists() and not request.force:
        raise WrongRequestError(f"{request.out} is there already: another name, or --force")
    config = load_config(request.config, environ)
    path = config.files[1]
    text = BEGINNING[request.language] if request.new else path.read_bytes().decode("utf-8-sig")
    name = path.name
    if request.new:
        config = _with_thresholds(config, _loaded(text, name, environ, config))
    tried = _tried(request, config, progress)
    if request.output == "json":
        return json.dumps(as_json(tried), ensure_ascii=False, indent=2) + "\n"
    written = _written(text, tried, config, request, now)
    _see_that_it_is_meant(written, name, environ, config, tried)
    if request.out is not None:
        save(request.out, written.encode())
    if request.output == "yaml":
        return written
    report = map(clean, report_lines(tried, request.language))
    lines = [*report, "", *_outcome(request, path, text, written)]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _with_thresholds(config: Config, thresholds: Sequence[Threshold]) -> Config:
    return dataclasses.replace(config, thresholds=tuple(thresholds))


def _loaded(
    text: str, name: str, environ: Mapping[str, str], config: Config
) -> tuple[Threshold, ...]:
    """Return the thresholds in *text*, read as a file is."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(text.encode())
        return load_thresholds(path, environ, config).thresholds


def _tried(request: SuggestRequest, config: Config, progress: Progress) -> Tried:
    names = [one.name for one in config.thresholds]
    wanted = [
        one for one in config.thresholds if _is_one_of(one.name, request.thresholds, names)
    ]
    if not wanted:
        raise NothingFoundError(f"no threshold in {config.files[1]}: begin with --new")
    zone = ZoneInfo(config.default_timezone)
    span = asked_span(request.since, request.until, zone)
    history = history_of(config, request.logs, request.source)
    with progress(history.size) as read:
        tried = try_limits(history, config, wanted, request.wanted, span=span, progress=read)
    if tried is None:
        raise NothingFoundError("nothing happened in that time: there is nothing to learn")
    subjects = sorted({one.subject.name for one in tried.findings})
    findings = tuple(
        _calmer(one) if request.only_quieter else one
        for one in tried.findings
        if _is_one_of(one.subject.name, request.queues, subjects)
    )
    return dataclasses.replace(tried, findings=findings)


def _is_one_of(name: str, patterns: Sequence[str], names: Sequence[str]) -> bool:
    """Tell whether one of *patterns* is *name*; none at all: it is."""
    for pattern in patterns:
        if not any(fnmatchcase(one, pattern) for one in names):
            hint = one_of(pattern, names, what="there are")
            raise NothingFoundError(f"no {pattern!r} here{hint}")
    return is_chosen(name, patterns)


def _calmer(one: Finding) -> Finding:
    """Return *one*, and where its limit would call more often than now, the present one."""
    if one.choice is None or len(one.choice.fired) < len(one.present.fired):
        return one
    return dataclasses.replace(one, choice=None, verdict=Verdict.QUIET)


def _written(
    text: str, tried: Tried, config: Config, request: SuggestRequest, now: Micros
) -> str:
    names = [one.name for one in config.thresholds]
    findings = _writable(tried)
    whole = not request.queues and len(findings) == len(tried.findings)
    day = date_of(now, tried.zone)
    return rewritten(text, findings, names, day, whole=whole, language=request.language)


def _writable(tried: Tried) -> list[Finding]:
    """Return the findings about those whose name may stand in a file."""
    return [one for one in tried.findings if one.subject.name.isprintable()]


def _see_that_it_is_meant(
    written: str, name: str, environ: Mapping[str, str], config: Config, tried: Tried
) -> None:
    """Read the new text as callmon will, and compare every limit with what was found."""
    for one in not_as_meant(_loaded(written, name, environ, config), _writable(tried)):
        raise WritingError(
            f"cannot write the suggestions: overrides of {one.threshold.name} stand in the"
            f" way for {one.subject.name}; change it by hand"
        )


def _outcome(request: SuggestRequest, path: Path, text: str, written: str) -> Iterator[str]:
    """Yield what was written, as a difference, or how to have it written."""
    texts = TEXTS[request.language]
    if text == written and not request.new:
        yield texts["nothing"]
        return
    if request.out is None:
        yield texts["unchanged"]
        return
    before = [] if request.new else text.splitlines()
    yield from difflib.unified_diff(
        before, written.splitlines(), str(path), str(request.out), lineterm=""
    )
    yield ""
    yield texts["written"].format(out=request.out)
