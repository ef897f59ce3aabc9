"""What is read of the journal's file while its owner writes, and when nobody does."""

import os
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callmon.intervals import HALF_HOUR, Interval
from callmon.journal import (
    AlertRecord,
    AlertStepRecord,
    JournalReason,
    PastHalf,
    Staffing,
    history,
    read_alerts,
    read_past,
    schema,
)
from callmon.journal.entries import JournalError
from callmon.journal.handover import Known, Load
from callmon.journal.store import Store


def _alert(
    fired_at: int,
    ended_at: int | None = None,
    *,
    raised_at: int | None = None,
    subject: str = "客服",
    severity: str = "warning",
) -> AlertRecord:
    return AlertRecord(
        threshold="long_wait",
        kind="queue",
        subject=subject,
        severity=severity,
        fired_at=fired_at,
        since=fired_at - 1,
        measure="longest_wait",
        window=None,
        direction="above",
        limit=180.0,
        value=200.0,
        peak=210.0,
        ended_at=ended_at,
        ended="recovered" if ended_at else None,
        raised_at=raised_at,
        shift="night",
        labels='{"team":"vip"}',
        cause="few agents",
    )


def _step(alert: AlertRecord, step: str, at: int, detail: str = "") -> AlertStepRecord:
    return AlertStepRecord(
        alert.threshold,
        alert.kind,
        alert.subject,
        alert.severity,
        alert.fired_at,
        step,
        at,
        detail,
    )


def _write(
    path: Path,
    alerts: Sequence[AlertRecord] = (),
    steps: Sequence[AlertStepRecord] = (),
    intervals: Sequence[Interval] = (),
    staffing: Sequence[Staffing] = (),
) -> None:
    store = Store(path)
    load = Load(Known(10))
    load.add_alerts(alerts)
    load.add_alert_steps(steps)
    load.intervals = {(row.queue, row.start, row.cohort): row for row in intervals}
    load.staffing = {(row.queue, row.start): row for row in staffing}
    store.write(load)
    store.finish()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the journal is."""
    return tmp_path / "journal.db"


def _fired(path: Path, since: int, until: int, **more: object) -> list[int]:
    """Return which alerts are found, by the moment they fired."""
    found = read_alerts(path, since=since, until=until, **more)  # type: ignore[arg-type]  # by name
    return [record.fired_at for record, _ in found]


# ---- alerts -----------------------------------------------------------------------------


def test_alerts_come_back_with_their_steps(path: Path) -> None:
    """All of each, newest alert first, oldest step first, no step of another alert."""
    old, new = _alert(5, 9), _alert(7)
    worse = _alert(5, 9, raised_at=8, severity="critical")
    steps = [_step(old, "told", 6, "am1"), _step(old, "end_told", 10, "am1")]
    others = [_step(worse, "held", 8), _step(_alert(5, subject="q"), "told", 6)]
    _write(path, [old, new, worse], [*reversed(steps), *others])

    found = read_alerts(path, since=0, until=20)

    assert [(worse, others[:1]), (new, []), (old, steps)] == found


intervals_of_time = st.tuples(st.integers(0, 4), st.integers(0, 4)).map(sorted)
alerts = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 2), st.none() | st.integers(0, 3)), max_size=4
)


@settings(deadline=None)
@given(alerts, intervals_of_time, st.booleans(), st.integers(1, 3))
def test_alerts_are_found_by_when_they_stood(
    tmp_path_factory: pytest.TempPathFactory,
    shapes: list[tuple[int, int, int | None]],
    asked: list[int],
    standing: bool,
    limit: int,
) -> None:
    """Both ends of the question and of the alert belong to it; the newest come first."""
    since, until = asked
    records = [
        _alert(
            fired,
            None if lasted is None else fired + late + lasted,
            raised_at=fired + late,
            subject=f"q{number}",
        )
        for number, (fired, late, lasted) in enumerate(shapes)
    ]
    path = tmp_path_factory.mktemp("history") / "journal.db"
    _write(path, records)

    found = read_alerts(path, since=since, until=until, standing=standing, limit=limit)

    expected = [
        record
        for record in records
        if (record.raised_at or 0) <= until
        and (record.ended_at is None or (not standing and record.ended_at >= since))
    ]
    expected.sort(key=lambda record: (-(record.raised_at or 0), -record.fired_at))
    key = [(record.raised_at, record.fired_at) for record in expected]
    assert key[:limit] == [(record.raised_at, record.fired_at) for record, _ in found]
    assert all(record in expected for record, _ in found)


def test_alerts_are_found_by_what_they_are_about(path: Path) -> None:
    """Kind, subject, threshold and whether they stand narrow it down, each and together."""
    replace = msgspec.structs.replace
    _write(
        path,
        [
            _alert(1),
            _alert(2, 3),
            _alert(4, subject="sales"),
            replace(_alert(5, subject="sales"), kind="group"),
            replace(_alert(6), threshold="hang_ups"),
        ],
    )

    assert [5] == _fired(path, 0, 9, kind="group")
    assert [6, 4, 2, 1] == _fired(path, 0, 9, kind="queue")
    assert [5, 4] == _fired(path, 0, 9, subject="sales")
    assert [4] == _fired(path, 0, 9, kind="queue", subject="sales")
    assert [6] == _fired(path, 0, 9, threshold="hang_ups")
    assert [6, 5, 4, 1] == _fired(path, 0, 9, standing=True)
    assert [] == _fired(path, 0, 9, subject="sales", threshold="hang_ups")


def test_both_ends_belong_to_an_alert_and_to_the_question(path: Path) -> None:
    """An alert that ended as the question begins is there; so is one that begins at its end."""
    _write(path, [_alert(3, 5), _alert(7, 8)])

    assert [7, 3] == [alert.fired_at for alert, _ in read_alerts(path, since=5)]
    assert [[], [3], [3], [], [7], [7], []] == [
        _fired(path, *asked)
        for asked in ((0, 2), (0, 3), (5, 6), (6, 6), (6, 7), (8, 9), (9, 9))
    ]


def test_an_alert_of_an_older_callmon_began_when_it_fired(path: Path) -> None:
    """Nobody wrote down when it was raised."""
    _write(path, [_alert(3, 4), _alert(5, 6, raised_at=8)])

    assert [3] == _fired(path, 0, 7)


# ---- half-hours -------------------------------------------------------------------------


def test_half_hours_have_contacts_and_agents(path: Path) -> None:
    """Those that arrived, whoever was counted, and either where there is only one."""
    first, second, third = 0, HALF_HOUR, 2 * HALF_HOUR
    _write(
        path,
        intervals=[
            Interval("b", first, "arrival", arrived=4, talks=2, talk=30),
            Interval("b", first, "end", arrived=4, talks=9, talk=99),
            Interval("a", third, "arrival", arrived=1),
            Interval("a", second, "arrival", arrived=7),
            Interval("c", second, "arrival", arrived=8),
        ],
        staffing=[
            Staffing("b", first, 30, 210),
            Staffing("c", first, 30, 60),
            Staffing("c", second, 1, 1),
        ],
    )

    found = read_past(path, [third, first])

    assert [
        PastHalf("b", first, 4, 2, 30, samples=30, staffed=210),
        PastHalf("c", first, 0, 0, 0, samples=30, staffed=60),
        PastHalf("a", third, 1, 0, 0),
    ] == found
    assert [] == read_past(path, [])


def test_half_hours_may_be_asked_for_in_any_number(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite takes only so many values at once."""
    monkeypatch.setattr(history, "STARTS_A_QUESTION", 2)
    rows = [Interval("a", start, "arrival", arrived=start) for start in range(5)]
    _write(path, intervals=rows)

    assert [0, 1, 2, 3, 4] == [half.arrived for half in read_past(path, range(5))]


