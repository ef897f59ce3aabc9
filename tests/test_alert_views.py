"""Tests of the history of alerts as JSON, and of the questions one may ask."""

import asyncio
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon import alert_views
from callmon.alert_views import (
    AT_ONCE,
    History,
    HistoryQuestion,
    ask,
    history_question,
    history_view,
    moment,
    outcome_of,
    told_after,
)
from callmon.alerts import AlertStep
from callmon.clock import SECOND, Micros
from callmon.journal import AlertRecord, AlertStepRecord, JournalReason
from callmon.journal.entries import JournalError
from callmon.journal.handover import Known, Load
from callmon.journal.store import Store
from callmon.plain import instant
from callmon.testing import ManualClock

NOW: Micros = 1_795_400_000 * SECOND  # 2026-11-23T02:13:20Z
HOUR: Micros = 3_600 * SECOND
FIRED = NOW - HOUR


def an_alert(
    measure: str = "longest_wait",
    *,
    limit: float = 180e6,
    value: float = 200_500_000.0,
    ended_at: Micros | None = None,
    raised_at: Micros | None = FIRED,
    fired_at: Micros = FIRED,
    kind: str = "queue",
) -> AlertRecord:
    """Return an alert as the journal has it."""
    return AlertRecord(
        threshold="long_wait",
        kind=kind,
        subject="客服",
        severity="warning",
        fired_at=fired_at,
        since=fired_at - 500_000,
        measure=measure,
        window=None,
        direction="above",
        limit=limit,
        value=value,
        peak=value,
        ended_at=ended_at,
        ended="recovered" if ended_at else None,
        raised_at=raised_at,
        labels='{"team":"vip"}',
        shift="night",
        cause="few agents",
    )


def a_step(alert: AlertRecord, step: str, at: Micros, detail: str = "") -> AlertStepRecord:
    """Return something that became of *alert*."""
    name = alert.threshold, alert.kind, alert.subject, alert.severity, alert.fired_at
    return AlertStepRecord(*name, step=step, at=at, detail=detail)


def written(path: Path, *alerts: AlertRecord) -> Path:
    """Write a journal with *alerts*."""
    store = Store(path / "journal.db")
    load = Load(Known(10))
    load.add_alerts(alerts)
    store.write(load)
    store.finish()
    return store.path


# ---- what is answered -------------------------------------------------------------------

QUESTION = HistoryQuestion(at=NOW, since=NOW - HOUR, until=NOW)


def sent(view: object) -> Any:
    """Return *view* as whoever asks gets it."""
    return msgspec.json.decode(msgspec.json.encode(view))


def only(alert: AlertRecord, *steps: AlertStepRecord) -> dict[str, Any]:
    """Return the one alert of an answer."""
    (found,) = sent(history_view([(alert, steps)], QUESTION, more=False))["alerts"]
    assert isinstance(found, dict)
    return found


def test_an_alert_is_told_in_the_units_of_people() -> None:
    """Seconds, instants in UTC, and all that became of it."""
    alert = an_alert(ended_at=NOW)
    told = a_step(alert, "told", FIRED + 45_000, "am1")

    view = sent(history_view([(alert, [told])], QUESTION, more=True))

    assert {
        "at": "2026-11-23T02:13:20Z",
        "since": "2026-11-23T01:13:20Z",
        "until": "2026-11-23T02:13:20Z",
        "more": True,
        "alerts": [
            {
                "threshold": "long_wait",
                "queue": "客服",
                "severity": "warning",
                "labels": {"team": "vip"},
                "shift": "night",
                "measure": "longest_wait",
                "window": None,
                "direction": "above",
                "limit": 180,
                "value": 200.5,
                "peak": 200.5,
                "since": "2026-11-23T01:13:19.500000Z",
                "fired_at": "2026-11-23T01:13:20Z",
                "raised_at": "2026-11-23T01:13:20Z",
                "ended_at": "2026-11-23T02:13:20Z",
                "ended": "recovered",
                "cause": "few agents",
                "steps": [
                    {"step": "told", "at": "2026-11-23T01:13:20.045000Z", "detail": "am1"}
                ],
                "outcome": "told",
                "told_after_s": 0.045,
            }
        ],
    } == view


@pytest.mark.parametrize(
    ("measure", "value", "shown"),
    [("abandonment_rate", 0.2, 0.2), ("waiting", 7.0, 7), ("of_another_version", 1.5, 1.5)],
)
def test_ratios_and_counts_stay_as_they_are(measure: str, value: float, shown: float) -> None:
    """Also those of measures that this callmon does not know."""
    found = only(an_alert(measure, limit=value, value=value))

    assert (shown, shown, shown) == (found["limit"], found["value"], found["peak"])


def test_a_storm_is_about_a_team() -> None:
    """The key says what kind of subject it is."""
    assert "客服" == only(an_alert(kind="team"))["team"]


def test_an_alert_about_nothing_known_is_no_alert() -> None:
    """Nothing is told without saying of whom."""
    with pytest.raises(JournalError, match="expected one of queue, group, team, found 'line'"):
        only(an_alert(kind="line"))


