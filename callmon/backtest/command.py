"""The command ``callmon backtest``: from what was asked for to what is printed or written."""

import json
from collections.abc import Mapping
from pathlib import Path

from callmon.backtest.as_json import as_json
from callmon.backtest.csv import csv_bytes
from callmon.backtest.page import page_html
from callmon.backtest.request import BacktestRequest, Progress
from callmon.backtest.run import live_through
from callmon.backtest.table import table_lines
from callmon.replay import WrongRequestError

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
        WrongRequestError: what was asked for makes no sense, or a file cannot be written.
    """
    found = live_through(request, environ, progress)
    if request.html is not None:
        _write(request.html, page_html(found, request.language).encode())
    if request.csv is not None:
        _write(request.csv, csv_bytes(found))
    if request.output == "json":
        return json.dumps(as_json(found), ensure_ascii=False, indent=2) + "\n"
    lines = table_lines(
        found, colour=request.colour, width=request.width, language=request.language
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _write(path: Path, text: bytes) -> None:
    try:
        path.write_bytes(text)
    except OSError as error:
        raise WrongRequestError(f"{path}: cannot be written ({error.strerror})") from error