# ---- the file ---------------------------------------------------------------------------


def test_it_is_read_while_somebody_writes(path: Path) -> None:
    """What was committed is seen, what is being written is not, and nobody waits."""
    _write(path, [_alert(1)])
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("UPDATE alerts SET severity = 'critical'")
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM alerts")

    assert ["critical"] == [r.severity for r, _ in read_alerts(path, since=0, until=9)]

    writer.execute("ROLLBACK")
    writer.close()


def test_what_reading_leaves_belongs_to_the_owner_of_the_journal(path: Path) -> None:
    """What root has read must not keep callmon from writing."""
    _write(path, [_alert(1)])
    if os.geteuid() == 0:
        os.chown(path, 12_345, 12_346)

    read_alerts(path, since=0, until=9)

    owners = {
        (found.st_uid, found.st_gid, found.st_mode)
        for found in (file.stat() for file in path.parent.iterdir())
    }
    assert 1 == len(owners)


def test_what_a_killed_callmon_wrote_is_read(path: Path, tmp_path: Path) -> None:
    """It stands in the WAL, and nobody has brought it into the file."""
    _write(path)
    store = Store(path)
    load = Load(Known(10))
    load.add_alerts([_alert(1)])
    store.write(load)
    after = tmp_path / "after"
    after.mkdir()
    for name in ("journal.db", "journal.db-wal"):
        shutil.copy(path.with_name(name), after)
    store.close()

    assert [1] == _fired(after / "journal.db", 0, 9)


def test_where_there_is_no_journal_that_is_said(path: Path) -> None:
    """And none is made."""
    with pytest.raises(JournalError, match=r"journal\.db: no journal yet"):
        read_alerts(path, since=0, until=9)

    assert not path.exists()


def test_where_it_may_not_be_read_that_is_said(path: Path) -> None:
    """SQLite would say only that it cannot open it."""
    path.mkdir()

    with pytest.raises(JournalError, match=r"journal\.db: cannot be read \(Is a directory\)"):
        read_past(path, [0])


def test_a_newer_journal_is_refused(path: Path) -> None:
    """What a newer callmon wrote is not guessed at."""
    Store(path, (*schema.MIGRATIONS, ("CREATE TABLE more (a)",))).close()

    with pytest.raises(JournalError, match="expected version 2, found 3") as refused:
        read_alerts(path, since=0, until=9)

    assert JournalReason.NEWER == refused.value.reason


def test_an_older_journal_is_refused_for_now(path: Path) -> None:
    """Who only reads cannot bring it up to date; the next start of callmon does."""
    Store(path, schema.MIGRATIONS[:1]).close()

    with pytest.raises(JournalError, match=r"found 1\); the next start of callmon"):
        read_alerts(path, since=0, until=9)


@pytest.mark.parametrize("alike", [False, True])
def test_the_file_of_another_program_is_refused(path: Path, *, alike: bool) -> None:
    """Also where it has a table of the same name."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE other (a)")
    if alike:
        connection.execute("CREATE TABLE progress (last, commits)")
    connection.close()

    with pytest.raises(JournalError, match="expected a journal of callmon, found another"):
        read_alerts(path, since=0, until=9)


def test_what_is_no_database_is_refused(path: Path) -> None:
    """It is not set aside: who only reads changes nothing."""
    path.write_bytes(os.urandom(4_096))

    with pytest.raises(JournalError) as refused:
        read_alerts(path, since=0, until=9)

    assert JournalReason.CORRUPT == refused.value.reason
    assert path.exists()
