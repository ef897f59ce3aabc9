"""Tests of whole scenarios: what happens in them, and what is said of what was expected."""

import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from callmon.errors import ConfigError
from callmon.scenario import NothingToTestError, Request, try_scenarios
from callmon.testing import ManualClock
from tests.scenario.stages import stage, tried, write_scenario


def told(folder: Path, *steps: str, more: str = "") -> list[str]:
    """Return what is said of the expectations among *steps* that failed."""
    return [one.told for one in tried(folder, *steps, more=more).verdicts if not one.held]


LONG_WAIT = (
    "at 10:00:00 caller 7 joins support",
    "at 10:00:03 long_wait(support) is pending",
    "at 10:00:04 long_wait(support) fires warning",
    "at 10:00:05 long_wait(support) is firing warning",
    "at 10:00:07 long_wait(support) escalates to critical",
    "at 10:00:08 caller 7 is answered by Ann",
    "at 10:00:08 long_wait(support) is keeping",
    "at 10:00:10 long_wait(support) ends recovered",
    "at 10:00:10 long_wait(support) is ok",
)


def test_a_whole_alert_is_followed(tmp_path: Path) -> None:
    """It is pending, fires, is escalated, kept, and ends; each at its instant."""
    result = tried(tmp_path, *LONG_WAIT)

    assert [] == [one for one in result.verdicts if not one.held]
    assert ["at 10:00:04 long_wait(support) fires warning"] == [
        happened.text for happened in result.timeline if "(support) fires" in happened.text
    ]


@pytest.mark.parametrize("turn", [2, 4, 7])
@pytest.mark.parametrize("off", [-1, 1])
def test_a_microsecond_beside_is_wrong(tmp_path: Path, turn: int, off: int) -> None:
    """An alert that comes a microsecond sooner or later than expected is not that alert."""
    steps = list(LONG_WAIT)
    time = dt.datetime.strptime(steps[turn][3:11], "%H:%M:%S").replace(tzinfo=dt.UTC)
    moved = time + dt.timedelta(microseconds=off)
    steps[turn] = f"at {moved:%H:%M:%S.%f}{steps[turn][11:]}"

    result = tried(tmp_path, *steps)

    assert [steps[turn]] == [one.text for one in result.verdicts if not one.held]


def test_what_was_instead_is_said(tmp_path: Path) -> None:
    """When it did come, by how much beside, and what was measured then."""
    join = "at 10:00:00 caller 7 joins support"

    assert ["it fired warning at 10:00:04, 1s later; longest_wait was 4s, limit 3s"] == told(
        tmp_path, join, "by 10:00:03 long_wait(support) fires", "at 10:00:20 the day begins"
    )
    assert ["it fired warning at 10:00:04, 1s earlier; longest_wait was 4s, limit 3s"] == told(
        tmp_path, join, "at 10:00:05 long_wait(support) fires"
    )
    assert ["it fired warning at 10:00:04; longest_wait was 4s, limit 3s"] == told(
        tmp_path, join, "by 10:00:05 long_wait(support) fires critical"
    )
    pending = "it was pending since 10:00:03: longest_wait was 3s, above 3s must last 1s"
    assert [f"it did not fire; at 10:00:03 {pending}"] == told(
        tmp_path, join, "by 10:00:03 long_wait(support) fires"
    )
    assert [
        "it did not fire; at 10:00:02 it was ok: longest_wait was 2s, not above 3s"
    ] == told(tmp_path, join, "at 10:00:02 long_wait(support) fires")
    assert ["it fired warning at 10:00:04; longest_wait was 4s, limit 3s"] == told(
        tmp_path, join, "until 10:00:04 long_wait(support) does not fire"
    )


