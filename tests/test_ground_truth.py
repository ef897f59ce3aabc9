"""Replays of recorded logs against figures that were worked out independently of callmon.

The logs are not ours to publish; the folder is named by ``CALLMON_DATA``. What is defined
differently there and here is asserted in both ways, in the tests named ``..._both_ways``;
docs/administrators/replay.md explains each to administrators.
"""

import contextlib
import csv
import functools
import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from callmon.clock import SECOND, Micros
from callmon.engine import EngineSettings
from callmon.queues import Overflow
from callmon.replay import (
    DAY,
    Cohort,
    ReplayRequest,
    TalliedState,
    play,
    replay_text,
    report_settings,
)
from callmon.rules import SubjectKind

BANK = "anonymous_bank_1999_02/derived_queue_log.gz"
RING_ALL = "asterisk_queue_log_ringall_2010/queue_log"
REALTIME = "asterisk_queue_log_realtime_db_2023/queue_log"

HOUR: Micros = 3_600 * SECOND
SHORT: Micros = 5 * SECOND

Json = dict[str, Any]

SERVICE_LEVELS = {
    "sl_answered_over_offered": "abandons_negative",
    "sl_answered_over_answered": "answered_only",
    "sl_answered_over_offered_minus_short_abandons": "abandons_ignored",
    "sl_answered_plus_abandoned_within_over_offered": "abandons_positive",
}
"""Their name of a formula and ours. Their "short" abandons are those within the target."""

NOT_OF_THE_LOG = {"enterqueue", "note", "short_abandon_s", "threshold_s"}


@contextlib.contextmanager
def quiet(_length: int) -> Iterator[Callable[[int], None]]:
    """Show no progress."""
    yield lambda _read: None


@functools.cache
def replayed(file: Path, **asked: Any) -> Json:
    """Return what ``callmon replay --format json`` prints."""
    request = ReplayRequest(files=(file,), output="json", **asked)
    report: Json = json.loads(replay_text(request, {}, quiet))
    return report


def truth(data: Path, log: str) -> Json:
    """Return the figures worked out for *log*."""
    figures: Json = json.loads((data / log).with_name("ground_truth.json").read_text())
    return figures


def rows(data: Path, log: str, name: str) -> list[dict[str, str]]:
    """Return a table of figures worked out for *log*."""
    with (data / log).with_name(name).open(newline="") as file:
        return list(csv.DictReader(file))


def exact(figure: Json | None, digits: int) -> float | None:
    """Return the figure rounded to as many digits as theirs has."""
    return None if figure is None else round(figure["value"], digits)


def rates(shown: Json) -> Json:
    """Return our rates by their names, where short abandons are off."""
    return {
        "offered": shown["offered"],
        "abandonment_rate": exact(shown["abandonment_rate"], 6),
        "answer_rate": exact(shown["answer_rate"], 6),
        **{
            theirs: exact(shown["service_level"][ours], 6)
            for theirs, ours in SERVICE_LEVELS.items()
        },
    }


def waits(shown: Json) -> Json:
    """Return our waits of one outcome by their names."""
    if not shown["count"]:
        return {"n": 0}
    figures = {"n": shown["count"], "mean": exact(shown["mean"], 4)}
    figures |= {name: shown[name] for name in ("min", "max")}
    for percent in (50, 80, 90, 95, 99):
        figures[f"p{percent}"] = round(shown[f"p{percent}_interpolated"], 4)
    for percent in (50, 90, 95):
        figures[f"p{percent}_nearest_rank"] = shown[f"p{percent}"]
    return figures


