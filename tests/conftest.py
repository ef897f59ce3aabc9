"""What every test gets: guards, Hypothesis profiles, the data folder, honest skips."""

import asyncio
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis
import pytest
from blockbuster import blockbuster_ctx

DATA_VARIABLE = "CALLMON_DATA"
"""Names the folder of recorded call-centre logs, which are not ours to publish."""

NO_SKIPS_VARIABLE = "CALLMON_NO_SKIPS"
"""Set by the continuous integration: a skip fails the run, unless it is for want of data."""

JOIN_SECONDS = 30.0
"""How long a thread, or the end of a connection, may take after its test."""

for profile, examples in {"dev": 50, "ci": 300}.items():
    # No deadline: two cores shared by many make any single example slow now and then.
    hypothesis.settings.register_profile(profile, max_examples=examples, deadline=None)
hypothesis.settings.load_profile(os.environ.get("CALLMON_PROFILE", "dev"))


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio, the only loop callmon uses."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _no_blocking_calls() -> Iterator[None]:
    """Fail a test in which callmon's own code blocks the event loop."""
    with blockbuster_ctx("callmon"):
        yield


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    """Fail a test that leaves a thread running."""
    before = set(threading.enumerate())
    yield
    started = set(threading.enumerate()) - before
    for thread in started:
        thread.join(JOIN_SECONDS)
    left = [thread.name for thread in started if thread.is_alive()]
    if left:
        pytest.fail(f"threads left running: {left}")


@pytest.fixture(autouse=True)
def _no_leftovers(request: pytest.FixtureRequest, _no_thread_left: None) -> None:
    """Ask for the task check where there is an event loop to check."""
    if request.node.get_closest_marker("anyio"):
        request.getfixturevalue("_no_task_left")


@pytest.fixture
async def _no_task_left(anyio_backend: str) -> AsyncIterator[None]:
    """Fail a test that leaves a task running."""
    assert "asyncio" == anyio_backend
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)  # noqa: TID251  # tasks cancelled last may end now
    # A server learns a little later that whom it was shaking hands with has gone.
    greeting = [task for task in asyncio.all_tasks() if "_accept_connection2" in str(task)]
    if greeting:
        await asyncio.wait(greeting, timeout=JOIN_SECONDS)
    left = [
        str(task)
        for task in asyncio.all_tasks() - before
        if "TestRunner" not in str(task.get_coro())  # the plugin's own
    ]
    if left:
        pytest.fail(f"tasks left running: {left}")


@pytest.fixture
def short_path() -> Iterator[Path]:
    """Return a folder for Unix sockets, whose paths have 107 bytes at most."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def data() -> Path:
    """Return the folder of recorded logs; without it the test is skipped, loudly."""
    folder = os.environ.get(DATA_VARIABLE)
    if not folder:
        pytest.skip(f"{DATA_VARIABLE} is not set: no recorded logs to compare with")
    path = Path(folder)
    if not path.is_dir():
        pytest.fail(f"{DATA_VARIABLE}={folder} is no folder")
    return path


class _SkipAccount:
    """Counts the skips and fails the run for those that are not for want of data."""

    def __init__(self) -> None:
        self._wrong: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Look at one test."""
        self._look(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Look at one module: it may have skipped itself whole."""
        self._look(report)

    def _look(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        expected_to_fail = hasattr(report, "wasxfail")
        if (
            report.skipped
            and not expected_to_fail
            and DATA_VARIABLE not in str(report.longrepr)
        ):
            self._wrong.append(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Turn a good exit status into a bad one."""
        if self._wrong and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say which."""
        for nodeid in self._wrong:
            terminalreporter.write_line(f"SKIPPED where no skip is allowed: {nodeid}", red=True)


def pytest_configure(config: pytest.Config) -> None:
    """Keep the account of skips in the process that reports, not in its workers."""
    if os.environ.get(NO_SKIPS_VARIABLE) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_SkipAccount(), "callmon-skip-account")