def test_why_it_did_not_fire_is_said(tmp_path: Path) -> None:
    """Off, blind, nobody in the base, too few of them: each in words."""
    assert ["it did not fire; at 12:00:00 it was off, outside nights"] == told(
        tmp_path, "at 11:59 caller 7 joins billing", "at 12:00 night(billing) fires"
    )
    nobody = "there was no value: nobody is in the base"
    assert [f"it did not fire; at 10:00:01 {nobody}"] == told(
        tmp_path, "at 10:00 caller 7 joins support", "at 10:00:01 lost_calls(support) fires"
    )
    few = "abandonment_rate was 100% (1 of 1), but of 1, fewer than at_least 2"
    assert [f"it did not fire; at 10:00:02 it was ok: {few}"] == told(
        tmp_path,
        "at 10:00 a caller joins support and hangs up after 1s",
        "at 10:00:02 lost_calls(support) fires",
    )
    blind = "there was no value: its feeds were blind"
    assert [f"at 10:00:02 {blind}"] == told(
        tmp_path,
        "at 10:00:00 caller 7 joins support",
        "at 10:00:01 feed log goes blind",
        "at 10:00:01 feed live goes blind",
        "at 10:00:02 crowd(support) is ok",
    )


def test_nothing_else_is_what_no_step_expects(tmp_path: Path) -> None:
    """One alert that is expected, and one that is not, wherever the former stands."""
    join = "at 10:00:00 2 callers join support"
    crowd = "at 10:00:00 crowd(support) fires"

    assert [] == told(tmp_path, join, "at 10:00:00 nothing else fires", crowd)
    assert ["crowd(support) fired info at 10:00:00"] == told(
        tmp_path, join, "at 10:00:00 nothing else fires"
    )
    assert ["crowd(support) fired info at 10:00:00"] == told(
        tmp_path, join, crowd, "at 10:00:00 nothing fires"
    )
    ended = "at 10:00:01 1 caller in support hangs up"
    assert [] == told(tmp_path, join, crowd, ended, "at 10:00:02 nothing else fires")
    assert [] == told(tmp_path, join, "between 10:00:02 and 10:00:03 nothing fires")
    assert [
        (
            "long_wait(support) fired warning at 10:00:04\n"
            "long_wait(group all_lines) fired warning at 10:00:04"
        )
    ] == told(tmp_path, join, crowd, "at 10:00:04 nothing else fires")


def test_a_strict_scenario_needs_no_such_step(tmp_path: Path) -> None:
    """With ``strict`` every alert has to be expected, up to the end."""
    steps = ("at 10:00:00 2 callers join support", "at 10:00:00 waiting(support) is 2")

    assert [] == told(tmp_path, *steps)
    assert ["crowd(support) fired info at 10:00:00"] == told(
        tmp_path, *steps, more="    strict: true\n"
    )


def test_what_stood_then_counts_whatever_became_of_it(tmp_path: Path) -> None:
    """An alert that has ended by the end of the scenario stood all the same."""
    steps = (
        "at 10:00:00 2 callers join support",
        "at 10:00:01 nothing is firing",
        "at 10:00:02 2 callers in support are answered",
        "at 10:00:03 nothing is firing",
    )

    assert ["crowd(support) info"] == told(tmp_path, *steps)


def test_fires_again_is_another_time(tmp_path: Path) -> None:
    """An expectation takes the alert that fulfils it: the next one needs another."""
    twice = (
        "at 10:00:00 2 callers join support and are answered after 2s",
        "at 10:00:00 crowd(support) fires",
        "at 10:00:02 crowd(support) ends",
    )
    more = "at 10:01:00 2 callers join support and are answered after 2s"
    again = "by 10:02:00 crowd(support) fires again"

    assert [] == told(tmp_path, *twice, more, again)
    assert ["it did not fire; at 10:02:00 it was ok: waiting was 0, not above 1"] == told(
        tmp_path, *twice, again
    )
    assert [] == told(tmp_path, *twice, "by 10:02:00 crowd(support) does not fire again")
    assert [] != told(tmp_path, *twice, more, "by 10:02 crowd(support) does not fire again")