def all_figures(file: Path, subject: tuple[str, ...], within: Micros) -> Json:
    """Return every figure of theirs, as ours, for the queue or total at *subject*.

    Theirs counts answered and abandoned only: what we show as ``without_overflow``.
    """

    def found(**asked: Any) -> Json:
        shown = replayed(file, **{"within": within, **asked})
        for key in subject:
            shown = shown[key]
        return shown

    plain, short, strict = found(), found(short_abandon=SHORT), found(within=within - 1)
    return {
        **rates(plain["without_overflow"]),
        "answered": plain["answered"],
        "abandoned": plain["abandoned"],
        "answered_within_thr": plain["answered_within"],
        "answered_strictly_below_thr": strict["answered_within"],
        "abandoned_within_thr": plain["abandoned_within"],
        "abandoned_under_short": short["short_abandoned"],
        "abandonment_rate_excl_short": exact(short["without_overflow"]["abandonment_rate"], 6),
        "wait_answered": waits(plain["waits"]["answered"]),
        "wait_abandoned": waits(plain["waits"]["abandoned"]),
        "wait_all": waits(plain["waits"]["answered_and_abandoned"]),
    }


def outcomes(shown: Json) -> Json:
    """Return our counts by their names."""
    ours = {
        "answered": "answered",
        "abandoned": "abandoned",
        "timeout": "timeout",
        "exitempty": "empty",
        "exitkey": "key_exit",
        "still_waiting": "waiting",
    }
    return {theirs: shown[name] for theirs, name in ours.items()}


@pytest.mark.parametrize("within", [20, 30, 60])
def test_the_bank_in_february(data: Path, within: int) -> None:
    """Counts, rates, waits and all four service levels of 31,125 calls, to every digit."""
    expected = truth(data, BANK)[f"total_thr{within}"]

    found = all_figures(data / BANK, ("total",), within * SECOND)

    assert {key: expected[key] for key in expected.keys() - NOT_OF_THE_LOG} == found


@pytest.mark.parametrize("queue", ["IN", "NE", "NW", "PE", "PS", "TT"])
def test_each_queue_of_the_bank(data: Path, queue: str) -> None:
    """The same for every queue. Names ignore case: ours are in small letters."""
    expected = truth(data, BANK)["by_type"][queue]

    found = all_figures(data / BANK, ("queues", queue.lower()), 20 * SECOND)

    assert {key: expected[key] for key in expected.keys() - NOT_OF_THE_LOG} == found


def test_the_bank_day_by_day(data: Path) -> None:
    """Day figures are by arrival, and each day has its greatest number waiting at once."""
    report = replayed(data / BANK, cohort=Cohort.ARRIVAL, every=DAY)

    days = {
        day["from"].partition("T")[0]: {
            "offered": str(day["offered"]),
            "answered": str(day["answered"]),
            "abandoned": str(day["abandoned"]),
            "abandonment_rate": str(exact(day["abandonment_rate"], 6)),
            "mean_wait_answered": str(exact(day["waits"]["answered"]["mean"], 4)),
            "p90_wait_answered": str(round(day["waits"]["answered"]["p90_interpolated"], 4)),
            "max_wait_answered": str(day["waits"]["answered"]["max"]),
            "mean_wait_abandoned": str(exact(day["waits"]["abandoned"]["mean"], 4)),
            "answered_within_20s": str(day["answered_within"]),
            "abandoned_within_20s": str(day["abandoned_within"]),
            "sl20_over_offered": str(exact(day["service_level"]["abandons_negative"], 6)),
            "sl20_over_answered": str(exact(day["service_level"]["answered_only"], 6)),
            "sl20_minus_short_abandons": str(
                exact(day["service_level"]["abandons_ignored"], 6)
            ),
            "max_waiting_at_once": str(day["most_waiting"]),
        }
        for day in report["total"]["periods"]
    }
    expected = {
        day["date"]: {key: day[key] for key in days[day["date"]]}
        for day in rows(data, BANK, "ground_truth_daily.csv")
    }
    assert 28 == len(expected)
    assert expected == days


