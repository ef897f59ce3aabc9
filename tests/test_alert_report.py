"""Tests of ``callmon alerts``: the table, its JSON, and whom it asks for what."""

import json
from pathlib import Path

import pytest

from callmon.alert_history import STORM_MEASURE
from callmon.alert_report import AlertsRequest, alerts_text
from callmon.clock import SECOND, Micros
from callmon.errors import ConfigError
from callmon.journal import AlertRecord, AlertStepRecord
from callmon.journal.entries import JournalError
from callmon.journal.handover import Known, Load
from callmon.journal.store import Store

NOW: Micros = 1_795_400_000 * SECOND  # 2026-11-23T10:13:20+08:00
MINUTE: Micros = 60 * SECOND

CONFIG = """\
timezone: Asia/Shanghai
feeds:
  log: {type: queue_log, path: /nowhere/queue_log, password: "${ABSENT}"}
queues: {sales: {}, VIP: {}}
groups: {VIP: {queues: [sales]}, centre: {queues: ["*"]}}
storage: {directory: state}
"""


def an_alert(
    subject: str,
    fired_at: Micros,
    measure: str = "longest_wait",
    limit: float = 180e6,
    peak: float = 252e6,
    **more: object,
) -> AlertRecord:
    """Return an alert; *more* are any of its fields."""
    fields: dict[str, object] = {
        "threshold": "long_wait",
        "kind": "queue",
        "severity": "warning",
        "since": fired_at,
        "window": None,
        "direction": "above",
        "value": limit,
        "ended": "recovered" if "ended_at" in more else None,
        "raised_at": fired_at,
    }
    fields |= more
    return AlertRecord(
        subject=subject,
        fired_at=fired_at,
        measure=measure,
        limit=limit,
        peak=peak,
        **fields,  # type: ignore[arg-type]  # by name
    )


def a_step(alert: AlertRecord, step: str, at: Micros, detail: str = "") -> AlertStepRecord:
    """Return something that became of *alert*."""
    name = alert.threshold, alert.kind, alert.subject, alert.severity, alert.fired_at
    return AlertStepRecord(*name, step=step, at=at, detail=detail)


FIRST = NOW - 50 * MINUTE
WAIT = an_alert("sales", FIRST, ended_at=FIRST + 723 * SECOND, cause="few agents")
WORSE = an_alert(
    "sales", FIRST, severity="critical", raised_at=FIRST + 5 * MINUTE, shift="night"
)
RATE = an_alert(
    "客服",
    NOW - 40 * MINUTE,
    "abandonment_rate",
    0.2,
    0.214,
    threshold="hang_ups",
    window="15m",
    ended_at=NOW - 30 * MINUTE,
    ended="no_contacts",
)
STORM = an_alert(
    "vip",
    NOW - 30 * MINUTE,
    STORM_MEASURE,
    10.0,
    200.0,
    kind="team",
    threshold="QueueAlertStorm",
    severity="critical",
    ended_at=NOW - 20 * MINUTE,
)
OTHERS = [
    an_alert("VIP", NOW - 9 * MINUTE, kind="group", ended_at=NOW - 8 * MINUTE, ended="closed"),
    an_alert("VIP", NOW - 7 * MINUTE, ended_at=NOW - 6 * MINUTE, ended="no_contacts"),
    an_alert("VIP", NOW - 5 * MINUTE, "of_old", ended_at=NOW, ended="removed"),
]
ENDS = "2026-11-23T04:00:00.123456789Z"
STEPS = [
    a_step(WAIT, "told", FIRST + 45_000, "am1"),
    a_step(WAIT, "silenced", FIRST + 3 * MINUTE, f"by ann\x1b until {ENDS}"),
    a_step(WAIT, "silenced", FIRST + 4 * MINUTE, "by ann until 2026-13-23T04:00:00Z"),
    a_step(WORSE, "inhibited", FIRST + 6 * MINUTE, "long_wait critical"),
    a_step(RATE, "handed_over", NOW - 39 * MINUTE),
    a_step(STORM, "told", STORM.fired_at + 2 * SECOND),
    a_step(OTHERS[0], "missed", NOW),
    a_step(OTHERS[1], "held", NOW, "vip"),
]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Write a configuration, and a journal with alerts."""
    (tmp_path / "callmon.yml").write_text(CONFIG)
    (tmp_path / "state").mkdir()
    store = Store(tmp_path / "state" / "journal.db")
    load = Load(Known(10))
    load.add_alerts([WAIT, WORSE, RATE, STORM, *OTHERS])
    load.add_alert_steps(STEPS)
    store.write(load)
    store.finish()
    return tmp_path / "callmon.yml"


def shown(config: Path, since: str = "24h", **more: object) -> list[str]:
    """Return the lines that are printed."""
    request = AlertsRequest(config=config, since=since, **more)  # type: ignore[arg-type]  # by name
    return alerts_text(request, {}, NOW).splitlines()


def test_alerts_are_a_table(config: Path) -> None:
    """The newest first; below each what was wrong at its worst, and what became of it."""
    assert (
        """\
