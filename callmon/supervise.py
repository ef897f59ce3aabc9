"""Keep feeds running, whatever happens to one of them, and the watchdog honest.

A feed never waits and never tries again by itself: it raises, and here is decided when it
runs next. The delay is random up to a ceiling that doubles ("full jitter"), so that many
callmons do not come back to one telephone system in step.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from callmon.clock import SECOND, Clock, Micros
from callmon.errors import FeedError
from callmon.logs import Repeats
from callmon.notify import Notifier

__all__ = [
    "BACKOFF_CAP",
    "BACKOFF_FIRST",
    "CRASHED",
    "HEALTHY_AFTER",
    "REFUSED_DELAY",
    "Failure",
    "Supervised",
    "backoff_ceiling",
    "feed_watchdog",
    "supervise",
]

BACKOFF_FIRST: Micros = SECOND
BACKOFF_CAP: Micros = 15 * SECOND
"""While a feed is down its queues are blind; a try is cheap."""

REFUSED_DELAY: Micros = 300 * SECOND
"""Delay after a failure that trying again cannot mend (a wrong password, say).

Not for ever, because someone may mend it on the other side.
"""

HEALTHY_AFTER: Micros = 120 * SECOND
"""A run this long counts as success: the next loss starts again from attempt 1."""

CRASHED = "crashed"
"""Reason of a failure that no feed should have: an error in callmon itself."""


class Supervised(Protocol):
    """What can be kept running."""

    @property
    def name(self) -> str:
        """Return the configured name."""

    async def run(self) -> None:
        """Work until cancelled; raise ``FeedError`` when that is no longer possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One end of one run."""

    feed: str
    reason: str  #: a ``FeedReason``, or ``CRASHED``
    error: str
    attempt: int
    delay: Micros  #: until the next run


def backoff_ceiling(attempt: int) -> Micros:
    """Return the longest delay before try *attempt* + 1; *attempt* counts from 1."""
    doublings = min(attempt - 1, 16)  # the number of digits grows for ever else
    return min(BACKOFF_CAP, BACKOFF_FIRST << doublings)


async def supervise(
    feed: Supervised,
    clock: Clock,
    jitter: random.Random,
    failed: Callable[[Failure], None],
) -> None:
    """Run *feed* again each time it ends, until cancelled; *failed* hears of each end.

    Never raises, so that feeds that share a TaskGroup cannot end each other.
    """
    log = structlog.stdlib.get_logger(__name__).bind(feed=feed.name)
    repeats = Repeats()
    attempt = 0
    while True:
        started = clock.monotonic()
        retry, reason, error, crash = await _run_once(feed)
        now = clock.monotonic()
        attempt = 1 if now - started >= HEALTHY_AFTER else attempt + 1
        delay = jitter.randint(0, backoff_ceiling(attempt)) if retry else REFUSED_DELAY
        failure = Failure(
            feed=feed.name, reason=reason, error=error, attempt=attempt, delay=delay
        )
        failed(failure)
        repeated = repeats.admit((reason, error), now)
        if repeated is not None:
            (log.error if crash else log.warning)(
                "feed.lost",
                reason=reason,
                error=error,
                attempt=attempt,
                delay_s=delay / SECOND,
                repeated=repeated,
                exc_info=crash,
            )
        await clock.sleep(delay)


async def _run_once(feed: Supervised) -> tuple[bool, str, str, Exception | None]:
    """Run to the end; return retry, reason, text, and what should not have happened."""
    try:
        await feed.run()
    except FeedError as error:
        return error.retry, error.reason.value, str(error), None
    except Exception as error:  # noqa: BLE001  # a mistake in one feed must not stop the rest
        return True, CRASHED, f"{type(error).__name__}: {error}", error
    ended = RuntimeError("run() returned, expected it to work until cancelled")
    return True, CRASHED, str(ended), ended


async def feed_watchdog(notifier: Notifier, clock: Clock, ticks: Callable[[], int]) -> None:
    """Tell systemd that callmon is alive, as long as *ticks* goes up, until cancelled.

    *ticks* is how often the engine has ticked: a loop that runs while the engine stands
    still is not alive. Four times in the time systemd allows, so that one late tick is no
    death.
    """
    if notifier.watchdog_after is None:
        return
    seen = ticks()
    while True:
        await clock.sleep(notifier.watchdog_after // 4)
        now = ticks()
        if now != seen:
            notifier.alive()
        seen = now
