"""Tests of ``callmon suggest`` as a whole: what is printed, and what is written."""

import dataclasses
import itertools
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from callmon.clock import SECOND
from callmon.config import load_config, load_thresholds
from callmon.errors import CallmonError
from callmon.replay import NothingFoundError, WrongRequestError
from callmon.suggest import SuggestRequest, Wanted, rate, suggest_text
from callmon.suggest.findings import DAY, WEEK
from callmon.trial import UnwritableError
from callmon.wording import Language
from tests.suggest.month import BEGIN, THRESHOLDS, site

NOW = (BEGIN + 40 * 86_400) * SECOND


@contextmanager
def quiet(_length: int) -> Iterator[Callable[[int], None]]:
    """Show no progress."""
    yield lambda _read: None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a fortnight of calls."""
    folder = tmp_path_factory.mktemp("site")
    site(folder, days=16)
    return folder


def suggested(folder: Path, **asked: Any) -> str:
    """Return what the command prints."""
    asked = {"wanted": Wanted(2, WEEK), "logs": [folder / "queue_log"], **asked}
    return suggest_text(SuggestRequest(config=folder / "callmon.yml", **asked), {}, NOW, quiet)


def test_the_table_says_it_in_words(folder: Path) -> None:
    """Limit, present limit, how often each, on which days, what others would give."""
    lines = suggested(folder, thresholds=["long_wait"], queues=["vip"]).splitlines()

    assert lines[0].startswith("16 days, 2026-09-21 to 2026-10-06, ")
    assert "wanted: about 2 a week for each threshold of each queue" == lines[1]
    assert "long_wait: longest_wait above 3m" == lines[3]
    assert lines[4].startswith("  vip: 2m30s (now 1m) would have called ")
    assert " times a week instead of " in lines[4]
    assert " of 16 days, " in lines[5]
    assert "kept apart: " in lines[5]
    assert lines[6].startswith("      a week by limit: ")
    assert lines[7].startswith("      it goes above ")
    assert "nothing was changed; --out FILE writes a new file with these limits" == lines[-1]


def test_the_table_is_told_in_chinese(folder: Path) -> None:
    """The same figures in the same lines; limits as the file writes them."""
    asked = {"thresholds": ["long_wait"], "queues": ["vip"]}

    english = suggested(folder, **asked).splitlines()
    chinese = suggested(folder, **asked, language=Language.CHINESE).splitlines()

    figures = [sorted(re.findall(r"\d[\d.,]*(?:m\d+s|m|s|%)?\b", line)) for line in english]
    assert len(english) == len(chinese)
    assert chinese[0].startswith("16 天，2026-09-21 至 2026-10-06，")
    assert "期望：每个队列的每条阈值大约每周 2 次" == chinese[1]
    assert "long_wait：最长等待高于 3m" == chinese[3]
    assert chinese[4].startswith("  vip：2m30s（现为 1m）：每周触发 ")
    assert "留作验证：每周 " in chinese[5]
    assert chinese[6].startswith("      各限值每周次数：")
    assert chinese[7].startswith("      实际曾高于：半数日子 ")
    assert "未作任何更改；--out FILE 把这些限值写入新文件" == chinese[-1]
    for number in (0, 4, 6, 7):
        found = re.findall(r"\d[\d.,]*(?:m\d+s|m|s|%)?", chinese[number])
        assert figures[number] == sorted(found)


def test_programs_are_told_the_same_in_any_language(folder: Path) -> None:
    """Keys and words of JSON are no language."""
    assert suggested(folder, output="json") == suggested(
        folder, output="json", language=Language.CHINESE
    )


def test_comments_are_in_the_language_asked_for(folder: Path) -> None:
    """They are all that differs in the new file."""
    english = suggested(folder, output="yaml")
    chinese = suggested(folder, output="yaml", language=Language.CHINESE)

    def without_comments(text: str) -> list[str]:
        return [line for line in text.splitlines() if not line.lstrip().startswith("# ")]

    assert without_comments(english) == without_comments(chinese)
    assert "# suggested 2026-10-31 from 16 days: " in english
    assert "# 建议 2026-10-31，依据 16 天的数据：每周 " in chinese
    assert "# suggested" not in chinese


def test_a_later_suggestion_takes_the_place_of_one_in_another_language(tmp_path: Path) -> None:
    """One comment above each limit, whoever asked last."""
    site(tmp_path, days=16)
    suggested(tmp_path, out=tmp_path / "thresholds.yml", force=True)
    before = (tmp_path / "thresholds.yml").read_text()
    often = {"wanted": Wanted(2, DAY), "language": Language.CHINESE}

    text = suggested(tmp_path, output="yaml", thresholds=["lost"], **often)

    comments = [line for line in text.splitlines() if re.search("# (suggested|建议) ", line)]
    assert any("# 建议 " in line for line in comments)
    above = [
        line
        for line, below in itertools.pairwise(text.splitlines())
        if re.search("# (suggested|建议) ", line) and re.search("# (suggested|建议) ", below)
    ]
    assert [] == above
    assert "# suggested " in before


def test_nothing_is_written_unasked(folder: Path) -> None:
    """The folder is as it was."""
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}

    suggested(folder)
    suggested(folder, output="json")
    suggested(folder, output="yaml")

    assert before == {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_new_file_is_written_and_shown(folder: Path, tmp_path: Path) -> None:
    """What it prints is the difference; what it writes is what ``--format yaml`` prints."""
    out = tmp_path / "new.yml"

    text = suggested(folder, out=out)

    assert out.read_text() == suggested(folder, output="yaml")
    assert f"+++ {out}" in text
    assert "-      - { queues: [vip], above: 1m, clear: 30s }\n" in text
    assert text.endswith(f"{out}: written; try it before you use it: callmon backtest {out}\n")


def test_a_file_is_not_overwritten(folder: Path, tmp_path: Path) -> None:
    """Unless that is wanted."""
    out = tmp_path / "new.yml"
    out.write_text("mine")

    with pytest.raises(WrongRequestError, match="there already: another name, or --force"):
        suggested(folder, out=out)
    assert "mine" == out.read_text()

    suggested(folder, out=out, force=True)
    assert out.read_text().startswith("# Kept with care.\n")


def test_a_file_that_cannot_be_written_is_told(folder: Path, tmp_path: Path) -> None:
    """By its name."""
    with pytest.raises(UnwritableError, match=r"new\.yml: cannot be written"):
        suggested(folder, out=tmp_path / "nowhere" / "new.yml")


def test_json_holds_the_whole_ladder(folder: Path) -> None:
    """Every limit that was tried, what it gave on the days learnt from, and on the rest."""
    found = json.loads(suggested(folder, output="json", thresholds=["lost"]))

    assert {"times": 2, "per_s": 604_800.0} == found["wanted"]
    by_queue = {one["queue"]: one for one in found["findings"]}
    assert {"seldom", "silent", "support", "vip"} == set(by_queue)
    assert by_queue["seldom"]["suggested"] is None
    assert "few days" == by_queue["seldom"]["verdict"]
    support = by_queue["support"]
    assert [limit["written"] for limit in support["tried"]][:2] == ["95%", "90%"]
    assert 0.2 == support["now"]["limit"]
    assert support["now"]["alerts"] == next(
        limit["alerts"] for limit in support["tried"] if limit["written"] == "20%"
    )


def test_waits_are_seconds_in_json(folder: Path) -> None:
    """Base units, as everywhere."""
    found = json.loads(suggested(folder, output="json", queues=["vip"]))

    assert [60.0, 0.2] == [one["now"]["limit"] for one in found["findings"]]


def test_only_quieter_keeps_what_calls_less(tmp_path: Path) -> None:
    """A limit that would call more often than now is not suggested."""
    site(tmp_path, days=16, thresholds=THRESHOLDS.replace("above: 3m ", "above: 9m30s "))
    often = {"wanted": Wanted(2, DAY), "output": "json", "thresholds": ["long_wait"]}

    def changes(**asked: Any) -> set[str]:
        found = json.loads(suggested(tmp_path, **often, **asked))["findings"]
        return {one["queue"] for one in found if one["suggested"] is not None}

    assert {"support", "vip"} == changes()
    assert {"vip"} == changes(only_quieter=True)


def test_a_beginning_is_written_from_nothing(folder: Path, tmp_path: Path) -> None:
    """Four thresholds with limits from history; the result loads, whatever was there."""
    out = tmp_path / "begun.yml"

    text = suggested(folder, out=out, new=True)

    config = load_config(folder / "callmon.yml", {})
    thresholds = load_thresholds(out, {}, config).thresholds
    names = ["long_wait", "high_abandonment", "low_service_level", "many_waiting"]
    assert names == [one.name for one in thresholds]
    assert "+# Begun by callmon suggest." in text
    assert "# suggested " in out.read_text()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"thresholds": ["long"]}, "no 'long' here; did you mean 'long_wait'"),
        ({"queues": ["vpi"]}, "no 'vpi' here; did you mean 'vip'"),
        ({"since": "2027-01-01"}, "nothing happened in that time"),
    ],
)
def test_what_is_not_there_is_told(folder: Path, asked: dict[str, Any], message: str) -> None:
    """With what there is."""
    with pytest.raises(NothingFoundError, match=message):
        suggested(folder, **asked)


def test_no_threshold_means_a_beginning(tmp_path: Path) -> None:
    """A file without any is told how to get some."""
    site(tmp_path, days=2, thresholds="thresholds: []\n")

    with pytest.raises(
        NothingFoundError, match=r"no threshold in .*thresholds.yml: begin with --new"
    ):
        suggested(tmp_path)
    assert "long_wait" in suggested(tmp_path, new=True)


def test_a_clear_in_the_way_is_told(tmp_path: Path) -> None:
    """An override that sets a clear alone beside the suggested one: by hand, then."""
    override = "      - { queues: [support], clear: 1m }\n"
    site(
        tmp_path,
        days=16,
        thresholds=THRESHOLDS.replace("      # they", f"{override}      # they"),
    )

    with pytest.raises(CallmonError):
        suggested(tmp_path)


def test_patterns_choose_thresholds_and_queues(folder: Path) -> None:
    """As everywhere."""
    found = json.loads(suggested(folder, output="json", thresholds=["l*"], queues=["s*"]))[
        "findings"
    ]

    assert {"seldom", "silent", "support"} == {one["queue"] for one in found}
    assert {"long_wait", "lost"} == {one["threshold"] for one in found}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2/week", Wanted(2, WEEK)),
        ("1/day", Wanted(1, DAY)),
        ("3 / month", Wanted(3, 30 * DAY)),
        ("1/Week", Wanted(1, WEEK)),
        ("3/12h", Wanted(3, DAY // 2)),
    ],
)
def test_rates_are_read(text: str, wanted: Wanted) -> None:
    """So many in a time."""
    assert wanted == rate(text)


@pytest.mark.parametrize("text", ["", "2", "often", "0/week", "2/0s", "2/fortnight", "-1/day"])
def test_a_rate_that_means_nothing_is_told(text: str) -> None:
    """With examples."""
    with pytest.raises(ValueError, match="such as 2/week, 1/day or 3/12h"):
        rate(text)


def test_fields_of_the_request_are_those_of_the_command_line() -> None:
    """What click hands over has a place."""
    from callmon.cli.suggest import suggest  # noqa: PLC0415 - beside what it is compared with

    names = {option.name for option in suggest.params} - {"progress"}
    assert {field.name for field in dataclasses.fields(SuggestRequest)} == names


def test_a_name_that_may_stand_in_no_file_is_left_out(tmp_path: Path) -> None:
    """It moves no cursor, and does not keep the others from their limits."""
    site(tmp_path, days=16)
    log = tmp_path / "queue_log"
    log.write_text(log.read_text().replace("|seldom|", "|\x1b[31mred\u202e|"))
    out = tmp_path / "new.yml"

    text = suggested(tmp_path, out=out)

    assert "?[31mred?" in text
    assert {"\x1b", "\u202e"}.isdisjoint(text + out.read_text())
    assert "# suggested" in out.read_text()
