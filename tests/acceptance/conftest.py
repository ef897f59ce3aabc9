"""Fixtures that start real peers."""

from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance.peers import SUITES, Receiver, receiver

__all__ = ["suite", "webhook"]

IN_A_BROWSER: Final = {
    "test_grafana.py",
    "test_wallboard.py",
    "test_wallboard_access.py",
    "test_backtest_page.py",
}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not read tests in a browser where only others are to run, without its driver.

    That belongs to the packages for developing. Where these tests are asked for, that it is
    missing is an error.
    """
    others_only = config.getoption("markexpr") == "not acceptance"
    if others_only and find_spec("playwright") is None:
        return collection_path.name in IN_A_BROWSER or None
    return None


@pytest.fixture(params=SUITES)
def suite(request: pytest.FixtureRequest) -> str:
    """Run a test with the peers of each Debian suite."""
    name: str = request.param
    return name


@pytest.fixture
async def webhook() -> AsyncIterator[Receiver]:
    """Serve a receiver of webhooks."""
    async with receiver() as served:
        yield served