def test_values_are_exact(tmp_path: Path) -> None:
    """A share, a count and a wait are what they are; about is as near as it is written."""
    three = "at 10:00:00 3 callers join support"
    one = "at 10:00:01 1 caller in support hangs up"
    two = "at 10:00:02 2 callers in support are answered"

    def tried_value(expected: str) -> list[str]:
        return told(tmp_path, three, one, two, f"at 10:00:02 {expected}")

    assert [] == tried_value("waiting(support) is 0")
    assert [] == tried_value("abandonment_rate(support, 15m) is about 33.3%")
    assert [] == tried_value("abandonment_rate(support, 15m) is about 33%")
    assert [] != tried_value("abandonment_rate(support, 15m) is about 33.4%")
    assert ["it was about 33.3% (1 of 3)"] == tried_value(
        "abandonment_rate(support, 15m) is 33%"
    )
    assert [] == tried_value("max_wait(support, 5m) is 2s")
    assert [] == tried_value("max_wait(support, 5m) is at least 2s")
    assert [] != tried_value("max_wait(support, 5m) is above 2s")
    assert [] == tried_value("average_wait(support, today) is at most 2s")
    assert [] == tried_value("abandonment_rate(group all_lines, 15m) is below 50%")


@pytest.mark.parametrize(("wait", "held"), [("2500ms", True), ("2.500001s", False)])
def test_about_is_half_a_step_on_either_side(tmp_path: Path, wait: str, *, held: bool) -> None:
    """2.5 s is about 2 s, and a microsecond more is not."""
    result = tried(
        tmp_path,
        f"at 10:00 a caller joins support and is answered after {wait}",
        "at 10:01 max_wait(support, 5m) is about 2s",
    )

    assert held is result.held


def test_what_is_not_known_is_absent(tmp_path: Path) -> None:
    """Neither 0 nor 100 %: where there is no base and while it is blind."""
    started = "at 10:00 the day begins"

    assert [] == told(tmp_path, started, "at 10:00 service_level(support, 5m) is absent")
    assert ["it was absent: there was nothing to measure"] == told(
        tmp_path, started, "at 10:00 service_level(support, 5m) is 100%"
    )
    assert ["it was 0"] == told(tmp_path, started, "at 10:00 waiting(support) is absent")
    assert [] == told(
        tmp_path,
        "at 10:00 feed log goes blind",
        "at 10:00 feed live goes blind",
        "at 10:00 waiting(support) is absent",
        "at 10:01 feed log comes back",
        "at 10:01 waiting(support) is 0",
    )


def test_every_way_of_leaving_counts_as_what_it_is(tmp_path: Path) -> None:
    """Each verb has its outcome, and a caller who is moved waits elsewhere."""
    ways = {
        "is answered": "answered",
        "hangs up": "abandoned",
        "times out": "timeout",
        "presses a key": "key_exit",
        "finds no agent": "empty",
        "cannot be connected": "failed",
        "is redirected": "redirected",
        "is withdrawn": "withdrawn",
    }
    joins = [f"at 10:00 caller {n} joins billing" for n in range(9)]
    leaves = [f"at 10:00:01 caller {n} {way}" for n, way in enumerate(ways)]
    counts = [f"at 10:00:02 {outcome}(billing, 5m) is 1" for outcome in ways.values()]
    counts[6] = "at 10:00:02 redirected(billing, 5m) is 2"

    assert [] == told(
        tmp_path,
        *joins,
        *leaves,
        "at 10:00:02 caller 8 is moved to 'sales north'".replace("'", '"'),
        *counts,
        'at 10:00:02 waiting("sales north") is 1',
        "at 10:00:02 waiting(billing) is 0",
    )


def test_talks_end_when_it_is_said(tmp_path: Path) -> None:
    """By the caller, after a while, or with the telephone system."""
    assert [] == told(
        tmp_path,
        "at 10:00:00 callers 1 to 4 join support",
        "at 10:00:01 caller 1 is answered and talks for 4s",
        "at 10:00:01 callers 2 to 4 are answered",
        "at 10:00:01 talking(support) is 4",
        "at 10:00:02 caller 2 hangs up",
        "at 10:00:03 caller 3 stops talking",
        "at 10:00:05 talking(support) is 1",
        "at 10:00:05 average_talk(support, 5m) is about 2333ms",
        "at 10:00:06 source pbx restarts",
        "at 10:00:06 talking(support) is 0",
    )


