"""Tests of the daemon's own metrics, and of the page that explains every metric."""

import asyncio
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from callmon.clock import SECOND
from callmon.journal import JournalMetrics
from callmon.rules import SubjectKind
from callmon.sinks.agent_families import AGENT_STATE, AGENTS_LEFT_OUT
from callmon.sinks.base import DeliveryMetrics
from callmon.sinks.families import subject_sections
from callmon.sinks.threshold_families import (
    HANDED_OVER,
    STORM_HANDED_OVER,
    ThresholdSection,
)
from callmon.telemetry import Telemetry

PAGE = Path(__file__).parent.parent / "docs" / "operators" / "metrics.md"


def samples(telemetry: Telemetry) -> dict[str, float]:
    """Return every sample by its line's text before the value."""
    lines = telemetry.render(openmetrics=False).decode().splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    return {name: float(value) for name, value in pairs}


def test_a_feed_shows_what_it_does() -> None:
    """State, last event, lag, skew, losses, gaps and events, under the feed's name."""
    telemetry = Telemetry("1.2.3")
    feed = telemetry.feed("pbx")

    feed.up(up=True)
    feed.silent(silent=True)
    feed.received("contact_joined", 1_700_000_000_500_000, 1_700_000_001 * SECOND, 3)
    feed.skewed(-2 * SECOND)
    feed.judged(2)
    feed.reconnected("lost")
    feed.gap(90 * SECOND)

    shown = samples(telemetry)
    assert {
        'callmon_feed_up{feed="pbx"}': 1.0,
        'callmon_feed_silent{feed="pbx"}': 1.0,
        'callmon_feed_last_event_timestamp_seconds{feed="pbx"}': 1_700_000_000.5,
        'callmon_feed_lag_seconds{feed="pbx"}': 0.5,
        'callmon_feed_clock_skew_seconds{feed="pbx"}': -2.0,
        'callmon_feed_account_findings{feed="pbx"}': 2.0,
        'callmon_feed_reconnects_total{feed="pbx",reason="lost"}': 1.0,
        'callmon_events_total{feed="pbx",kind="contact_joined"}': 3.0,
        'callmon_gap_seconds_total{feed="pbx"}': 90.0,
    } == {name: value for name, value in shown.items() if '"pbx"' in name}


def test_nothing_is_said_of_events_before_the_first() -> None:
    """A feed that has heard nothing has no time of its last event: not even 1970."""
    telemetry = Telemetry("1.2.3")
    telemetry.feed("pbx").up(up=False)

    names = samples(telemetry)

    assert 'callmon_feed_up{feed="pbx"}' in names
    assert not any("last_event" in name or "lag" in name or "skew" in name for name in names)


def test_a_forgotten_feed_leaves_no_series() -> None:
    """What is no longer configured is not shown; a feed of the same name begins anew."""
    telemetry = Telemetry("1.2.3")
    gone, stays = telemetry.feed("gone"), telemetry.feed("stays")
    for feed in (gone, stays):
        feed.received("contact_joined", SECOND, SECOND)
        feed.judged(1)
        feed.reconnected("lost")

    telemetry.forget_feed("gone")
    telemetry.forget_feed("never_was")

    assert not any('"gone"' in name for name in samples(telemetry))
    assert (
        1.0 == samples(telemetry)['callmon_feed_reconnects_total{feed="stays",reason="lost"}']
    )
    assert telemetry.feed("gone") is not gone


def test_drops_are_counted_by_stage_and_reason() -> None:
    """The engine's are totals and may be told again; late and duplicate have their own."""
    telemetry = Telemetry("1.2.3")

    telemetry.events_dropped("decode", "bad_time", 2)
    telemetry.dropped_by_engine({"late": 1, "duplicate": 4})
    telemetry.dropped_by_engine({"late": 3, "duplicate": 4, "orphan": 1})

    shown = samples(telemetry)
    assert 2.0 == shown['callmon_events_dropped_total{reason="bad_time",stage="decode"}']
    assert 3.0 == shown['callmon_events_dropped_total{reason="late",stage="engine"}']
    assert 1.0 == shown['callmon_events_dropped_total{reason="orphan",stage="engine"}']
    assert (3.0, 4.0) == (
        shown["callmon_events_late_total"],
        shown["callmon_events_duplicate_total"],
    )


