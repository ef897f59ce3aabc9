"""Tests of what is printed: the table, JSON, and JUnit's XML."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

from callmon.scenario import Request, try_scenarios
from callmon.testing import ManualClock
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