def test_agents_are_what_they_do(tmp_path: Path) -> None:
    """Who logs in is free, who is called is busy, and who pauses is neither."""
    assert [] == told(
        tmp_path,
        "at 10:00:00 agents 1 to 3 log in to support and billing",
        "at 10:00:00 agents_available(support) is 3",
        "at 10:00:01 caller 7 joins support",
        "at 10:00:01 unserved(support) is 1",
        "at 10:00:02 caller 7 is answered by 1",
        "at 10:00:02 agents_busy(billing) is 1",
        "at 10:00:02 agents_busy(group all_lines) is 1",
        "at 10:00:03 caller 7 hangs up",
        "at 10:00:03 agent 1 wraps up for 5s",
        "at 10:00:07 agents_wrapup(support) is 1",
        "at 10:00:08 agents_available(support) is 3",
        "at 10:00:09 agents 2 to 3 pause for lunch",
        "at 10:00:09 agents_paused(support) is 2",
        "at 10:00:10 agent 1 logs out of support",
        "at 10:00:10 agents_staffed(support) is 2",
        "at 10:00:10 agents_staffed(billing) is 3",
        "at 10:00:10 agent 1 pauses",
        "at 10:00:11 nobody_free(billing) fires",
        "at 10:00:12 agent 2 comes back",
        "at 10:00:12 nobody_free(billing) ends",
        "at 10:00:13 agent 2 is ringing",
        "at 10:00:13 agents_ringing(support) is 1",
    )


def test_callers_are_spread_evenly_and_the_end_is_left_out(tmp_path: Path) -> None:
    """Ten in ten seconds are one a second; every second for ten seconds are ten as well."""
    for come in (
        "10 callers join support between 10:00:00 and 10:00:10",
        "every 1s from 10:00:00 to 10:00:10 a caller joins support",
    ):
        assert [] == told(
            tmp_path,
            come,
            "at 10:00:00 waiting(support) is 1",
            "at 10:00:08.999999 waiting(support) is 9",
            "at 10:00:09 waiting(support) is 10",
            "at 10:00:10 waiting(support) is 10",
        )


def test_who_has_waited_longest_goes_first(tmp_path: Path) -> None:
    """Of callers without names the next to be answered is the oldest."""
    assert [] == told(
        tmp_path,
        "at 10:00:00 a caller joins support",
        "at 10:00:05 a caller joins support",
        "at 10:00:06 1 caller in support is answered",
        "at 10:00:06 longest_wait(support) is 1s",
    )


def test_calls_come_from_the_source_of_their_queue(tmp_path: Path) -> None:
    """While the feed of one source is blind, queues of the other are seen."""
    (tmp_path / "thresholds.yml").write_text("{}")
    (tmp_path / "callmon.yml").write_text(
        "feeds: {a: {type: queue_log, path: a}, b: {type: queue_log, path: b}}\n"
        "storage: {directory: state}\n"
        "queues: {north: {}, south: {from: [{source: b, name: '7'}]}}\n"
    )

    assert [] == told(
        tmp_path,
        "at 10:00 caller 1 joins north",
        "at 10:00 caller 2 joins south",
        "at 10:00 waiting(south) is 1",
        "at 10:01 feed b goes blind",
        "at 10:01 waiting(north) is 1",
        "at 10:01 waiting(south) is absent",
        "at 10:02 feed b comes back",
        "at 10:02 source b restarts",
        "at 10:02 waiting(north) is 1",
        "at 10:02 waiting(south) is 0",
    )


def test_times_are_local_and_may_be_of_the_next_day(tmp_path: Path) -> None:
    """``today`` is new at the midnight of the queue's zone; nights go on after it."""
    assert [] == told(
        tmp_path,
        "at 23:59 a caller joins billing and hangs up after 30s",
        "at 23:59 night(billing) fires",
        "at 23:59:59 abandoned(billing, today) is 1",
        "at 24:00 abandoned(billing, today) is 0",
        "on 2026-11-24 at 05:59 caller 7 joins billing",
        "on 2026-11-24 at 05:59 night(billing) fires",
        "on 2026-11-24 at 06:00 night(billing) ends closed",
    )


