"""Tests of the CSV: what stands in it, and that no spreadsheet runs any of it."""

import csv
import io
from fractions import Fraction

import pytest

from callmon.backtest.csv import EPISODE_COLUMNS, SWEEP_COLUMNS, csv_bytes
from callmon.backtest.outcome import Difference, Found
from callmon.clock import SECOND
from callmon.rules import Direction, SubjectKind
from tests.backtest.pasts import (
    DAY,
    HOSTILE,
    MINUTE,
    SINCE,
    at,
    backtest,
    episode,
    found,
    line,
    queue,
    sweep,
    threshold,
)


def rows(outcome: Found) -> list[dict[str, str]]:
    """Return the rows as a program reads them."""
    text = csv_bytes(outcome).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_row_for_each_episode() -> None:
    """Instants have their zone, lengths their unit, and each kind of noise a column."""
    fired = at("2026-03-03T20:00:00")
    lines = [line([episode(fired, 50 * SECOND, escalated=True, shift="night")])]

    (row,) = rows(found(lines, timezone="Asia/Shanghai"))

    assert {
        "file": "present",
        "change": "",
        "threshold": "long_wait",
        "kind": "queue",
        "subject": "support",
        "measure": "longest_wait",
        "window": "",
        "unit": "seconds",
        "direction": "above",
        "limit": "180",
        "value": "180",
        "worst": "240",
        "severity": "critical",
        "day": "2026-03-04",
        "since": "2026-03-04T03:59:30+08:00",
        "fired_at": "2026-03-04T04:00:00+08:00",
        "ended_at": "2026-03-04T04:00:50+08:00",
        "lasted_seconds": "50",
        "ended": "recovered",
        "pages": "2",
        "shift": "night",
        "brief": "1",
        "again": "0",
    } == row


def test_ratios_are_plain_numbers() -> None:
    """A share is 0.125, as JSON and Prometheus have it, not 12.5 %."""
    of = threshold(
        measure="service_level",
        window="30m",
        limit=Fraction(8, 10),
        direction=Direction.BELOW,
    )
    lines = [line([episode(SINCE, of=of, worst=Fraction(1, 8))], of=of)]

    (row,) = rows(found(lines))

    assert ("0.8", "0.125", "ratio", "30m") == (
        row["limit"],
        row["worst"],
        row["unit"],
        row["window"],
    )


def test_an_episode_that_stands_has_no_end() -> None:
    """It did not end when the history did: its end is empty, its length is what is known."""
    (row,) = rows(found([line([episode(SINCE + 27 * DAY, None)])]))

    assert ("", "", str(24 * 3600)) == (row["ended_at"], row["ended"], row["lasted_seconds"])


def test_what_changes_is_told() -> None:
    """With two files each row says whose it is, and whether it is kept, gone or new."""
    kept, gone, new = (episode(SINCE + number * DAY) for number in (1, 2, 3))
    past = backtest(
        [line([kept, new])],
        present=[line([kept, gone])],
        differences=[Difference(key=kept.key, kept=1, gone=(gone,), new=(new,))],
    )

    told = [(row["day"][-2:], row["file"], row["change"]) for row in rows(Found(backtest=past))]

    assert [
        ("03", "present", "kept"),
        ("03", "candidate", "kept"),
        ("04", "present", "gone"),
        ("05", "candidate", "new"),
    ] == told


def test_rows_are_in_order_of_time() -> None:
    """Whichever threshold: what fired first comes first."""
    other = threshold("other")
    lines = [
        line([episode(SINCE + 2 * DAY)]),
        line([episode(SINCE + DAY, of=other)], of=other),
    ]

    assert ["other", "long_wait"] == [row["threshold"] for row in rows(found(lines))]


@pytest.mark.parametrize(
    "name",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\tname",
        "\nname",
        " =1",
        "＝1+1",
        "＠a",
        HOSTILE,
    ],
)
def test_names_are_no_formulas(name: str) -> None:
    """What a spreadsheet would calculate gets an apostrophe; a terminal obeys none either."""
    subject = queue(name)

    (row,) = rows(found([line([episode(SINCE, subject=subject)], subject=subject)]))

    assert f"'{name}".replace("\u202e", "?").replace("\x1b", "?") == row["subject"]


@pytest.mark.parametrize("name", ['a "b", c', "first\nsecond", "销售热线", "a;b", "'quoted"])
def test_names_survive(name: str) -> None:
    """Quotes, commas, line feeds and Chinese come back as they were."""
    subject = queue(name)

    (row,) = rows(found([line([episode(SINCE, subject=subject)], subject=subject)]))

    assert name == row["subject"]


def test_excel_reads_chinese() -> None:
    """The file begins with the mark of UTF-8, and its lines end as RFC 4180 has them."""
    written = csv_bytes(found([line([])]))

    assert b"\xef\xbb\xbffile,change,threshold" == written[:24]
    assert written.endswith(b",again\r\n")


def test_no_episode_is_a_heading_alone() -> None:
    """A file that never fired is a good answer, no error."""
    assert [] == rows(found([line([])]))
    assert ",".join(EPISODE_COLUMNS) in csv_bytes(found([])).decode()


def test_a_sweep_has_a_row_for_each_limit() -> None:
    """With sweeps the file has one row for each limit of each of them."""
    group = queue("sales", SubjectKind.GROUP)
    sweeps = [
        sweep({60: (9, 2, 3), 180: (4, 0, 1)}, subjects=[queue("a"), queue("b")]),
        sweep({60: (1, 0, 0)}, subjects=[group], days=Fraction(1, 3)),
    ]

    told = rows(found([line([])], sweeps))

    assert list(SWEEP_COLUMNS) == list(told[0])
    assert [("a b", "60", "0", "9", "2", "3"), ("a b", "180", "1", "4", "0", "1")] == [
        tuple(
            row[name] for name in ("subjects", "limit", "in_force", "fired", "brief", "again")
        )
        for row in told[:2]
    ]
    assert ("sales", "0.333", str(10 * MINUTE // SECOND)) == (
        told[2]["subjects"],
        told[2]["days"],
        told[2]["lasted_seconds"],
    )