def test_an_alert_of_an_older_callmon_was_raised_when_it_fired() -> None:
    """Nobody wrote down anything else."""
    assert "2026-11-23T01:13:20Z" == only(an_alert(raised_at=None))["raised_at"]


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [
        ("", "pending"),
        ("silenced", "pending"),
        ("told", "told"),
        ("held followed told", "told"),
        ("held", "held"),
        ("held followed", "pending"),
        ("held followed handed_over", "handed_over"),
        ("handed_over", "handed_over"),
        ("missed", "missed"),
        ("held followed missed", "missed"),
        ("told silenced end_told", "told"),
    ],
)
def test_how_an_alert_reached_people(steps: str, outcome: str) -> None:
    """Being told weighs most; what a storm held and let go is as if it had not been held."""
    alert = an_alert()

    found = outcome_of(alert, [a_step(alert, step, FIRED) for step in steps.split()])

    assert outcome == found
    assert set(steps.split()) <= set(AlertStep)


def test_what_nobody_wrote_down_is_not_known() -> None:
    """An alert that is over, of a callmon that kept no steps, is not pending for ever."""
    over = an_alert(ended_at=NOW)

    assert outcome_of(over, []) is None
    assert "pending" == outcome_of(over, [a_step(over, "inhibited", FIRED)])


def test_the_first_alertmanager_counts() -> None:
    """From the moment this alert was raised; a clock that was set back gives no less than 0."""
    alert = an_alert(raised_at=FIRED + 3)
    steps = [a_step(alert, "told", FIRED + at, f"{at}") for at in (9, 5)]

    assert 2 == told_after(alert, steps)
    assert 0 == told_after(alert, [a_step(alert, "told", FIRED)])
    assert told_after(alert, [a_step(alert, "handed_over", FIRED)]) is None


# ---- what is asked ----------------------------------------------------------------------


def test_without_parameters_it_is_the_last_day() -> None:
    """Of all queues and thresholds."""
    expected = HistoryQuestion(at=NOW, since=NOW - 24 * HOUR, until=None, limit=1_000)

    assert expected == history_question({}, NOW)


def test_everything_can_be_asked_for() -> None:
    """Lengths back from now, instants with their zone, names, and how many."""
    found = history_question(
        {
            "since": "2026-11-23T08:00:00+08:00",
            "until": "90m",
            "group": "sales",
            "threshold": "long_wait",
            "limit": "10000",
        },
        NOW,
    )

    assert (
        HistoryQuestion(
            at=NOW,
            since=1_795_392_000 * SECOND,
            until=NOW - 90 * 60 * SECOND,
            kind="group",
            subject="sales",
            threshold="long_wait",
            limit=10_000,
        )
        == found
    )
    assert ("queue", "客服") == (
        (asked := history_question({"queue": "客服"}, NOW)).kind,
        asked.subject,
    )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"que": "a"}, r"^unknown parameter 'que'; did you mean 'queue'\?$"),
        ({"xyz": "a"}, r"^unknown parameter 'xyz': known are since, until, queue, group,"),
        ({"queue": ""}, r"^queue: expected a value, found none$"),
        ({"queue": "a", "group": "b"}, r"^expected queue or group, found both$"),
        ({"limit": "0"}, r"^limit: expected a number from 1 to 10000, found '0'$"),
        ({"limit": "10001"}, r"^limit: expected a number from 1 to 10000, found '10001'$"),
        ({"limit": "-1"}, r"^limit: expected a number"),
        ({"limit": "²"}, r"^limit: expected a number"),
        ({"since": "yesterday"}, r"^since: expected a length like 24h or an instant like "),
        ({"since": "24"}, r"Z, found '24'$"),
        ({"until": "2026-11-22T18:00"}, r"^until: .*Z, found '2026-11-22T18:00'$"),
        ({"since": "1h", "until": "2h"}, r"^expected since before until, found 2026-.*Z and"),
    ],
)
def test_a_wrong_question_is_refused(parameters: Mapping[str, str], message: str) -> None:
    """In one sentence that says what would be right."""
    with pytest.raises(ValueError, match=message):
        history_question(parameters, NOW)


@given(st.text("0123456789hmsdT:+-Z .", max_size=12))
def test_any_text_is_an_instant_or_refused(text: str) -> None:
    """Nothing that is written there makes the server fail, or asks for before the epoch."""
    try:
        found = moment("since", text, NOW)
    except ValueError:
        return
    assert 0 <= found < 2**62


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T02:13:20Z", 0),
        ("2026-11-23T10:13:20+08:00", 0),
        ("2026-11-23T10:13:20 08:00", 0),
        ("2026-11-23 02:13:20+00:00", 0),
        ("2026-11-22T22:13:20-04:00", 0),
        ("1h30m", -90 * 60 * SECOND),
    ],
)
def test_an_instant_may_be_written_in_many_ways(text: str, expected: Micros) -> None:
    """A plus in an address comes out as a blank."""
    assert NOW + expected == moment("since", text, NOW)