def hours_of_calls(data: Path, moment: Callable[[dict[str, str]], str]) -> list[Json]:
    """Count the bank's own list of calls by the hour of *moment*, without callmon."""
    hours: dict[tuple[str, int], list[tuple[bool, int]]] = {}
    with gzip.open((data / BANK).with_name("calls.tsv.gz"), "rt", newline="") as file:
        for call in csv.DictReader(file, delimiter="\t"):
            answered = call["outcome"] == "AGENT"
            if answered or (call["outcome"] == "HANG" and call["q_start"] != "0:00:00"):
                hour = call["date"], int(moment(call).partition(":")[0])
                hours.setdefault(hour, []).append((answered, int(call["q_time"])))
    return [
        {
            "date": date,
            "hour": str(hour),
            "offered": str(len(calls)),
            "answered": str(len(waited := [wait for answered, wait in calls if answered])),
            "abandoned": str(len(calls) - len(waited)),
            "answered_within_20s": str(sum(wait <= 20 for wait in waited)),
            "mean_wait_answered": str(round(sum(waited) / len(waited), 4)) if waited else "",
        }
        for (date, hour), calls in sorted(hours.items())
    ]


def test_hours_of_the_bank_both_ways(data: Path) -> None:
    """Hours are by arrival in the queue; theirs are by arrival at the bank's voice menu.

    The queue log does not know the menu. So the bank's own list of calls is counted in both
    ways: by the menu it gives their figures, by the queue it gives ours.
    """
    by_menu = hours_of_calls(data, lambda call: call["vru_entry"])
    by_queue = hours_of_calls(
        data,
        lambda call: call["vru_exit" if call["q_start"] == "0:00:00" else "q_start"],
    )

    report = replayed(data / BANK, cohort=Cohort.ARRIVAL, every=HOUR)

    hours = [
        {
            "date": hour["from"][:10],
            "hour": str(int(hour["from"][11:13])),
            "offered": str(hour["offered"]),
            "answered": str(hour["answered"]),
            "abandoned": str(hour["abandoned"]),
            "answered_within_20s": str(hour["answered_within"]),
            "mean_wait_answered": str(exact(hour["average_wait"], 4))
            if hour["answered"]
            else "",
        }
        for hour in report["total"]["periods"]
        if hour["offered"]
    ]
    assert rows(data, BANK, "ground_truth_hourly.csv") == by_menu
    assert by_queue == hours
    assert by_queue != by_menu


def test_days_by_end_and_by_arrival_both_ways(data: Path) -> None:
    """Three calls of that February waited past midnight: by end they are the next day's."""

    def days(cohort: Cohort) -> Counter[str]:
        report = replayed(data / BANK, cohort=cohort, every=DAY)
        return Counter({day["from"]: day["offered"] for day in report["total"]["periods"]})

    by_arrival, by_end = days(Cohort.ARRIVAL), days(Cohort.END)

    assert 31_125 == by_arrival.total() == by_end.total()
    assert 3 == (by_end - by_arrival).total() == (by_arrival - by_end).total()


def test_talks_of_the_bank(data: Path) -> None:
    """The mean talk of all answered, those of length 0 among them."""
    expected = truth(data, BANK)["talk"]["mean_all_answered"]

    assert expected == exact(replayed(data / BANK)["total"]["average_talk"], 3)


@pytest.mark.parametrize(
    ("log", "subject", "place"),
    [
        (RING_ALL, ("total",), ("total",)),
        (RING_ALL, ("queues", "9000"), ("by_queue", "9000")),
        (REALTIME, ("total",), ("total",)),
        (REALTIME, ("queues", "support"), ("by_queue", "Support")),
        (REALTIME, ("queues", "sales"), ("by_queue", "sales")),
    ],
)
def test_logs_of_asterisk(
    data: Path, log: str, subject: tuple[str, ...], place: tuple[str, str]
) -> None:
    """Two real logs: every figure of the whole and of each queue, and who is still there."""
    expected = truth(data, log)
    for key in place:
        expected = expected[key]
    shown = replayed(data / log)
    for key in subject:
        shown = shown[key]

    found = all_figures(data / log, subject, 20 * SECOND)

    found["counts"] = outcomes(shown)
    found["mean_talk_logged"] = exact(shown["average_talk"], 4)
    assert {key: expected[key] for key in expected.keys() - NOT_OF_THE_LOG} == found
    assert expected["enterqueue"] == shown["arrived"]


