"""Tests of agents in a past that is entered midway: who is there is known, or is absent."""

import sqlite3
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import pytest

from callmon.clock import SECOND, Micros
from callmon.events import (
    AgentChanged,
    AgentRemoved,
    ContactJoined,
    ContactLeft,
    Device,
    Event,
    FeedChanged,
    Outcome,
    SourceRestarted,
)
from callmon.trial import JournalHistory, Trial, run_trial
from callmon.trial.crew import Crew, crew_of
from tests.sites import above, threshold
from tests.trial.made import DAY, FEED, START, write_journal
from tests.trial.test_split import SETTINGS

HOUR: Micros = 3_600 * SECOND


def sees(at: Micros, *, up: bool = True, agents: bool = True) -> FeedChanged:
    """Return that the feed sees, and whether it tells of agents."""
    return FeedChanged(at, FEED.source, 0, FEED.name, up=up, agents=agents)


def agent(at: Micros, name: str, device: Device = Device.IDLE) -> AgentChanged:
    """Return where an agent of the queue stands."""
    return AgentChanged(at, FEED.source, 0, "sales", name, name, device, False, "", 0)  # noqa: FBT003 - as the decoders do


def calls(days: int) -> list[Event]:
    """Return one call an hour."""
    found: list[Event] = []
    for hour in range(1, 24 * days):
        at = START + hour * HOUR
        found.append(ContactJoined(at, FEED.source, hour, "sales", str(hour)))
        left = Outcome.ABANDONED, 60 * SECOND
        end = at + 60 * SECOND
        found.append(ContactLeft(end, FEED.source, hour, "sales", str(hour), *left))
    return found


def tried(path: Path, since: Micros | None, measure: str = "agents_available") -> Trial:
    """Return what a threshold above one agent would have brought about."""
    trial = run_trial(
        JournalHistory(path, agents={FEED.name}),
        SETTINGS,
        [threshold(measure, above(1))],
        since=since,
    )
    assert trial is not None
    return trial


def journal_of(path: Path, *events: Event) -> Path:
    """Write a journal of *events* and ten days of calls."""
    told = sorted([*events, *calls(10)], key=lambda event: event.at)
    write_journal(path, told, sighted=False)
    return path


def test_who_sits_there_for_days_is_known(tmp_path: Path) -> None:
    """Of two agents who did nothing since the first day both are there on the last."""
    path = journal_of(
        tmp_path / "journal.db",
        sees(START),
        *(agent(START + SECOND, name) for name in ("ann", "bob", "eve")),
        AgentRemoved(START + DAY, FEED.source, 0, "sales", "eve"),
    )

    trial = tried(path, START + 9 * DAY)

    assert (True, False) == (trial.agents_told, trial.agents_unknown)
    (episode,) = (each for each in trial.episodes if each.subject.kind == "queue")
    assert (None, Fraction(2)) == (episode.ended_at, episode.worst)
    assert {each.subject.name for each in tried(path, None).episodes} == {
        each.subject.name for each in trial.episodes
    }


def test_what_becomes_of_them_later_is_seen(tmp_path: Path) -> None:
    """What an agent does in the span counts on from what he did before it."""
    path = journal_of(
        tmp_path / "journal.db",
        sees(START),
        *(agent(START + SECOND, name) for name in ("ann", "bob")),
        agent(START + 9 * DAY + HOUR, "bob", Device.BUSY),
    )

    ends = {each.ended_at for each in tried(path, START + 9 * DAY).episodes}

    assert {START + 9 * DAY + HOUR} == ends


@pytest.mark.parametrize("again", [False, True])
def test_whose_login_is_forgotten_is_not_counted(tmp_path: Path, again: bool) -> None:
    """A journal that no longer has it says nothing until a feed has told of everybody."""
    back = START + 9 * DAY + HOUR
    anew: list[Event] = [sees(back), *(agent(back + SECOND, name) for name in ("ann", "bob"))]
    path = journal_of(
        tmp_path / "journal.db",
        sees(START),
        agent(START + SECOND, "ann"),
        *(agent(START + 2 * DAY + number, name) for number, name in enumerate(("bob", "eve"))),
        *(anew if again else []),
    )
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM events WHERE at < ?", (START + DAY,))

    for since in (None, START + 9 * DAY):
        trial = tried(path, since)

        assert trial.agents_unknown
        fired = [each.fired_at for each in trial.episodes if each.subject.kind == "queue"]
        assert ([back] if again else []) == fired


def test_nobody_looks_for_agents_whom_nothing_measures(tmp_path: Path) -> None:
    """That they are unknown is then no news."""
    path = journal_of(tmp_path / "journal.db", agent(START, "ann"))

    trial = tried(path, START + 9 * DAY, "waiting")

    assert (False, False) == (trial.agents_told, trial.agents_unknown)


def test_the_last_word_counts() -> None:
    """An agent is where he was told to be last; a restart of the source sends all away."""
    elsewhere = AgentChanged(5, "acd", 0, "sales", "ann", "ann", Device.IDLE, False, "", 0)  # noqa: FBT003 - as the decoders do
    events: list[Event] = [
        sees(0, agents=False),
        agent(1, "ann"),
        elsewhere,
        agent(6, "bob"),
        agent(7, "ann", Device.BUSY),
        AgentRemoved(8, FEED.source, 0, "sales", "bob"),
    ]

    assert Crew([elsewhere, agent(7, "ann", Device.BUSY)], frozenset()) == crew_of(events)
    restarted = [*events, SourceRestarted(9, FEED.source, 0), sees(10)]
    assert Crew([elsewhere], frozenset({FEED.name})) == crew_of(restarted)


def test_a_feed_that_is_down_as_it_begins_lists_nobody(tmp_path: Path) -> None:
    """Who sat there when it went blind may have gone: that is unknown until it is back."""
    back = START + 9 * DAY + HOUR
    path = journal_of(
        tmp_path / "journal.db",
        sees(START),
        *(agent(START + SECOND, name) for name in ("ann", "bob")),
        sees(START + DAY, up=False),
        sees(back),
        *(agent(back + SECOND, name) for name in ("ann", "bob")),
    )

    trial = tried(path, START + 9 * DAY)

    assert trial.agents_unknown
    assert [back] == [each.fired_at for each in trial.episodes if each.subject.kind == "queue"]