7 alerts from 2026-11-22 10:13:20 UTC+8 to 2026-11-23 10:13:20 UTC+8

began                severity  lasted      ended            told
2026-11-23 10:08:20  warning   5 min       removed          –
  VIP [long_wait]
2026-11-23 10:06:20  warning   1 min       no callers left  by a storm
  VIP: longest wait 4 min 12 s (limit 3 min) [long_wait]
2026-11-23 10:04:20  warning   1 min       closed           missed
  VIP: longest wait 4 min 12 s (limit 3 min) [long_wait, group]
2026-11-23 09:43:20  critical  10 min      recovered        after 2 s
  team vip: 200 alerts at once (limit 10) [QueueAlertStorm]
2026-11-23 09:33:20  warning   10 min      no callers left  by Prometheus
  客服: 21.4 % of callers hung up (15 min; limit 20 %) [hang_ups]
2026-11-23 09:28:20  critical  45 min      stands           not yet
  sales: longest wait 4 min 12 s (limit 3 min) [long_wait, \
escalated after 5 min, shift night]
  2026-11-23 09:29:20 inhibited by long_wait critical
2026-11-23 09:23:20  warning   12 min 3 s  recovered        after 45 ms
  sales: longest wait 4 min 12 s (limit 3 min) [long_wait]
  likely cause: few agents
  2026-11-23 09:26:20 silenced by ann? until 2026-11-23 12:00:00
  2026-11-23 09:27:20 silenced by ann until 2026-13-23T04:00:00Z