@pytest.mark.parametrize("log", [RING_ALL, REALTIME])
def test_each_call_of_asterisk(data: Path, log: str) -> None:
    """Every single call: its queue, its moment of joining, its outcome, its logged wait."""
    expected = sorted(
        (
            call["queue"].lower(),
            int(float(call["enter"])),
            call["outcome"],
            float(call["wait"]) if call["wait"] else None,
        )
        for call in rows(data, log, "ground_truth_calls.csv")
    )

    played = play(
        [data / log],
        report_settings(EngineSettings()),
        source="pbx",
        subject_state=TalliedState,
    )

    found: list[tuple[str, int, str, float | None]] = []
    for (kind, name), state in played.engine.subjects.items():
        if kind is SubjectKind.QUEUE and isinstance(state, TalliedState):
            found += [
                (name, v.start // SECOND, v.outcome.name.lower(), (v.wait or 0) / SECOND)
                for v in state.visits
            ]
            found += [(name, at // SECOND, "still_waiting", None) for at in state.starts]
    assert expected == sorted(found)


def test_one_caller_waits_and_one_talks_when_the_log_ends(data: Path) -> None:
    """Who has not left is waiting or talking, in no rate, and not lost."""
    total = replayed(data / RING_ALL)["total"]

    assert (1, 1) == (total["waiting"], total["talking"])
    assert (21, 20, 0) == (total["arrived"], total["offered"], total["lost"])


def test_a_timeout_both_ways(data: Path) -> None:
    """A caller whom the queue sent on was offered, and was not answered.

    Their reports leave such callers out of every base. Ours has them in it, and says beside
    it what the figures were without them.
    """
    expected = truth(data, REALTIME)["total"]

    total = replayed(data / REALTIME)["total"]

    assert (7, 8) == (expected["offered"], total["offered"])
    assert {
        "abandonment_rate": 0.714286,
        "answer_rate": 0.285714,
        "sl_answered_over_offered": 0.285714,
        "sl_answered_over_answered": 1.0,
        "sl_answered_over_offered_minus_short_abandons": 1.0,
        "sl_answered_plus_abandoned_within_over_offered": 1.0,
    } == {key: expected[key] for key in rates(total) if key != "offered"}
    assert {
        "offered": 8,
        "abandonment_rate": 0.625,
        "answer_rate": 0.25,
        "sl_answered_over_offered": 0.25,
        "sl_answered_over_answered": 1.0,
        "sl_answered_over_offered_minus_short_abandons": 0.666667,
        "sl_answered_plus_abandoned_within_over_offered": 0.875,
    } == rates(total)


def test_service_levels_without_overflow_are_the_configured_ones(data: Path) -> None:
    """``overflow: ignored`` gives the service levels of reports that leave timeouts out."""
    expected = truth(data, REALTIME)["total"]

    total = replayed(data / REALTIME, overflow=Overflow.IGNORED)["total"]

    assert {key: expected[key] for key in SERVICE_LEVELS} == {
        key: value for key, value in rates(total).items() if key in SERVICE_LEVELS
    }


def test_percentiles_both_ways(data: Path) -> None:
    """Ours is the wait of some caller; theirs may lie between two, and differ by far."""
    waited = replayed(data / RING_ALL)["total"]["waits"]["answered"]

    assert (84.0, 50.4) == (waited["p90"], waited["p90_interpolated"])


def test_percentiles_are_over_answered_and_abandoned(data: Path) -> None:
    """The measure ``p90_wait`` is that of all who waited; theirs are given by outcome, too."""
    expected = truth(data, BANK)["total_thr20"]

    total = replayed(data / BANK)["total"]

    assert expected["wait_all"]["p90_nearest_rank"] == total["p90_wait"]["value"]
    assert expected["wait_answered"]["p90_nearest_rank"] != total["p90_wait"]["value"]


def test_reports_are_equal_from_either_time_zone(data: Path) -> None:
    """The whole does not depend on where midnight is; the days do."""
    here, there = replayed(data / BANK), replayed(data / BANK, timezone="Asia/Shanghai")

    assert here["total"] == there["total"]
