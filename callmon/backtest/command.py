"""The command ``callmon backtest``: from what was asked for to what is printed or written."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from callmon.backtest.as_json import as_json
from callmon.backtest.csv import csv_bytes
from callmon.backtest.page import page_html
from callmon.backtest.request import BacktestRequest, Progress
from callmon.backtest.run import live_through
from callmon.backtest.table import table_lines
from callmon.replay import WrongRequestError
from callmon.trial import save

__all__ = ["backtest_text"]


def backtest_text(
    request: BacktestRequest, environ: Mapping[str, str], progress: Progress
) -> str:
    """Do what *request* asks for; return what to print, with a line feed at the end.

    Raises:
        ConfigError: callmon.yml or one of the thresholds files has mistakes.
        FeedError: a log cannot be read.
        JournalError: there is no journal, or it cannot be read.
        NothingFoundError: there is no history, or nothing in it that was asked for.
        UnwritableError: a file cannot be written.
        WrongRequestError: what was asked for makes no sense.
    """
    _see_that_nothing_is_lost(request, [])
    found = live_through(request, environ, progress)
    sides = (found.backtest.candidate, found.backtest.present)
    _see_that_nothing_is_lost(request, [Path(one.name) for one in sides if one is not None])
    if request.html is not None:
        save(request.html, page_html(found, request.language).encode())
    if request.csv is not None:
        save(request.csv, csv_bytes(found))
    if request.output == "json":
        return json.dumps(as_json(found), ensure_ascii=False, indent=2) + "\n"
    lines = table_lines(
        found, colour=request.colour, width=request.width, language=request.language
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _see_that_nothing_is_lost(request: BacktestRequest, read: Sequence[Path]) -> None:
    """See that no file is written over one that is *read*, or over the other.

    Raises:
        WrongRequestError: one would be.
    """
    candidate = () if request.candidate is None else (request.candidate,)
    there = {path.resolve() for path in (request.config, *candidate, *request.logs, *read)}
    for name, path in (("--html", request.html), ("--csv", request.csv)):
        if path is not None and path.resolve() in there:
            raise WrongRequestError(f"{name}: {path} is in use: another name")
        if path is not None:
            there.add(path.resolve())