def test_the_end_of_the_calendar_can_be_shown() -> None:
    """The answer repeats the question, in UTC, whose years end with 9999."""
    found = moment("until", "9999-12-31T23:59:59-23:59", NOW)

    assert "9999-12-31T23:59:59.999999Z" == instant(found)


@pytest.mark.parametrize("text", ["99999999999999d", "1066-10-14T09:00:00Z"])
def test_nothing_was_before_the_epoch(text: str) -> None:
    """Nor does SQLite count further down than it can."""
    assert 0 == moment("since", text, NOW)


@pytest.mark.parametrize(
    "text", ["2026-11-23T10:13:20", "2026-11-23 10:13:20", "2026-11-23T02:13:20Z"]
)
def test_an_instant_without_a_zone_is_one_of_the_house(text: str) -> None:
    """Where there is a house."""
    assert NOW == moment("--since", text, NOW, ZoneInfo("Asia/Shanghai"))


def test_no_more_is_answered_than_was_asked_for(tmp_path: Path) -> None:
    """And said so where there is more."""
    path = written(tmp_path, *(an_alert(fired_at=FIRED + n, raised_at=None) for n in range(3)))

    answers = [
        ask(path, HistoryQuestion(at=NOW, since=0, until=NOW, limit=limit)) for limit in (2, 3)
    ]

    assert [(2, True), (3, False)] == [(len(found), more) for found, more in answers]


def test_all_of_a_question_is_asked(tmp_path: Path) -> None:
    """Each part of it leaves out what another would not."""
    path = written(
        tmp_path,
        an_alert(fired_at=1, raised_at=None, ended_at=2),
        an_alert(fired_at=5, raised_at=None, kind="group"),
        an_alert(fired_at=6, raised_at=None, ended_at=7),
    )

    def fired(**asked: Any) -> list[int]:
        question = HistoryQuestion(at=NOW, **({"since": 0} | asked))
        return [record.fired_at for record, _ in ask(path, question)[0]]

    assert [6, 5, 1] == fired()
    assert [6, 5] == fired(since=3)
    assert [5, 1] == fired(until=5)
    assert [5] == fired(kind="group") == fired(standing=True)
    assert [] == fired(subject="sales") == fired(threshold="hang_ups")


# ---- without holding up the loop --------------------------------------------------------


@pytest.mark.anyio
async def test_history_is_answered_from_the_journal(tmp_path: Path) -> None:
    """As JSON that is ready to be sent."""
    path = await asyncio.to_thread(written, tmp_path, an_alert(), an_alert(kind="group"))
    history = History(path, ManualClock(NOW))

    answer = msgspec.json.decode(await history.answer({"queue": "客服"}))

    assert ["客服"] == [alert.get("queue") for alert in answer["alerts"]]


@pytest.mark.anyio
async def test_history_without_a_journal_is_an_error(tmp_path: Path) -> None:
    """So are labels that somebody else has written."""
    with pytest.raises(JournalError, match="no journal yet"):
        await History(tmp_path / "journal.db", ManualClock(NOW)).answer({})

    damaged = msgspec.structs.replace(an_alert(), labels="[1]")
    path = await asyncio.to_thread(written, tmp_path, damaged)
    with pytest.raises(JournalError, match="labels of an alert of long_wait: ") as refused:
        await History(path, ManualClock(NOW)).answer({})
    assert JournalReason.CORRUPT == refused.value.reason


@pytest.mark.anyio
@pytest.mark.parametrize(
    "nonsense", [{"limit": None}, {"peak": float("inf")}, {"value": "three"}, {"since": 2**62}]
)
async def test_a_journal_with_nonsense_in_it_is_an_error(
    tmp_path: Path, nonsense: dict[str, Any]
) -> None:
    """Of the journal, not of who asks, and not of callmon."""
    damaged = msgspec.structs.replace(an_alert(), **nonsense)
    path = await asyncio.to_thread(written, tmp_path, damaged)

    with pytest.raises(JournalError, match="makes no sense: ") as refused:
        await History(path, ManualClock(NOW)).answer({})
    assert JournalReason.CORRUPT == refused.value.reason


@pytest.mark.anyio
async def test_a_disk_that_hangs_holds_only_so_many_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are for what must go on; once it answers, so does history."""
    free, asked = threading.Event(), threading.Semaphore(0)

    def hang(_path: Path, _question: HistoryQuestion) -> tuple[list[Any], bool]:
        asked.release()
        free.wait(60)
        return [], False

    monkeypatch.setattr(alert_views, "ask", hang)
    monkeypatch.setattr(alert_views, "ANSWER_TIMEOUT_S", 0.02)
    history = History(tmp_path / "journal.db", ManualClock(NOW))
    for _ in range(AT_ONCE + 2):
        with pytest.raises(JournalError, match="the disk does not answer"):
            await history.answer({})
    monkeypatch.setattr(alert_views, "ANSWER_TIMEOUT_S", 60)
    free.set()

    assert [] == msgspec.json.decode(await history.answer({}))["alerts"]
    for _ in range(AT_ONCE + 1):
        assert await asyncio.to_thread(asked.acquire, timeout=30)
    assert not asked.acquire(blocking=False)