BERLIN = "timezone: Europe/Berlin\n"


@pytest.mark.parametrize(
    ("step", "column"),
    [
        ("at 02:30 caller 7 joins support", 13),
        ("caller 7 joins support at 02:00", 36),
        ("between 01:30 and 02:59:59 nothing fires", 28),
        ("on 2026-03-29 by 02:30 nothing fires", 27),
    ],
)
def test_times_that_the_clocks_skip_are_mistakes(
    tmp_path: Path, step: str, column: int
) -> None:
    """The night in which summer time begins has no such time: nothing would happen then."""
    with pytest.raises(ConfigError) as raised:
        tried(
            tmp_path, step, "at 23:00 nothing fires", more="    day: 2026-03-29\n", head=BERLIN
        )

    (problem,) = raised.value.problems
    assert problem.startswith(f"{tmp_path}/scenario.yml:8:{column}:"), problem
    assert problem.endswith("on 2026-03-29 in Europe/Berlin: clocks go from 02:00 to 03:00")


def test_the_hour_around_a_change_of_clocks_has_its_length(tmp_path: Path) -> None:
    """A minute before the skip and a minute after it are two; a repeated time is the first."""
    for day, steps in {
        "2026-03-29": (
            "at 01:59 caller 7 joins support",
            "at 03:01 longest_wait(support) is 2m",
        ),
        "2026-10-25": (
            "at 01:59 caller 7 joins support",
            "at 02:59 longest_wait(support) is 1h",
            "at 03:00 longest_wait(support) is 2h1m",
        ),
    }.items():
        result = tried(tmp_path, *steps, more=f"    day: {day}\n", head=BERLIN)
        assert [] == [one.told for one in result.verdicts if not one.held]


IMPOSSIBLE = {
    "at 10:00 caller 7 hangs up": "caller 7 waits nowhere then",
    "at 10:00 2 callers in support hang up": "nobody more waits in support then",
    "at 10:00 caller 7 stops talking": "caller 7 talks nowhere then",
    "at 10:00 agent Ann pauses": "agent Ann is not logged in then",
    "at 10:00 caller 7 joins suport": "unknown queue 'suport'; did you mean 'support'?",
    "at 10:00 feed lgo goes blind": "unknown feed 'lgo'; did you mean 'log'?",
    "at 10:00 source pbz restarts": "unknown source 'pbz'; did you mean 'pbx'?",
    "at 10:00 long_wiat(support) fires": "unknown threshold 'long_wiat'; did you mean",
    "at 10:00 longest_wait(support) fires": "'longest_wait' is a measure; expected a threshold",
    "at 10:00 long_wait(support) is 3": "'long_wait' is a threshold; expected a measure",
    "at 10:00 night(support) fires": "night does not watch queue support; it watches billing",
    "at 10:00 long_wait(group lines) fires": "unknown group 'lines'; did you mean 'all_lines'?",
    "at 10:00 wating(support) is 3": "unknown measure 'wating'; did you mean 'waiting'?",
    "at 10:00 最长等待(support) is 3s": "'最长等待'; did you mean 'longest_wait'?",
    "at 10:00 answer_rate(support, 5m) is 20％": "found '20％'; did you mean '20%'?",
    "at 10:00 waiting(support, 5m) is 3": "waiting is of now and has no window",
    "at 10:00 arrived(support) is 3": "expected a window, such as arrived(support, 15m)",
    "at 10:00 answer_rate(support, 5m) is 3": "a bare 3 is ambiguous for a share: write 3%",
    "at 10:00 longest_wait(support) is 3": "a duration needs a unit: write 3s",
    "at 10:00 long_wait(support, 5m) fires": "a threshold has its window in thresholds.yml",
}


@pytest.mark.parametrize("step", IMPOSSIBLE)
def test_what_cannot_be_is_a_mistake_of_the_file(tmp_path: Path, step: str) -> None:
    """With file, line and column of the word, and what there is instead."""
    with pytest.raises(ConfigError) as raised:
        tried(tmp_path, step, "at 23:00 nothing fires")

    (problem,) = raised.value.problems
    assert problem.startswith(f"{tmp_path}/scenario.yml:6:"), problem
    assert IMPOSSIBLE[step] in problem


