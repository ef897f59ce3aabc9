"""What a queue usually has to do, and windows that never hold enough."""

import sqlite3
from pathlib import Path

import pytest

from callmon.clock import SECOND
from callmon.journal import PastHalf, schema
from callmon.sense import Asked, examine
from callmon.sense.stretches import DAY
from callmon.sense.traffic import HALF_HOUR, busiest, traffic_of

NOW = 1_795_392_000 * SECOND
CALLMON = """
feeds: {pbx: {type: simulator}}
queues: {vip: {}, support: {}}
groups: {all_of_them: {queues: [vip, support]}}
storage: {directory: state}
"""


def halves(*days: list[int], queue: str = "vip") -> list[PastHalf]:
    """Return half-hours from midnight on of the days before now, latest first."""
    return [
        PastHalf(
            queue=queue,
            start=NOW - (back + 1) * DAY + number * HALF_HOUR,
            arrived=arrived,
            talks=0,
            talk=0,
        )
        for back, day in enumerate(days)
        for number, arrived in enumerate(day)
    ]


def test_days_are_kept_apart() -> None:
    """Half-hours without a call make no day."""
    traffic = traffic_of(halves([3, 0, 5], [0], [7]))

    days = list(traffic["vip"].values())
    assert [[3, 0, 5], [7, 0, 0]] == [day[:3] for day in days]
    assert [48, 48] == [len(day) for day in days]


@pytest.mark.parametrize(
    ("window", "expected"), [(HALF_HOUR // 2, 3), (HALF_HOUR, 6), (2 * HALF_HOUR, 10)]
)
def test_the_busiest_window_of_the_middle_day_counts(window: int, expected: float) -> None:
    """Neither a quiet holiday nor one wild day is usual."""
    days = [[1, 1, 1], [4, 6, 4], [90, 90, 90]]

    assert expected == busiest(days, window)


def found(folder: Path, entry: str, *days: list[int]) -> list[str]:
    """Return what is said with a journal of these days of queue vip."""
    state = folder / "state"
    state.mkdir(exist_ok=True)
    (folder / "callmon.yml").write_text(CALLMON)
    (folder / "thresholds.yml").write_text(f"thresholds:\n  - {{name: a, {entry}}}\n")
    write_journal(state / "journal.db", halves(*days))
    return list(examine(Asked(config=folder / "callmon.yml"), {}, NOW).problems)


def write_journal(path: Path, stored: list[PastHalf]) -> None:
    """Write a journal that holds half-hours alone."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    for number, migration in enumerate(schema.MIGRATIONS, 1):
        for statement in migration:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
    connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    columns = [row[1:4] for row in connection.execute("PRAGMA table_info(intervals)")]
    for half in stored:
        known = {"queue": half.queue, "start": half.start, "arrived": half.arrived}
        known["cohort"] = "arrival"
        values = [known.get(name, b"" if kind == "BLOB" else 0) for name, kind, _ in columns]
        marks = ", ".join("?" * len(values))
        connection.execute(f"INSERT INTO intervals VALUES ({marks})", values)
    connection.commit()
    connection.close()


USUAL = [[1] * 20] * 6


@pytest.mark.parametrize(
    ("entry", "days", "message"),
    [
        (
            "measure: abandonment_rate, window: 30m, above: 20%",
            USUAL,
            "window: warning: at_least 20 in 30m: queue vip has about 1 contact in the busiest",
        ),
        (
            "measure: abandonment_rate, window: 5m, above: 20%, at_least: 8, queues: [vip]",
            [[8, 8, 6, 0, 0, 0]] * 6,
            "hardly ever fire: write window: 30m or at_least: 1, for all or in an override",
        ),
        ("measure: abandonment_rate, window: 30m, above: 20%, at_least: 2", USUAL, ""),
        ("measure: abandonment_rate, window: today, above: 20%", USUAL, ""),
        ("measure: abandonment_rate, window: 30m, above: 20%", USUAL[:4], ""),
        ("measure: abandonment_rate, window: 30m, above: 20%, queues: [support]", USUAL, ""),
        ("measure: occupancy, window: 30m, above: 90%, at_least: 60", USUAL, "no feed"),
        ("measure: waiting, above: 5", USUAL, ""),
        ("measure: arrived, window: 30m, above: 50", USUAL, ""),
        (
            "measure: abandonment_rate, window: 30m, above: 20%, groups: all",
            USUAL,
            "group all_of_them has about 1 contact in",
        ),
    ],
)
def test_windows_that_never_hold_enough_are_told(
    tmp_path: Path, entry: str, days: list[list[int]], message: str
) -> None:
    """With what the queue has, and what would do; nothing is said without usual days."""
    problems = [one for one in found(tmp_path, entry, *days) if "no feed" not in one]

    assert (bool(message) and message != "no feed") == bool(problems), problems
    assert all(message in problem for problem in problems)


def test_without_a_journal_nothing_is_said(tmp_path: Path) -> None:
    """Before the first start there is none; one that cannot be read is remarked."""
    entry = "measure: abandonment_rate, window: 30m, above: 20%"
    assert found(tmp_path, entry, *USUAL)
    path = tmp_path / "state" / "journal.db"
    asked = Asked(config=tmp_path / "callmon.yml")

    path.write_text("this is no journal, but long enough to be looked at as one" * 20)
    (problem,) = examine(asked, {}, NOW).problems
    assert "storage.directory: info: what is usual could not be looked up" in problem
    path.unlink()
    assert () == examine(asked, {}, NOW).problems
