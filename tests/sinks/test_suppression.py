"""What Alertmanager says of whom it does not tell."""

import pytest

from callmon.alerts import AlertStep
from callmon.clock import SECOND
from callmon.rules import Severity
from callmon.sinks.payload import rfc3339
from callmon.sinks.suppression import Suppression
from callmon.testing import ManualClock
from tests.sinks.scripted_alertmanager import ScriptedAlertmanager
from tests.sinks.test_alertmanager import Road, an_alert, ended, fired, key

pytestmark = pytest.mark.anyio

UNTIL = 7_200 * SECOND


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands still."""
    return ManualClock()


@pytest.fixture
def peer(clock: ManualClock) -> ScriptedAlertmanager:
    """Return an Alertmanager that is up, with one silence."""
    peer = ScriptedAlertmanager(clock)
    peer.silences = [
        {"id": "s-1", "createdBy": "ana", "comment": "training", "endsAt": rfc3339(UNTIL)}
    ]
    return peer


async def test_a_silence_is_seen_with_its_maker_and_its_end(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """Within ten seconds, and written down once it is."""
    road, alert = Road(clock, {"am": peer}), an_alert(clock)
    alert_key = road.key(alert)
    async with road.running() as sink:
        sink.apply([fired(alert)])
        await road.seconds(11)
        before = sink.suppression(alert_key)
        peer.silenced.add(key(alert))
        await road.seconds(11)
        during = sink.suppression(alert_key)
        peer.silenced.clear()
        await road.seconds(11)
        after = sink.suppression(alert_key)

    assert before is None
    assert (
        Suppression(
            alertmanager="am",
            kind="silenced",
            by="ana",
            until=UNTIL,
            comment="training",
            silence_id="s-1",
        )
        == during
    )
    assert after is None
    steps = road.notes.of("long_wait")
    assert (AlertStep.SILENCED, f"by ana until {rfc3339(UNTIL)}") in steps


async def test_an_inhibition_names_the_alert_that_speaks_for_it(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """The escalated one, as shipped."""
    road = Road(clock, {"am": peer})
    warning, critical = an_alert(clock), an_alert(clock, severity=Severity.CRITICAL)
    peer.inhibited[key(warning)] = key(critical)
    async with road.running() as sink:
        sink.apply([fired(warning), fired(critical)])
        await road.seconds(11)

        found = sink.suppression(road.key(warning))

    assert Suppression(alertmanager="am", kind="inhibited", by="long_wait critical") == found


async def test_nobody_is_asked_about_nothing(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """A quiet night is quiet on the wire, too."""
    road, alert = Road(clock, {"am": peer}), an_alert(clock)
    async with road.running() as sink:
        await road.seconds(60)
        quiet = list(road.metrics.results)
        sink.apply([fired(alert)])
        await road.seconds(1)
        sink.apply([ended(alert, clock)])
        await road.seconds(5)
        asked = len(road.metrics.results)
        await road.seconds(60)

    assert [] == quiet
    assert asked == len(road.metrics.results)


async def test_what_is_not_known_now_is_not_shown(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """A silence that was seen an hour ago may be over."""
    road, alert = Road(clock, {"am": peer}), an_alert(clock)
    peer.silenced.add(key(alert))
    async with road.running() as sink:
        sink.apply([fired(alert)])
        await road.seconds(11)
        seen = sink.suppression(road.key(alert))
        peer.mood = "broken"
        await road.seconds(11)

        assert seen is not None
        assert sink.suppression(road.key(alert)) is None


async def test_what_others_write_is_not_kept_at_full_length(
    clock: ManualClock, peer: ScriptedAlertmanager
) -> None:
    """A name of a megabyte, or a thousand alerts that inhibit: a mishap elsewhere."""
    road = Road(clock, {"am": peer})
    quiet, under = an_alert(clock, "quiet"), an_alert(clock, "under")
    endless = "x" * 1_000_000
    peer.silences = [
        {"id": endless, "createdBy": endless, "comment": endless, "endsAt": endless}
    ]
    peer.silenced.add(key(quiet))
    peer.inhibited[key(under)] = (("gone", endless),)
    async with road.running() as sink:
        sink.apply([fired(quiet), fired(under)])
        await road.seconds(11)
        found = [sink.suppression(road.key(alert)) for alert in (quiet, under)]

    for why in found:
        assert why is not None
        assert all(len(text) <= 200 for text in (why.by, why.comment, why.silence_id))
    assert all(len(detail) <= 500 for _, _, _, detail in road.notes.steps)


@pytest.mark.parametrize("ends", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+01:00"])
async def test_an_end_that_no_calendar_has_is_not_known(
    clock: ManualClock, peer: ScriptedAlertmanager, ends: str
) -> None:
    """Nobody could show it: the year 10,000 of UTC."""
    road, alert = Road(clock, {"am": peer}), an_alert(clock)
    peer.silences[0]["endsAt"] = ends
    peer.silenced.add(key(alert))
    async with road.running() as sink:
        sink.apply([fired(alert)])
        await road.seconds(11)
        found = sink.suppression(road.key(alert))

    assert found is not None
    assert found.until is None
