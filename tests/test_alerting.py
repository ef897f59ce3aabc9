"""From the breach to those who must know of it: a daemon, its log, and an Alertmanager."""

import contextlib
import functools
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from callmon.clock import SECOND
from callmon.journal import Journal, Pace, writer
from callmon.sinks.payload import rfc3339
from tests.acceptance.driver import CONFIG, Daemon, LogWriter, running, sample, write_config
from tests.sinks.scripted_alertmanager import ScriptedAlertmanager
from tests.test_app import LONG_WAIT, SECONDS, START, alertmanager

pytestmark = pytest.mark.anyio

LABELLED = "labels: [team]\ndefaults:\n  labels: {team: blue}\n"


def joins(at: int, contact: int, queue: str = "sales") -> str:
    """Return the line of a caller who joins *at* seconds after the start."""
    return f"{SECONDS + at}|{contact}|{queue}|NONE|ENTERQUEUE|||1"


def hangs_up(at: int, contact: int, queue: str = "sales") -> str:
    """Return the line of a caller who hangs up, having joined at the start."""
    return f"{SECONDS + at}|{contact}|{queue}|NONE|ABANDON|1|1|{at}"


class House:
    """A daemon with one log and one Alertmanager."""

    def __init__(self, daemon: Daemon, log: LogWriter, peer: ScriptedAlertmanager) -> None:
        self.daemon = daemon
        self.log = log
        self.peer = peer

    async def at(self, seconds: int) -> None:
        """Let it be *seconds* after the start."""
        await self.daemon.leap(START + seconds * SECOND)

    async def told(self, count: int) -> None:
        """Wait until so many alerts fire at Alertmanager, and callmon knows of it."""
        await self.daemon.until(lambda: len(self.peer.firing()) == count, f"{count} fire")
        app = self.daemon.app
        assert app is not None
        sink = app._alerting.sink
        await self.daemon.until(
            lambda: sum(item["road"] == "direct" for item in sink.snapshot()) >= count,
            f"{count} are known to be told",
        )

    async def silent(self) -> None:
        """Wait until there is nothing more to tell."""
        app = self.daemon.app
        assert app is not None
        await self.daemon.until(lambda: not app._alerting.sink.snapshot(), "all is told")

    async def history(self, parameters: str = "") -> list[dict[str, Any]]:
        """Return what the API says of the alerts of the day, oldest first."""
        await self.daemon.durable()
        answer = json.loads(await self.daemon.get(f"/api/v1/alerts/history{parameters}"))
        found: list[dict[str, Any]] = answer["alerts"][::-1]
        return found


@contextlib.asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    """Run a daemon that tells an Alertmanager of long waits."""
    async with (
        running(folder, START, thresholds=LONG_WAIT) as (daemon, log),
        alertmanager(daemon.clock) as (peer, url),
    ):
        text = CONFIG + f"alertmanagers: [{{{{url: {url}}}}}]\n"
        write_config(folder, thresholds=LONG_WAIT, text=text)
        daemon.sleepers += 1  # who looks for silences
        daemon.at_work += 1
        assert () == await daemon.reload()
        yield House(daemon, log, peer)


async def test_the_history_tells_the_whole_life_of_an_alert(tmp_path: Path) -> None:
    """When it began, who was told when, how bad it got, how it ended."""
    async with house(tmp_path) as home:
        home.log.write([joins(0, 1)])
        await home.at(2)
        await home.at(180)
        await home.told(1)
        home.log.write([hangs_up(250, 1)])
        await home.at(251)
        await home.silent()

        (alert,) = await home.history()

    assert ("long_wait", "sales", "warning", "told", "recovered") == (
        alert["threshold"],
        alert["queue"],
        alert["severity"],
        alert["outcome"],
        alert["ended"],
    )
    assert 250 == alert["peak"]
    assert ["told", "end_told"] == [step["step"] for step in alert["steps"]]


async def test_what_is_told_is_of_now_and_in_both_languages(tmp_path: Path) -> None:
    """Who waits, and since when; repeated a minute later with the figures of then."""
    async with house(tmp_path) as home:
        home.log.write([joins(0, 1), joins(0, 2)])
        await home.at(2)
        await home.at(180)
        await home.told(1)
        first = home.peer.alert("long_wait")["annotations"]
        posts = len(home.peer.posts)
        home.log.write([joins(200, 3)])
        for second in range(202, 400):
            if len(home.peer.posts) > posts:
                break
            await home.at(second)
        again = home.peer.alert("long_wait")["annotations"]

    assert ("3 min", "2", "2 人") == (first["value"], first["waiting"], first["waiting_zh"])
    assert again["value"] not in {first["value"], ""}
    assert "3" == again["waiting"]
    assert again["value"] in again["summary"]
    assert again["value_zh"] in again["summary_zh"]