def test_files_without_sense_are_refused_whole(tmp_path: Path) -> None:
    """No day, no name, nothing expected, a mapping for a sentence: all in one pass."""
    stage(tmp_path)
    path = tmp_path / "scenario.yml"
    path.write_text(
        "config: callmon.yml\n"
        "scenarios:\n"
        "  - steps: [at 10:00 nothing fires]\n"
        "  - {name: b, day: 2026-02-30, steps: [at 10:00 nothing fires]}\n"
        "  - {name: c, day: 2026-02-03, steps: [at 10:00 caller 7 joins support]}\n"
        "  - name: c\n"
        "    day: 2026-02-03\n"
        "    stict: true\n"
        "    steps:\n"
        "      - at 10:00: caller 7 joins support\n"
    )

    with pytest.raises(ConfigError) as raised:
        try_scenarios(Request(files=[path]), {}, ManualClock())

    found = [problem.removeprefix(f"{path}:") for problem in raised.value.problems]
    assert [
        (
            "3:5: scenarios[0]: expected a day, such as day: 2026-11-23,"
            " here or above scenarios:, found none"
        ),
        "3:5: scenarios[0]: expected name: and what is tried, found no 'name'",
        "4:20: scenarios[1].day: expected a day such as 2026-11-23, found '2026-02-30'",
        (
            "5:32: scenarios[2].steps: expected a step that expects something, found none;"
            " such as 'by 10:03:30 long_wait(support) fires'"
        ),
        "6:11: scenarios[3].name: duplicate name 'c' (first at line 5)",
        "8:5: scenarios[3].stict: unknown key 'stict'; did you mean 'strict'?",
        (
            "10:9: scenarios[3].steps[0]: expected a sentence such as"
            " 'at 10:00 caller 7 joins support', found a mapping;"
            " no ': ' in a sentence, or quotes around it"
        ),
    ] == found


def test_scenarios_are_chosen_by_name_and_by_folder(tmp_path: Path) -> None:
    """Every file of a folder is played, and of those what has the name in it."""
    stage(tmp_path)
    path = write_scenario(tmp_path, *LONG_WAIT)
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "b.yml").write_text(path.read_text().replace("callmon.yml", "../callmon.yml"))
    request = Request(files=[path, folder], name="TRI", timeline=True, timed=True)

    tested = try_scenarios(request, {}, ManualClock())

    assert tested.held
    assert "2 scenarios: all 14 expectations held, in 0 ms" in tested.text
    with pytest.raises(
        NothingToTestError, match="no scenario has 'tired' in its name; did you"
    ):
        try_scenarios(dataclasses.replace(request, name="tired"), {}, ManualClock())
    (folder / "b.yml").unlink()
    with pytest.raises(NothingToTestError, match=r"expected files ending in \.yml, found none"):
        try_scenarios(Request(files=[folder]), {}, ManualClock())


@pytest.mark.timeout(20)
def test_ten_thousand_callers_come_and_go_in_seconds(tmp_path: Path) -> None:
    """Who has waited for longest is not sought among all callers each time."""
    result = tried(
        tmp_path,
        "at 10:00:00 10000 callers join support",
        "at 10:00:01 10000 callers in support are answered",
        "at 10:00:02 10000 callers in support stop talking",
        "at 10:00:03 talking(support) is 0",
    )

    assert [] == [one for one in result.verdicts if not one.held]


@pytest.mark.parametrize("count", ["9" * 5_000, "callers 1 to " + "9" * 5_000])
def test_a_number_of_thousands_of_digits_is_a_mistake(tmp_path: Path, count: str) -> None:
    """Python does not read such a number; it is refused as one that is too great."""
    who = count if count.startswith("callers") else f"{count} callers"

    with pytest.raises(ConfigError, match="expected a"):
        tried(tmp_path, f"at 10:00 {who} join support", "at 10:01 nothing fires")
