"""The file itself: its version, its rows, what is deleted from it."""

import itertools
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from callmon.clock import SECOND
from callmon.intervals import HALF_HOUR, Interval
from callmon.journal import (
    AlertRecord,
    AlertStepRecord,
    JournalReason,
    Retention,
    Staffing,
    TimePassed,
    read_alerts,
    schema,
    store,
)
from callmon.journal.entries import JournalError
from callmon.journal.handover import Checkpoint, Known, Load, Run
from callmon.journal.reading import read_apart
from callmon.journal.store import Store
from tests.journal.desk import joined

RETENTION = Retention(events=10, intervals=100, alerts=1_000)


def _load(*inputs: Run | TimePassed, whole: bool = False) -> Load:
    load = Load(Known(1_000), inputs=list(inputs))
    load.count = sum(len(told.events) if isinstance(told, Run) else 1 for told in inputs)
    if whole:
        load.checkpoint = Checkpoint(1, {"a": b"1"}, whole=True, after=len(inputs))
    return load


def _rows(directory: Path, question: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(directory / "journal.db")
    rows = connection.execute(question).fetchall()
    connection.close()
    return rows


def _open(directory: Path, migrations: Sequence[tuple[str, ...]] = schema.MIGRATIONS) -> Store:
    return Store(directory / "journal.db", migrations)


def _alert(
    fired_at: int, ended_at: int | None = None, value: float = 1.0, cause: str | None = None
) -> AlertRecord:
    return AlertRecord(
        threshold="long_wait",
        kind="queue",
        subject="客服",
        severity="warning",
        fired_at=fired_at,
        since=fired_at - 1,
        measure="longest_wait",
        window=None,
        direction="above",
        limit=180.0,
        value=value,
        peak=value,
        ended_at=ended_at,
        ended="cleared" if ended_at else None,
        cause=cause,
    )


def _step(fired_at: int, step: str = "told", at: int = 1, detail: str = "") -> AlertStepRecord:
    return AlertStepRecord(
        "long_wait", "queue", "客服", "warning", fired_at, step=step, at=at, detail=detail
    )


# ---- versions ---------------------------------------------------------------------------


def test_a_journal_says_what_it_is(tmp_path: Path) -> None:
    """Version and application can be seen from outside, and the WAL is on."""
    _open(tmp_path).close()

    assert [(len(schema.MIGRATIONS),)] == _rows(tmp_path, "PRAGMA user_version")
    assert [(schema.APPLICATION_ID,)] == _rows(tmp_path, "PRAGMA application_id")
    assert [("wal",)] == _rows(tmp_path, "PRAGMA journal_mode")


def test_an_older_journal_is_brought_up_to_date(tmp_path: Path) -> None:
    """Only the steps that are missing are taken, and what was there stays."""
    older = _open(tmp_path)
    older.write(_load(Run("mq", [joined(1)], [1], None)))
    older.close()
    step = ("ALTER TABLE kept ADD COLUMN at INTEGER", "INSERT INTO kept VALUES ('a', 'b', 3)")

    newer = _open(tmp_path, (*schema.MIGRATIONS, step))
    stored = newer.read(10)
    newer.close()

    assert not newer.created
    assert ({"mq": [1]}, 1) == (stored.ids, stored.last)
    assert [(len(schema.MIGRATIONS) + 1,)] == _rows(tmp_path, "PRAGMA user_version")
    assert [("a", "b", 3)] == _rows(tmp_path, "SELECT * FROM kept")


def test_alerts_of_the_first_version_stay(tmp_path: Path) -> None:
    """What was not written then is empty, and an alert that stood can end with all it has."""
    oldest = _open(tmp_path, schema.MIGRATIONS[:1])
    columns = AlertRecord.__struct_fields__[:14]
    names = ", ".join(f'"{name}"' for name in columns)
    for fired_at, ended_at in ((5, None), (6, 7)):
        row = msgspec.structs.astuple(_alert(fired_at, ended_at))[:14]
        oldest._connection.execute(
            f"INSERT INTO alerts ({names}) VALUES ({', '.join('?' * 14)})", row
        )
    oldest.close()

    newer = _open(tmp_path)
    stored = newer.read(10)
    load = _load()
    ended = msgspec.structs.replace(
        _alert(5, 8), raised_at=5, shift="night", labels='{"team":"vip"}'
    )
    load.alerts[("", "", "", "", 5)] = ended
    newer.write(load)
    newer.close()

    assert [_alert(5)] == stored.standing
    found = read_alerts(tmp_path / "journal.db", since=0, until=9)
    assert [(_alert(6, 7), []), (ended, [])] == found


def test_a_journal_of_the_first_version_can_be_read_as_it_is(tmp_path: Path) -> None:
    """Where it cannot be brought up to date for want of room the state is not lost."""
    oldest = _open(tmp_path, schema.MIGRATIONS[:1])
    names = ", ".join(f'"{name}"' for name in AlertRecord.__struct_fields__[:14])
    row = msgspec.structs.astuple(_alert(5))[:14]
    oldest._connection.execute(
        f"INSERT INTO alerts ({names}) VALUES ({', '.join('?' * 14)})", row
    )
    oldest._connection.execute("INSERT INTO kept VALUES ('a', x'62')")
    oldest.close()

    found = read_apart(tmp_path / "journal.db", 10)

    assert found is not None
    stored, commits = found
    assert ({"a": b"b"}, [_alert(5)], 0) == (stored.kept, stored.standing, commits)
    assert [(1,)] == _rows(tmp_path, "PRAGMA user_version")


def test_an_older_callmon_refuses_what_this_one_wrote(tmp_path: Path) -> None:
    """It would write alerts without what it does not know of."""
    _open(tmp_path).close()

    with pytest.raises(JournalError, match="expected version 1 or older, found 2") as refused:
        _open(tmp_path, schema.MIGRATIONS[:1])

    assert JournalReason.NEWER == refused.value.reason


def test_a_step_that_fails_changes_nothing(tmp_path: Path) -> None:
    """Neither half a step is left nor the steps before it."""
    _open(tmp_path).close()
    good = ("ALTER TABLE kept ADD COLUMN at INTEGER",)
    bad = ("ALTER TABLE kept ADD COLUMN more INTEGER", "ALTER TABLE absent ADD COLUMN a")

    with pytest.raises(JournalError, match=r"journal\.db: failed \(no such table: absent\)"):
        _open(tmp_path, (*schema.MIGRATIONS, good, bad))

    assert [("key",), ("value",)] == _rows(
        tmp_path, "SELECT name FROM pragma_table_info('kept')"
    )
    assert [(len(schema.MIGRATIONS),)] == _rows(tmp_path, "PRAGMA user_version")
    _open(tmp_path).close()


def test_a_newer_journal_is_refused(tmp_path: Path) -> None:
    """What a newer callmon wrote is not guessed at."""
    _open(tmp_path, (*schema.MIGRATIONS, ("CREATE TABLE more (a)",))).close()

    with pytest.raises(JournalError, match="expected version 2 or older, found 3") as refused:
        _open(tmp_path)

    assert JournalReason.NEWER == refused.value.reason


def test_columns_are_the_fields() -> None:
    """A field that is added to a row needs a step of its own."""
    connection = sqlite3.connect(":memory:")
    for statement in itertools.chain.from_iterable(schema.MIGRATIONS):
        connection.execute(statement)
    for table, kind in (
        ("intervals", Interval),
        ("alerts", AlertRecord),
        ("alert_steps", AlertStepRecord),
        ("staffing", Staffing),
    ):
        columns = connection.execute(f"SELECT name FROM pragma_table_info('{table}')")
        assert sorted(kind.__struct_fields__) == sorted(name for (name,) in columns)
    connection.close()


# ---- rows -------------------------------------------------------------------------------


def test_rows_told_again_replace_what_was_told(tmp_path: Path) -> None:
    """Intervals and alerts may be told as often as they change."""
    opened = _open(tmp_path)
    for value in (1, 2):
        load = _load()
        load.intervals[("客服", HALF_HOUR, "end")] = Interval(
            "客服", HALF_HOUR, "end", arrived=value
        )
        load.alerts[("", "", "", "", value)] = _alert(5, value=float(value))
        opened.write(load)
    opened.close()

    assert [("客服", HALF_HOUR, "end", 2)] == _rows(
        tmp_path, "SELECT queue, start, cohort, arrived FROM intervals"
    )
    assert [("long_wait", "客服", 5, 180.0, 2.0, None)] == _rows(
        tmp_path, 'SELECT threshold, subject, fired_at, "limit", value, ended FROM alerts'
    )


def test_the_cause_of_an_alert_stays_as_it_was_told_first(tmp_path: Path) -> None:
    """The end of an alert knows of no cause, and a restart may find another one."""
    opened = _open(tmp_path)
    causes: list[object] = []
    for cause in (None, "few agents", None, "many calls"):
        load = _load()
        load.alerts[("", "", "", "", 5)] = _alert(5, cause=cause)
        opened.write(load)
        causes += _rows(tmp_path, "SELECT cause FROM alerts")
    opened.close()

    assert [(None,), ("few agents",), ("few agents",), ("few agents",)] == causes


def test_a_step_of_an_alert_told_again_stays_as_it_was_told_first(tmp_path: Path) -> None:
    """With another detail it is another step."""
    opened = _open(tmp_path)
    for at, detail in ((3, "one"), (4, "one"), (5, "two")):
        load = _load()
        load.alert_steps[("", "", "", "", at), "told", detail] = _step(1, at=at, detail=detail)
        opened.write(load)
    opened.close()

    assert [(3, "one"), (5, "two")] == _rows(
        tmp_path, "SELECT at, detail FROM alert_steps ORDER BY at"
    )


def test_counts_of_agents_told_again_replace_what_was_told(tmp_path: Path) -> None:
    """They are sums, as they are now."""
    opened = _open(tmp_path)
    for samples in (1, 2):
        load = _load()
        load.staffing["客服", HALF_HOUR] = Staffing("客服", HALF_HOUR, samples, 7 * samples)
        opened.write(load)
    opened.close()

    assert [("客服", HALF_HOUR, 2, 14)] == _rows(tmp_path, "SELECT * FROM staffing")


def test_what_is_safe_from_a_power_cut(tmp_path: Path) -> None:
    """A commit that somebody waits for is synchronised with the disk, the others are not."""
    opened = _open(tmp_path)
    seen: list[object] = []
    for waits in (False, True, False):
        load = _load(TimePassed(1))
        load.done = [lambda: None] if waits else []
        opened.write(load)
        seen.append(opened._connection.execute("PRAGMA synchronous").fetchone()[0])
    opened.close()

    normal, full = 1, 2
    assert [normal, full, normal] == seen


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """All of a load is there, or none of it."""
    opened = _open(tmp_path)
    load = _load(Run("mq", [joined(1)], [1], {"place": 1}))
    load.alerts[("", "", "", "", 0)] = _alert(2**70)

    with pytest.raises(OverflowError):
        opened.write(load)
    opened.close()

    assert [(0, 0)] == _rows(tmp_path, "SELECT last, commits FROM progress")
    for table in ("events", "seen", "feeds", "alerts"):
        assert [(0,)] == _rows(tmp_path, f"SELECT count(*) FROM {table}")


# ---- deletion ---------------------------------------------------------------------------


def _pruned(opened: Store, now: int, remembered: int = 0) -> int:
    """Prune until there is no more; return in how many slices."""
    return sum(1 for _ in opened.prune(RETENTION, now, remembered))


def test_what_is_old_and_dispensable_is_deleted(tmp_path: Path) -> None:
    """Events up to the checkpoint and older than the retention go; the later ones stay."""
    opened = _open(tmp_path)
    opened.write(_load(TimePassed(100), TimePassed(111), TimePassed(105), whole=True))
    opened.write(_load(TimePassed(90)))

    _pruned(opened, now=121)
    opened.close()

    assert [(111,), (105,), (90,)] == _rows(tmp_path, "SELECT at FROM events ORDER BY number")


def test_without_a_checkpoint_nothing_is_dispensable(tmp_path: Path) -> None:
    """The inputs are all the state there is then."""
    opened = _open(tmp_path)
    opened.write(_load(TimePassed(1), Run("mq", [joined(1)], [1], None)))

    _pruned(opened, now=10**18)
    opened.close()

    assert [(2,)] == _rows(tmp_path, "SELECT count(*) FROM events")
    assert [(1,)] == _rows(tmp_path, "SELECT count(*) FROM seen")


def test_intervals_and_ended_alerts_are_deleted(tmp_path: Path) -> None:
    """Each after its own time; an alert that has not ended stays, with its steps."""
    opened = _open(tmp_path)
    load = _load(TimePassed(1), whole=True)
    for start in (1, 2):
        load.intervals[("q", start, "end")] = Interval("q", start, "end")
        load.staffing["q", start] = Staffing("q", start, 1, 1)
    for fired_at, ended_at in ((50, None), (51, 52), (1_002, 1_003)):
        load.alerts[("", "", "", "", fired_at)] = _alert(fired_at, ended_at)
    for fired_at in (50, 51, 52, 1_002, 1_003):  # of some there is no alert
        load.alert_steps[("", "", "", "", fired_at), "", ""] = _step(fired_at)
    other = msgspec.structs.replace(_step(50), severity="critical")
    load.alert_steps[("", "", "", "", 0), "", ""] = other
    opened.write(load)

    _pruned(opened, now=102)
    intervals = _rows(tmp_path, "SELECT start FROM intervals")
    staffing = _rows(tmp_path, "SELECT start FROM staffing")
    _pruned(opened, now=2_001)
    opened.close()

    assert [(2,)] == intervals
    assert [(2,)] == staffing
    assert [(50,), (1_002,)] == _rows(tmp_path, "SELECT fired_at FROM alerts ORDER BY fired_at")
    assert [(50, "warning"), (1_002, "warning"), (1_003, "warning")] == _rows(
        tmp_path, "SELECT fired_at, severity FROM alert_steps ORDER BY fired_at"
    )


def test_the_last_ids_of_each_feed_stay(tmp_path: Path) -> None:
    """However old they are: a broker may send again what it was not told to forget."""
    opened = _open(tmp_path)
    opened.write(_load(Run("quiet", [joined(0)], [7], None)))
    events = [joined(number) for number in range(6)]
    opened.write(_load(Run("mq", events, range(6), None), whole=True))

    _pruned(opened, now=10**18, remembered=2)
    stored = opened.read(10)
    opened.close()

    assert {"quiet": [7], "mq": [4, 5]} == stored.ids
    assert [(0,)] == _rows(tmp_path, "SELECT count(*) FROM events")


def test_much_is_deleted_in_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that commits in between do not wait for long."""
    monkeypatch.setattr(store, "ROWS_A_SLICE", 10)
    opened = _open(tmp_path)
    told = [joined(number) for number in range(35)]
    load = _load(Run("mq", told, range(35), None), whole=True)
    for start in range(25):
        load.intervals[("q", start, "end")] = Interval("q", start, "end")
    opened.write(load)

    slices = _pruned(opened, now=10**18)
    opened.close()

    events, seen, intervals, others = 4, 4, 3, 3
    assert events + seen + intervals + others == slices
    for table in ("events", "seen", "intervals"):
        assert [(0,)] == _rows(tmp_path, f"SELECT count(*) FROM {table}")


def test_numbers_go_on_after_all_is_deleted(tmp_path: Path) -> None:
    """A number names one input for ever: the checkpoint counts by them."""
    opened = _open(tmp_path)
    opened.write(_load(TimePassed(1), TimePassed(2), whole=True))
    _pruned(opened, now=10**18)
    opened.write(_load(TimePassed(3)))
    opened.close()

    assert [(3, 3)] == _rows(tmp_path, "SELECT number, at FROM events")


def test_the_default_retention_reaches_over_yesterday() -> None:
    """What rebuilds today and the windows is never deleted by default."""
    assert Retention().events >= 2 * 86_400 * SECOND
