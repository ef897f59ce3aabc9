"""Tests of what is printed: the table, JSON, and JUnit's XML."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

from callmon.console.text import text_width
from callmon.scenario import Request, try_scenarios
from callmon.testing import ManualClock
from callmon.wording import Language
from tests.scenario.stages import stage, write_scenario

STEPS = (
    "at 10:00:00 caller 7 joins support",
    "by 10:00:05 long_wait(support) fires",
    "at 10:00:03 long_wait(support) fires critical",
)

SUITE = {"name", "tests", "failures", "errors", "time"}
CASE = {"name", "classname", "time"}


def test_the_table_tells_what_held_and_what_did_not(tmp_path: Path) -> None:
    """A sign for each sentence, when it came about, and below what did not hold why."""
    stage(tmp_path)
    path = write_scenario(tmp_path, *STEPS)

    tested = try_scenarios(Request(files=[path], timeline=True, timed=True), {}, ManualClock())

    told = "it fired warning at 10:00:04, 1s later; longest_wait was 4s, limit 3s"
    assert not tested.held
    assert [
        f"{path}",
        "  ✗ tried  Mon 2026-11-23, UTC",
        "      ✓ by 10:00:05 long_wait(support) fires           at 10:00:04",
        "      ✗ at 10:00:03 long_wait(support) fires critical",
        f"          line 8: {told}",
        "      what happened:",
        "        - at 10:00:04 long_wait(support) fires warning",
        "        - at 10:00:04 long_wait(group all_lines) fires warning",
        "",
        "1 of 1 scenario failed; 1 of 2 expectations held, in 0 ms",
    ] == tested.text.splitlines()


def test_the_table_is_told_in_chinese(tmp_path: Path) -> None:
    """Sentences stay what they are; what became of them stands in columns all the same."""
    stage(tmp_path)
    path = write_scenario(tmp_path, *STEPS)
    path.write_text(path.read_text().replace("name: tried", "name: 等待"))
    request = Request(files=[path], timeline=True, timed=True, language=Language.CHINESE)

    tested = try_scenarios(request, {}, ManualClock())

    assert [
        f"{path}",
        "  ✗ 等待  2026-11-23 周一，UTC",
        "      ✓ by 10:00:05 long_wait(support) fires           于 10:00:04",
        "      ✗ at 10:00:03 long_wait(support) fires critical",
        "          第 8 行：10:00:04 触发警告，晚了 1s；当时最长等待为 4s，限值 3s",
        "      实际发生：",
        "        - at 10:00:04 long_wait(support) fires warning",
        "        - at 10:00:04 long_wait(group all_lines) fires warning",
        "",
        "1 个场景中 1 个不符合；2 项预期中 1 项符合，用时 0 毫秒",
    ] == tested.text.splitlines()


def test_programs_are_told_the_same_in_any_language(tmp_path: Path) -> None:
    """JSON and JUnit's XML are read by what others have written."""
    stage(tmp_path)
    path = write_scenario(tmp_path, *STEPS)

    english, chinese = (
        try_scenarios(
            Request(files=[path], output="json", language=language), {}, ManualClock()
        )
        for language in Language
    )

    assert english == chinese