async def test_nothing_is_said_of_a_queue_that_cannot_be_seen(tmp_path: Path) -> None:
    """The log is gone: the alert stands, but nobody knows whether it should."""
    async with house(tmp_path) as home:
        home.log.write([joins(0, 1)])
        await home.at(2)
        await home.at(180)
        await home.told(1)
        app = home.daemon.app
        assert app is not None
        feed = app.monitor.feeds["log"]
        home.log.path.unlink()
        home.daemon.sleepers += 1  # who tells the alert again
        await home.daemon.quiet()
        assert not feed.up
        home.daemon.sleepers -= 1
        posts = len(home.peer.posts)
        for minute in range(5):
            await home.at(300 + 60 * minute)
        page = await home.daemon.get("/metrics")

    assert posts == len(home.peer.posts)
    assert "callmon_threshold_handed_over{" not in page


async def test_a_storm_is_one_alert_and_its_history_is_whole(tmp_path: Path) -> None:
    """Thirty queues breach at once: ten are told, and one for all."""
    async with house(tmp_path) as home:
        home.log.write([joins(0, number, f"queue{number}") for number in range(30)])
        await home.at(2)
        await home.at(180)
        await home.told(11)
        page = await home.daemon.get("/metrics")
        view = json.loads(await home.daemon.get("/api/v1/alerts"))
        found = await home.history("?threshold=long_wait")
        (storm,) = await home.history("?threshold=QueueAlertStorm")

    assert 0 == sample(page, 'callmon_storm_handed_over{severity="critical"}')
    assert 10 == page.count("callmon_threshold_handed_over{")
    assert 30 == len(found)
    assert {"told": 10, "held": 20} == {
        outcome: sum(alert["outcome"] == outcome for alert in found)
        for outcome in ("told", "held")
    }
    assert 20 == sum(alert["held"] for alert in view["alerts"])
    assert ("told", None, 10) == (storm["outcome"], storm["ended"], storm["limit"])


async def test_a_storm_outlives_a_restart(tmp_path: Path) -> None:
    """What was held is still held, the storm still stands, and nothing is told anew."""
    async with house(tmp_path) as home:
        home.log.write([joins(0, number, f"queue{number}") for number in range(30)])
        await home.at(2)
        await home.at(180)
        await home.told(11)
        before = home.peer.firing()
        await home.at(190)
        await home.daemon.durable()
        await home.daemon.restart(kill=True)
        await home.at(200)
        view = json.loads(await home.daemon.get("/api/v1/alerts"))
        (storm,) = await home.history("?threshold=QueueAlertStorm")

        assert before == home.peer.firing()
    assert 20 == sum(alert["held"] for alert in view["alerts"])
    assert storm["ended"] is None


async def test_a_breach_that_came_and_went_during_a_stop_is_missed(tmp_path: Path) -> None:
    """In the history, not only in a counter."""
    async with house(tmp_path) as home:
        await home.at(2)
        await home.daemon.stop()
        home.log.write([joins(10, 1), hangs_up(200, 1), joins(210, 2)])
        await home.daemon.clock.leap(START + 300 * SECOND, 0)
        await home.daemon.start()

        await home.silent()
        (alert,) = await home.history()

    assert ("missed", "recovered") == (alert["outcome"], alert["ended"])


async def test_what_came_at_the_instant_of_the_stop_is_missed_too(tmp_path: Path) -> None:
    """What is written late is judged by the last instant that was known."""
    async with house(tmp_path) as home:
        rules = "thresholds: [{name: crowded, measure: waiting, above: 0, for: 0s, keep: 0s}]"
        (tmp_path / "thresholds.yml").write_text(rules)
        assert () == await home.daemon.reload()
        await home.at(2)
        await home.daemon.stop()
        home.log.write([joins(1, 1), hangs_up(3, 1), joins(250, 2), hangs_up(251, 2)])
        await home.daemon.clock.leap(START + 300 * SECOND, 0)
        await home.daemon.start()

        await home.silent()
        found = await home.history()
        page = await home.daemon.get("/metrics")

    assert ["missed", "missed"] == [alert["outcome"] for alert in found]
    assert 2 == sample(page, "callmon_alerts_missed_total")