""".splitlines()
        == shown(config)
    )


def test_columns_stand_below_each_other_in_a_terminal(config: Path) -> None:
    """Chinese takes two columns a character."""
    ended = an_alert("sales", NOW, ended_at=NOW, ended="结束了")
    store = Store(config.parent / "state" / "journal.db")
    load = Load(Known(10))
    load.add_alerts([ended])
    store.write(load)
    store.finish()

    assert [
        "began                severity  lasted  ended   told",
        "2026-11-23 10:13:20  warning   0 s     结束了  –",
    ] == shown(config, limit=1)[2:4]


def test_a_queue_is_found_in_any_capitals(config: Path) -> None:
    """As everywhere else; a group of that name is another thing."""
    lines = shown(config, queue="vip")

    assert "2 alerts from" == lines[0][:13]
    assert not any("group" in line for line in lines)


def test_a_group_is_asked_for_by_its_own_option(config: Path) -> None:
    """A queue may have the same name; who asks for a queue by that of a group is told."""
    lines = shown(config, group="vip")

    assert "1 alert from" == lines[0][:12]
    assert "long_wait, group]" in lines[4]
    assert shown(config, queue="centre")[0].endswith(
        ": callmon.yml has no queue 'centre'; for the group of this name: --group"
    )
    assert shown(config, group="center")[0].endswith(
        ": callmon.yml has no group 'center'; did you mean 'centre'?"
    )
    with pytest.raises(ValueError, match=r"^expected --queue or --group, found both$"):
        shown(config, queue="sales", group="centre")


def test_a_silence_that_two_alertmanagers_tell_of_is_said_once(config: Path) -> None:
    """They differ by milliseconds at most, and one line says it."""
    store = Store(config.parent / "state" / "journal.db")
    load = Load(Known(10))
    ends = ENDS.replace("0.123456789", "0.9")
    load.add_alert_steps(
        [a_step(WORSE, "silenced", NOW, f"by bo until {end}") for end in (ENDS, ends)]
    )
    store.write(load)
    store.finish()

    assert 1 == sum("silenced by bo until" in line for line in shown(config))


def test_why_an_alert_was_told_late_is_said(config: Path) -> None:
    """A storm spoke for it until then."""
    store = Store(config.parent / "state" / "journal.db")
    load = Load(Known(10))
    load.add_alert_steps([a_step(WORSE, "held", NOW), a_step(WORSE, "followed", NOW)])
    store.write(load)
    store.finish()

    assert "  2026-11-23 10:13:20 told singly after a storm" in shown(config)


def test_what_has_not_begun_is_refused(config: Path) -> None:
    """No span ends before it begins, in the time zone of whoever asks."""
    with pytest.raises(
        ValueError, match=r"^--since: expected an instant that is past, found '"
    ):
        shown(config, "2030-01-01")
    with pytest.raises(
        ValueError,
        match=r"^expected --since before --until, found 2026-11-23 09:00:00 \S+"
        r" and 2026-11-23 08:00:00 \S+$",
    ):
        shown(config, "2026-11-23T09:00", until="2026-11-23T08:00")


def test_alerts_can_be_narrowed_down(config: Path) -> None:
    """By threshold, by time, and to those that stand."""
    assert "1 alert from" == shown(config, threshold="hang_ups")[0][:12]
    assert "1 standing alert from" == shown(config, standing=True)[0][:21]
    assert (
        "3 alerts from 2026-11-23 09:20:00 UTC+8 to 2026-11-23 09:33:20 UTC+8"
        == shown(config, since="2026-11-23T09:20", until="2026-11-23 09:33:20")[0]
    )


def test_where_there_is_nothing_that_is_said(config: Path) -> None:
    """With a question where the name is probably misspelt: no alerts is good news."""
    span = "2026-11-23 10:13:19 UTC+8 to 2026-11-23 10:13:20 UTC+8"

    nothing = [
        shown(config, since="1s", **asked)
        for asked in (
            {"standing": True, "queue": "VIP"},
            {"threshold": "hang_ups"},
            {"queue": "salse"},
            {"queue": "x\x1b"},
        )
    ]

    assert [
        [f"no standing alerts from {span}"],
        [f"no alerts from {span}"],
        [f"no alerts from {span}: callmon.yml has no queue 'salse'; did you mean 'sales'?"],
        [f"no alerts from {span}: callmon.yml has no queue 'x?'"],
    ] == nothing


def test_that_there_are_more_is_said(config: Path) -> None:
    """Nobody takes a part for the whole."""
    assert (
        "1 alert from 2026-11-22 10:13:20 UTC+8 to 2026-11-23 10:13:20 UTC+8:"
        " the newest; there are more, see --until and --limit"
    ) == shown(config, limit=1)[0]


def test_json_is_that_of_the_server(config: Path) -> None:
    """For programs, whether the server runs or not."""
    answer = json.loads("\n".join(shown(config, queue="sales", json=True)))

    assert [("critical", "pending"), ("warning", "told")] == [
        (alert["severity"], alert["outcome"]) for alert in answer["alerts"]
    ]
    assert ("2026-11-23T02:13:20Z", False) == (answer["at"], answer["more"])


def test_a_wrong_instant_is_refused(config: Path) -> None:
    """By the name of its option."""
    with pytest.raises(ValueError, match=r"^--since: .* like 2026-11-22T18:00, found 'noon'$"):
        shown(config, "noon")
    with pytest.raises(ValueError, match=r"^--until: expected"):
        shown(config, until="noon")


def test_without_a_journal_that_is_said(config: Path) -> None:
    """With the path at which it would be."""
    (config.parent / "state" / "journal.db").unlink()

    with pytest.raises(JournalError, match=r"/state/journal\.db: no journal yet"):
        shown(config)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CONFIG.replace("state", '"${ABSENT}"'), r"callmon\.yml:6:\d+: storage\.directory: "),
        (CONFIG.replace("Shanghai", "Shangai"), r"callmon\.yml:1:\d+: timezone: "),
        ("feeds: [", r"callmon\.yml:2:1: expected a value"),
    ],
)
def test_where_the_journal_is_must_be_known(config: Path, text: str, message: str) -> None:
    """Another one is not read instead; mistakes elsewhere do not matter."""
    config.write_text(text)

    with pytest.raises(ConfigError, match=message):
        shown(config)


def test_a_configuration_that_is_not_there_is_an_error(config: Path) -> None:
    """Said as all commands say it."""
    config.unlink()

    with pytest.raises(ConfigError, match=r"callmon\.yml:1:1: cannot read the file: No such"):
        shown(config)
