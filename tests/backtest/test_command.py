"""Tests of what the command writes, and where it refuses to."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from callmon.backtest import BacktestRequest
from callmon.backtest.command import backtest_text
from callmon.replay import WrongRequestError
from callmon.trial import UnwritableError

CALLMON_YML = """
feeds: {pbx: {type: queue_log, path: queue_log, source: pbx}}
"""
THRESHOLDS_YML = """
thresholds:
  - {name: crowd, measure: waiting, above: 0, keep: 0s}
"""
LOG = """\
1600000000|1.1|support|NONE|ENTERQUEUE||1|1
1600000100|1.1|support|Agent/1|CONNECT|100|1.1|3
"""


@contextmanager
def quiet(_length: int) -> Iterator[Callable[[int], None]]:
    """Show no progress."""
    yield lambda _read: None


@pytest.fixture
def request_here(tmp_path: Path) -> BacktestRequest:
    """Return a request for a small past."""
    for name, text in (
        ("callmon.yml", CALLMON_YML),
        ("thresholds.yml", THRESHOLDS_YML),
        ("candidate.yml", THRESHOLDS_YML),
        ("queue_log", LOG),
    ):
        (tmp_path / name).write_text(text)
    return BacktestRequest(
        config=tmp_path / "callmon.yml",
        candidate=tmp_path / "candidate.yml",
        logs=[tmp_path / "queue_log"],
    )


def test_page_and_table_are_written(request_here: BacktestRequest, tmp_path: Path) -> None:
    """Beside what is printed."""
    page, table = tmp_path / "page.html", tmp_path / "table.csv"
    asked = dataclasses.replace(request_here, html=page, csv=table)

    text = backtest_text(asked, {}, quiet)

    assert "crowd" in text
    assert page.read_text().startswith("<!doctype html>")
    assert "crowd" in table.read_text(encoding="utf-8-sig")


@pytest.mark.parametrize(
    "names",
    [
        {"html": "callmon.yml"},
        {"csv": "candidate.yml"},
        {"csv": "thresholds.yml"},
        {"html": "queue_log"},
        {"html": "both", "csv": "./both"},
    ],
)
def test_nothing_in_use_is_written_over(
    request_here: BacktestRequest, tmp_path: Path, names: dict[str, str]
) -> None:
    """Neither a file that is read, nor the page by the table."""
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    paths = {key: tmp_path / name for key, name in names.items()}
    asked = dataclasses.replace(request_here, **paths)  # type: ignore[arg-type]  # by name

    with pytest.raises(WrongRequestError, match="is in use: another name"):
        backtest_text(asked, {}, quiet)

    assert before == {path: path.read_bytes() for path in tmp_path.iterdir()}


def test_a_full_disk_is_told(request_here: BacktestRequest) -> None:
    """With the file that has no room."""
    asked = dataclasses.replace(request_here, csv=Path("/dev/full"))

    with pytest.raises(UnwritableError, match="/dev/full: cannot be written"):
        backtest_text(asked, {}, quiet)