async def test_what_was_told_in_the_last_moment_before_a_kill_is_ended(tmp_path: Path) -> None:
    """Nothing of it was written down, but Alertmanager has it: it was not missed."""
    async with house(tmp_path) as home:
        await home.at(2)
        await home.daemon.stop()
        labels = {"alertname": "QueueThresholdBreached", "queue": "sales"}
        labels |= {"severity": "warning", "threshold": "long_wait"}
        alert = {
            "labels": labels,
            "startsAt": rfc3339(START + 190 * SECOND),
            "endsAt": rfc3339(START + 3_600 * SECOND),
        }
        home.peer._take([alert])
        home.log.write([joins(10, 1), hangs_up(200, 1)])
        await home.daemon.clock.leap(START + 300 * SECOND, 0)
        await home.daemon.start()
        await home.silent()
        (found,) = await home.history()
        page = await home.daemon.get("/metrics")

        assert set() == home.peer.firing()
    assert ["told", "end_told"] == [step["step"] for step in found["steps"]]
    assert 0 == sample(page, "callmon_alerts_missed_total")


async def test_what_people_are_told_is_written_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not when it has company: who is killed now must know of it after."""
    patient = functools.partial(Journal, pace=Pace(gather_s=3_600))
    monkeypatch.setattr("callmon.app.Journal", patient)
    monkeypatch.setattr(writer, "LOOK_EVERY", 3_600 * SECOND)  # what it finds then, it writes
    async with house(tmp_path) as home:
        app = home.daemon.app
        assert app is not None
        # Else it goes with what is being written or deleted now.
        await home.daemon.until(lambda: app._journal._writer._pruning is None, "it is clean")
        await home.daemon.durable()
        home.log.write([joins(0, 1)])
        await home.at(2)
        assert app._journal.pending
        await home.at(180)
        await home.daemon.until(lambda: not app._journal.pending, "it is written")


async def test_a_silence_shows_with_its_maker(tmp_path: Path) -> None:
    """Whoever looks at the page knows why no telephone rings."""
    async with house(tmp_path) as home:
        home.log.write([joins(0, 1)])
        await home.at(2)
        await home.at(180)
        await home.told(1)
        (key,) = home.peer.firing()
        home.peer.silences = [
            {"id": "s-1", "createdBy": "ana", "endsAt": "2026-11-23T12:00:00Z"}
        ]
        home.peer.silenced.add(key)
        await home.at(195)
        (alert,) = json.loads(await home.daemon.get("/api/v1/alerts"))["alerts"]

    assert {"kind": "silenced", "by": "ana"}.items() <= alert["suppression"].items()


async def test_an_alert_goes_on_under_the_labels_its_queue_has_now(tmp_path: Path) -> None:
    """The team changed in a reload: the old alert ends there, and so does the new one."""
    async with house(tmp_path) as home:
        home.log.write([joins(0, 1)])
        await home.at(2)
        await home.at(180)
        await home.told(1)
        (before,) = home.peer.firing()
        config = tmp_path / "callmon.yml"
        config.write_text(config.read_text().replace("defaults:\n", LABELLED))
        assert () == await home.daemon.reload()
        await home.daemon.until(
            lambda: home.peer.firing() == {tuple(sorted([*before, ("team", "blue")]))},
            "it fires as blue",
        )
        (alert,) = await home.history()
        home.log.write([hangs_up(250, 1)])
        await home.at(251)
        await home.silent()

        assert set() == home.peer.firing()
    assert ["told"] == [step["step"] for step in alert["steps"]]


async def test_an_escalation_that_came_and_went_during_a_stop_is_missed(
    tmp_path: Path,
) -> None:
    """Its breach was told of before; that it became critical was not."""
    async with house(tmp_path) as home:
        rules = LONG_WAIT.replace("severity: warning", "severity: warning, escalate: ESCALATE")
        rules = rules.replace("ESCALATE", "[{after: 60s, severity: critical}]")
        (tmp_path / "thresholds.yml").write_text(rules)
        assert () == await home.daemon.reload()
        home.log.write([joins(0, 1)])
        await home.at(2)
        await home.at(180)
        await home.told(1)
        await home.daemon.stop()
        home.log.write([hangs_up(280, 1), joins(290, 2)])
        await home.daemon.clock.leap(START + 300 * SECOND, 0)
        await home.daemon.start()
        await home.silent()

        outcomes = {alert["severity"]: alert["outcome"] for alert in await home.history()}

    assert {"warning": "told", "critical": "missed"} == outcomes


async def test_an_end_during_a_stop_is_told_with_its_reason(tmp_path: Path) -> None:
    """Whoever was woken learns that it got better, not only that it is over."""
    async with house(tmp_path) as home:
        home.log.write([joins(0, 1)])
        await home.at(2)
        await home.at(180)
        await home.told(1)
        await home.daemon.stop()
        home.log.write([hangs_up(200, 1), joins(290, 2)])
        await home.daemon.clock.leap(START + 300 * SECOND, 0)
        await home.daemon.start()
        await home.told(0)

        words = home.peer.alert("long_wait")["annotations"]

    assert "recovered" == words["ended"]