def test_deliveries_are_counted() -> None:
    """It is what the sinks ask for, and every call is seen."""
    telemetry = Telemetry("1.2.3")
    metrics: DeliveryMetrics = telemetry

    metrics.posted("am1", "accepted")
    metrics.delivered("am1", SECOND // 5)
    metrics.handed_over()
    metrics.missed()
    metrics.dropped("capacity")

    shown = samples(telemetry)
    bucket = 'callmon_alertmanager_delivery_seconds_bucket{alertmanager="am1",le="0.25"}'
    assert 1.0 == shown[bucket]
    assert {1.0} == {
        shown['callmon_alertmanager_posts_total{alertmanager="am1",result="accepted"}'],
        shown["callmon_alerts_handed_over_total"],
        shown["callmon_alerts_missed_total"],
        shown['callmon_alerts_dropped_total{reason="capacity"}'],
    }


def test_the_journal_shows_how_it_is() -> None:
    """It is what the journal asks for, and every call is seen."""
    telemetry = Telemetry("1.2.3")
    metrics: JournalMetrics = telemetry.journal

    metrics.committed(3, 0.01)
    metrics.failed("corrupt")
    metrics.given_up(5)
    metrics.waiting(7)
    metrics.up(True)  # noqa: FBT003 - one fact, and the name says which
    metrics.size(4096)
    metrics.damaged(2)
    metrics.checkpointed(1_700_000_000 * SECOND)
    metrics.duplicate(9)

    shown = samples(telemetry)
    assert {
        "callmon_journal_events_total": 3.0,
        "callmon_journal_commit_seconds_sum": 0.01,
        'callmon_journal_failures_total{reason="corrupt"}': 1.0,
        "callmon_journal_given_up_events_total": 5.0,
        "callmon_journal_pending_events": 7.0,
        "callmon_journal_up": 1.0,
        "callmon_journal_size_bytes": 4096.0,
        "callmon_journal_damaged_files": 2.0,
        "callmon_journal_last_checkpoint_timestamp_seconds": 1.7e9,
        "callmon_journal_duplicates_total": 9.0,
    } == {
        name: value
        for name, value in shown.items()
        if "journal" in name and not re.search("_bucket|_seconds_count", name)
    }


def test_the_daemon_tells_its_version_and_reloads() -> None:
    """A refused reload is seen, and when the running configuration was read."""
    telemetry = Telemetry("1.2.3")
    telemetry.reloaded(1_700_000_000 * SECOND)
    telemetry.reload_failed()
    telemetry.rendered(SECOND // 100)
    telemetry.stalled(SECOND // 200)

    shown = samples(telemetry)

    assert any(name.startswith("callmon_build_info{") and "1.2.3" in name for name in shown)
    assert 0.0 == shown["callmon_config_last_reload_successful"]
    assert 1.7e9 == shown["callmon_config_last_reload_success_timestamp_seconds"]
    assert 0.01 == shown["callmon_scrape_duration_seconds"]
    assert 0.005 == shown["callmon_event_loop_stall_seconds"]
    assert shown["process_resident_memory_bytes"] > 0


def test_both_formats_say_the_same() -> None:
    """OpenMetrics comes without its end mark, and neither has ``_created`` lines."""
    telemetry = Telemetry("1.2.3")
    telemetry.feed("pbx").received("contact_joined", SECOND, SECOND)
    telemetry.delivered("am1", SECOND)

    text = telemetry.render(openmetrics=False).decode()
    open_text = telemetry.render(openmetrics=True).decode()

    assert "_created" not in text + open_text
    assert "# EOF" not in open_text
    assert _names(text_string_to_metric_families(text)) == _names(
        openmetrics_families(open_text + "# EOF\n")  # type: ignore[no-untyped-call]  # untyped
    )


def _names(families: Iterable[object]) -> set[str]:
    return {
        sample.name
        for family in families
        for sample in family.samples  # type: ignore[attr-defined]  # untyped
    }


@pytest.mark.anyio
async def test_it_renders_beside_the_loop() -> None:
    """Reading /proc is for a thread; nothing else keeps it from one."""
    telemetry = Telemetry("1.2.3")

    text = await asyncio.to_thread(telemetry.render, openmetrics=False)

    assert b"process_open_fds" in text


def _families(kind: SubjectKind) -> set[tuple[str, str]]:
    return {
        (family.name, family.kind)
        for section in subject_sections(kind, ("15m",))
        for family in section.families
    }


def test_every_metric_is_explained_and_nothing_else() -> None:
    """The page for operators has each family once, with its type, and no other."""
    text = Telemetry("1.2.3").render(openmetrics=False).decode()
    families = _families(SubjectKind.QUEUE)
    families |= {(family.name, family.kind) for family in ThresholdSection().families}
    single = (HANDED_OVER, STORM_HANDED_OVER, AGENT_STATE, AGENTS_LEFT_OUT)
    families |= {(family.name, family.kind) for family in single}
    families |= set(re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE))

    table = re.findall(r"^\| `([a-z_0-9]+)` \| (\w+) \|", PAGE.read_text(), re.MULTILINE)

    assert sorted(families) == sorted(table)


def test_groups_have_what_queues_have() -> None:
    """Their names follow from those of queues, as the page says."""
    of_queues = {
        (re.sub("^callmon_(queue_)?", "callmon_group_", name), kind)
        for name, kind in _families(SubjectKind.QUEUE)
    }

    assert of_queues == _families(SubjectKind.GROUP)