def test_all_that_can_be_told_is_told_in_chinese(tmp_path: Path) -> None:
    """No sentence about what was instead falls back to English."""
    stage(tmp_path)
    path = write_scenario(
        tmp_path,
        "at 10:00:00 2 callers join support",
        "at 10:00:00 crowd(support) is ok",
        "at 10:00:01 nothing is firing",
        "at 10:00:01 nothing fires",
        "at 10:00:01 waiting(support) is 3",
        "at 10:00:01 abandonment_rate(support, 10s) is 50%",
        "at 10:00:01 waiting(support) is absent",
        "at 10:00:01 lost_calls(support) fires",
        "at 10:00:02 2 callers in support hang up",
        "at 10:00:03 long_wait(support) is ok",
        "at 10:00:03 long_wait(support) ends",
        "at 10:00:03 long_wait(support) escalates to critical",
        "at 10:00:03 night(billing) fires",
        "at 10:00:04 feed log goes blind",
        "at 10:00:04 feed live goes blind",
        "at 10:00:05 crowd(support) is firing",
        more="    strict: true\n",
    )

    request = Request(files=[path], language=Language.CHINESE)
    lines = try_scenarios(request, {}, ManualClock()).text.splitlines()

    told = [line for line in lines[2:-2] if "✗" not in line and "✓" not in line]
    assert [
        "第 8 行：10:00:00 时告警中（firing），提示：排队等待为 2，条件是高于 1",
        "第 9 行：crowd(support) 提示",
        "第 10 行：10:00:00 crowd(support) 触发提示",
        "第 11 行：实际为 2",
        "第 12 行：没有数值（absent）：没有可统计的对象",
        "第 13 行：实际为 2",
        "第 14 行：10:00:02 触发警告，晚了 1s；当时放弃率为 100%，限值 50%",
        "第 17 行：没有结束；10:00:03 时正常（ok）：最长等待为 0s，没有高于 3s",
        "第 18 行：没有升级；10:00:03 时正常（ok）：最长等待为 0s，没有高于 3s",
        "第 19 行：没有触发；10:00:03 时不在生效时段 nights 之内（off）",
        "第 22 行：10:00:05 时没有数值：数据源中断",
        "第 4 行：10:00:00 crowd(support) 触发提示",
        "10:00:02 lost_calls(support) 触发警告",
    ] == [line.strip() for line in told]
    place, below = (line.partition("10:00:0")[0] for line in told[-2:])
    assert text_width(place) == text_width(below)


def test_colour_is_all_that_it_adds(tmp_path: Path) -> None:
    """Without its codes the coloured table is the plain one."""
    stage(tmp_path)
    path = write_scenario(tmp_path, *STEPS)

    plain, coloured = (
        try_scenarios(Request(files=[path], colour=colour), {}, ManualClock()).text
        for colour in (False, True)
    )

    for code in ("\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[1;31m"):
        assert code in coloured
        coloured = coloured.replace(code, "")
    assert plain == coloured


def test_json_has_all_of_it(tmp_path: Path) -> None:
    """Every expectation with its line, and the timeline with instants in UTC."""
    stage(tmp_path)
    path = write_scenario(tmp_path, *STEPS)

    tested = try_scenarios(Request(files=[path], output="json"), {}, ManualClock())

    found = json.loads(tested.text)
    (scenario,) = found["scenarios"]
    assert (False, False) == (found["held"], scenario["held"])
    assert ("tried", "2026-11-23", "UTC", 0) == (
        *(scenario[key] for key in ("name", "day", "timezone")),
        scenario["took_s"],
    )
    assert [(7, True, "at 10:00:04"), (8, False, scenario["expectations"][1]["told"])] == [
        (one["line"], one["held"], one["told"]) for one in scenario["expectations"]
    ]
    assert {
        "at": "2026-11-23T10:00:04Z",
        "text": "at 10:00:04 long_wait(support) fires warning",
    } == scenario["timeline"][0]


def test_junit_is_what_a_ci_reads(tmp_path: Path) -> None:
    """Suites, cases and failures with the attributes of JUnit's schema, and nothing else."""
    stage(tmp_path)
    path = write_scenario(tmp_path, *STEPS)
    path.write_text(path.read_text().replace("name: tried", "name: '<a> & \"b\" 等待'"))

    tested = try_scenarios(Request(files=[path]), {}, ManualClock())

    root = ET.fromstring(tested.junit)  # our own text
    assert ("testsuites", SUITE) == (root.tag, set(root.keys()))
    (suite,) = root
    assert ("testsuite", SUITE, str(path)) == (suite.tag, set(suite.keys()), suite.get("name"))
    assert ("1", "1", "0") == (suite.get("tests"), suite.get("failures"), suite.get("errors"))
    (case,) = suite
    assert ("testcase", CASE) == (case.tag, set(case.keys()))
    assert '<a> & "b" 等待' == case.get("name")
    failure, out = case
    assert ("failure", {"type", "message"}) == (failure.tag, set(failure.keys()))
    assert f"{path}:8: at 10:00:03 long_wait(support) fires critical" in (failure.text or "")
    assert "system-out" == out.tag
    assert b"<?xml version='1.0' encoding='utf-8'?>" == tested.junit.splitlines()[0]
