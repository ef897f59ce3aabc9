"""Fixtures that start real peers."""

from collections.abc import AsyncIterator

import pytest

from tests.acceptance.peers import SUITES, Receiver, receiver

__all__ = ["suite", "webhook"]


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
