"""The demo needs no set-up, shows what the engine knows, and ends when told."""

import asyncio
import io
import re
import signal
from pathlib import Path

import pytest

from callmon.agents import AgentState
from callmon.app import App
from callmon.clock import SECOND, Micros
from callmon.config import load_config
from callmon.console import ConsoleRow
from callmon.demo import demo, view_of, write_demo
from callmon.measures import MEASURES
from callmon.rules import SubjectKind
from tests.acceptance.driver import Daemon, LeapingClock

START: Micros = 1_795_400_000 * SECOND

DEMO_SLEEPERS = 8
"""As with a log, but the simulator in the place of the feed."""


def test_its_configuration_is_one_an_administrator_would_write(tmp_path: Path) -> None:
    """It loads without a warning, and knows the Alertmanagers it was given."""
    urls = ["http://127.0.0.1:9093", "http://127.0.0.1:9094"]
    config = load_config(write_demo(tmp_path, port=0, seed=7, alertmanagers=urls), {})

    assert () == config.warnings
    assert urls == [each.url for each in config.alertmanagers]
    assert {
        "longest_wait",
        "abandonment_rate",
        "service_level",
        "agents_available",
        "unserved",
    } == {threshold.measure for threshold in config.thresholds}


@pytest.mark.anyio
async def test_the_table_shows_what_the_engine_knows(tmp_path: Path) -> None:
    """Every queue has a row, and each figure is that of the measure of its name."""
    config = await asyncio.to_thread(write_demo, tmp_path, port=0)
    daemon = Daemon(config, LeapingClock(START))
    daemon.sleepers = DEMO_SLEEPERS
    async with daemon:
        await daemon.leap(START + 5 * SECOND)
        app = daemon.app
        assert app is not None
        view = view_of(app, ())

        assert 6 == len(view.rows)
        assert ["demo"] == [source.name for source in view.sources if source.up]
        assert any(row.offered for row in view.rows)
        for row in view.rows:
            assert_is_of_the_engine(app, row)
        staffed = [row.staffed for row in view.rows if row.staffed is not None]
        assert view.staffed is not None
        assert max(staffed) < view.staffed < sum(staffed), "who helps out is counted once"
        assert view.available == len(agents_of(app, {AgentState.AVAILABLE}))
        assert view.staffed == len(agents_of(app, set(AgentState) - {AgentState.AWAY}))
        addresses = dict(view.addresses)
        assert addresses["metrics"].endswith("/metrics")


def assert_is_of_the_engine(app: App, row: ConsoleRow) -> None:
    """Compare a row with its queue."""
    (state,) = [state for state in app.subjects() if state.subject.name == row.name]
    assert len(state.starts) == row.waiting
    assert state.talking == row.talking
    assert state.agents.known
    assert state.agents.count(AgentState.AVAILABLE) == row.available
    assert state.agents.staffed() == row.staffed
    today = state.windows["today"]
    answered = MEASURES["answered"].over
    assert answered is not None
    reading = answered(state, today, app.now())
    assert reading is not None
    assert reading[0] == row.answered


def agents_of(app: App, states: set[AgentState]) -> set[str]:
    """Return the agents who are in one of *states* in any queue."""
    return {
        view.agent
        for subject in app.subjects()
        if subject.subject.kind is SubjectKind.QUEUE
        for view in subject.agents.views()
        if view.state in states
    }


@pytest.mark.anyio
async def test_a_new_house_has_no_ghosts(tmp_path: Path) -> None:
    """After a reload and after a restart only those are at work who are in the new house."""
    config = await asyncio.to_thread(write_demo, tmp_path, port=0)
    daemon = Daemon(config, LeapingClock(START))
    daemon.sleepers = DEMO_SLEEPERS
    async with daemon:
        await daemon.leap(START + 5 * SECOND)
        assert_at_work(daemon.app, {*range(2001, 2012), *range(2012, 2020), *range(2020, 2030)})

        text = config.read_text(encoding="utf-8")
        config.write_text(text.replace("seed: 1}", "seed: 1, queues: [vip]}"), encoding="utf-8")
        assert [] == [*await daemon.reload()]
        await daemon.leap(START + 10 * SECOND)
        assert_at_work(daemon.app, set(range(2001, 2009)))

        await daemon.restart()
        await daemon.leap(START + 20 * SECOND)
        assert_at_work(daemon.app, set(range(2001, 2009)))


def assert_at_work(app: App | None, phones: set[int]) -> None:
    """Check whose agents the whole centre has: it is ten in the morning."""
    assert app is not None
    (centre,) = [s for s in app.subjects() if s.subject.kind is SubjectKind.GROUP]
    assert {f"SIP/{phone}" for phone in phones} == {v.agent for v in centre.agents.views()}
    assert len(phones) == centre.agents.staffed()
    assert centre.agents.known


class Screen(io.StringIO):
    """A terminal at which somebody presses ^C as soon as the table is there."""

    def write(self, text: str) -> int:
        """Take what is shown."""
        if re.search(r"Waiting \d", text):
            signal.raise_signal(signal.SIGINT)
        return super().write(text)


def test_it_ends_when_interrupted(capsys: pytest.CaptureFixture[str]) -> None:
    """^C ends it with 0, and leaves the addresses on the screen."""
    screen = Screen()

    assert 0 == demo(port=0, out=screen, environ={"NO_COLOR": "1"})

    assert re.search(r"metrics +http://127\.0\.0\.1:\d+/metrics", screen.getvalue())
    assert "Traceback" not in capsys.readouterr().err
