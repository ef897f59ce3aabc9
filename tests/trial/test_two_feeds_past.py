"""Tests of a past that a record and a live feed have told of, and of beginning amid a past."""

import asyncio
import dataclasses
import random
from pathlib import Path

import pytest

from callmon.clock import SECOND, Micros
from callmon.config import Config, load_config
from callmon.engine import EngineSettings
from callmon.episodes import Episode
from callmon.events import ContactJoined, Event, FeedChanged
from callmon.journal.disk import NAME
from callmon.queues import QueueSettings
from callmon.rules import Direction
from callmon.trial import JournalHistory, Trial, run_trial
from tests.sites import above, threshold
from tests.test_two_feeds import Site, site_of, up
from tests.trial.made import DAY, FEED, START, days, write_journal
from tests.trial.test_journal import alerts_of, all_written, told_by, tried
from tests.trial.test_split import SETTINGS, THRESHOLDS

pytestmark = pytest.mark.anyio

OF_BOTH = """\
thresholds:
  - {name: long_wait, measure: longest_wait, above: 10s, clear: 5s, keep: 3s,
     severity: warning, escalate: [{after: 10s, severity: critical}]}
  - {name: crowd, measure: waiting, above: 1, clear: 1, for: 2s, keep: 0s, severity: info}
  - {name: gone, measure: overflow_rate, window: 5m, above: 30%, clear: 20%, keep: 0s,
     at_least: 1, severity: critical}
"""


async def _calls(site: Site, chance: random.Random, first: int, steps: int) -> int:
    """Let callers come and go; return the number of the next."""
    waiting: list[int] = []
    talking: list[int] = []
    for _ in range(steps):
        what = chance.choice(("join", "join", "connect", "time out", "hang up"))
        if what == "join":
            site.join(first)
            waiting.append(first)
            first += 1
        elif what == "connect" and waiting:
            talking.append(waiting.pop(0))
            site.connect(talking[-1])
        elif what == "time out" and waiting:
            site.time_out(waiting.pop(0))
        elif what == "hang up" and talking:
            site.hang_up(talking.pop(0))
        await site.later(chance.choice((0.5, 1, 3, 4)))
    for number in waiting:
        site.time_out(number)
    return first


async def test_two_feeds_of_a_source_have_one_past(tmp_path: Path) -> None:
    """The alerts of the daemon, also of when one feed was cut and the daemon restarted."""
    chance = random.Random(3)
    async with site_of(tmp_path) as site:
        (tmp_path / "thresholds.yml").write_text(OF_BOTH)
        assert () == await site.daemon.reload()
        number = await _calls(site, chance, 1, 14)
        await site.later(1)
        site.pbx.cut()
        await up(site)
        number = await _calls(site, chance, number, 10)
        await site.daemon.stop()
        site.pbx.cut()
        await site.daemon.start()
        await up(site)
        await _calls(site, chance, number, 10)
        await site.later(12)
        await all_written(site.daemon)
        config: Config = await asyncio.to_thread(load_config, site.daemon.config, {})

        trial = await asyncio.to_thread(tried, config)

        expected = await asyncio.to_thread(alerts_of, config.storage_directory / NAME)
    assert expected == told_by(trial)
    assert {"long_wait", "crowd", "gone"} == {str(alert[0]) for alert in expected}


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the journal of six days."""
    path = tmp_path_factory.mktemp("past") / "journal.db"
    write_journal(path, days(6))
    return path


def lived(path: Path, since: Micros | None, until: Micros | None = None) -> Trial:
    """Return the trial of a part of a journal."""
    history = JournalHistory(path)
    trial = run_trial(history, SETTINGS, THRESHOLDS, since=since, until=until)
    assert trial is not None
    return trial


def standing(episodes: tuple[Episode, ...], since: Micros) -> list[Episode]:
    """Return those of *episodes* that stood at any time from *since* on."""
    return [one for one in episodes if one.ended_at is None or one.ended_at >= since]


@pytest.mark.parametrize("hours", [50, 61, 72, 97, 121])
def test_to_begin_amid_the_past_is_to_cut_the_whole(journal: Path, hours: int) -> None:
    """Whoever waits, whatever windows hold and whatever stands then is known."""
    since = START + hours * 3_600 * SECOND
    whole = lived(journal, None)

    part = lived(journal, since)

    assert standing(whole.episodes, since) == list(part.episodes)
    assert part.events < whole.events
    assert len(part.episodes) > 10


def test_to_end_amid_the_past_is_to_know_nothing_of_later(journal: Path) -> None:
    """What stands then has no end; what ended by then is as in the whole."""
    since, until = START + 3 * DAY, START + 4 * DAY + 12 * 3_600 * SECOND
    whole = lived(journal, None)

    part = lived(journal, since, until)

    def cut(one: Episode) -> Episode:
        calls = tuple(call for call in one.calls if call.at <= until)
        if one.ended_at is not None and one.ended_at <= until:
            return one
        return dataclasses.replace(one, ended_at=None, ended=None, worst=one.value, calls=calls)

    expected = [cut(one) for one in standing(whole.episodes, since) if one.fired_at <= until]
    found = [
        one if one.ended_at is not None else dataclasses.replace(one, worst=one.value)
        for one in part.episodes
    ]
    assert expected == found
    assert any(one.ended_at is None for one in found)


@pytest.mark.parametrize("back", [False, True])
def test_a_feed_that_is_down_as_it_begins_is_blind(tmp_path: Path, back: bool) -> None:
    """Until it is back, nobody knows that nobody waits, though another source is heard."""
    since, up_at = START + 5 * DAY, START + 5 * DAY + 3_600 * SECOND
    moments: list[Event] = [
        FeedChanged(START, FEED.source, 0, FEED.name, up=True),
        ContactJoined(START + 1, FEED.source, 1, "sales", "1"),
        FeedChanged(START + DAY, FEED.source, 0, FEED.name, up=False),
        *([FeedChanged(up_at, FEED.source, 0, FEED.name, up=True)] if back else []),
        *(
            ContactJoined(START + hour * 3_600 * SECOND, "other", hour, "support", str(hour))
            for hour in range(1, 6 * 24)
        ),
    ]
    path = tmp_path / "journal.db"
    write_journal(path, sorted(moments, key=lambda event: event.at), sighted=False)
    settings = EngineSettings(
        queues=(QueueSettings(name="sales", origins=((FEED.source, "sales"),)),),
        sources=(FEED.source, "other"),
    )
    below = dataclasses.replace(above(1), direction=Direction.BELOW)

    trial = run_trial(
        JournalHistory(path), settings, [threshold("waiting", below)], since=since
    )

    assert trial is not None
    fired = [one.fired_at for one in trial.episodes if one.subject.name == "sales"]
    assert ([up_at] if back else []) == fired
