"""How callmon logs: one line per event, a closed list of keys, no repetition.

The lines of libraries (aiohttp, APScheduler, asyncio) go through the standard library's
logging; structlog is bridged to it, so that all come out alike.
Source: structlog's "Standard Library Logging" page, ``ProcessorFormatter``.
"""

import logging
import sys
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, TextIO

import structlog

from callmon.clock import SECOND, Micros

__all__ = ["LOG_KEYS", "REPEAT_AFTER", "Repeats", "configure_logging"]

LOG_KEYS: Final = {
    "address": "host:port or URL without a password",
    "alerts": "a number of alerts",
    "at": "dotted place inside a file",
    "attempt": "1 for the first try",
    "count": "how many",
    "delay_s": "seconds until the next try",
    "error": "str() of the exception",
    "feed": "configured name of the feed",
    "name": "configured name of what the event is about",
    "path": "file the message is about",
    "queue": "queue name as callmon shows it",
    "reason": "member of a *Reason enum, never free text",
    "repeated": "how often this was kept back since it was last logged",
    "sink": "configured name of the sink",
    "source": "configured name of the system behind the feed",
    "state": "the state entered",
    "subject": "queue or group",
    "threshold": "configured name of the threshold",
    "version": "callmon's own version",
}
"""Every key a log call may use; tests/test_conventions.py holds the calls to it."""

REPEAT_AFTER: Micros = 60 * SECOND
"""The same failure is logged once in this time, with a count."""

MAX_REPEATS: Final = 1_000
"""Failures remembered: texts of errors may vary without end, memory may not."""

QUIET: Final = ("aiohttp.access", "apscheduler.executors.default", "apscheduler.scheduler")
"""Loggers that write a line per request or per job, which is never news."""


class Repeats:
    """Keeps back what was just logged.

    The caller asks ``admit`` before it logs; the least recently logged are forgotten first.
    """

    def __init__(self, every: Micros = REPEAT_AFTER, limit: int = MAX_REPEATS) -> None:
        self._every = every
        self._limit = limit
        self._logged: OrderedDict[Hashable, tuple[Micros, int]] = OrderedDict()

    def admit(self, failure: Hashable, now: Micros) -> int | None:
        """Return how many of *failure* were kept back, or None: keep this one back, too.

        *now* is monotonic time.
        """
        last = self._logged.get(failure)
        if last is not None and now - last[0] < self._every:
            self._logged[failure] = (last[0], last[1] + 1)
            return None
        self._logged[failure] = (now, 0)
        self._logged.move_to_end(failure)
        if len(self._logged) > self._limit:
            self._logged.popitem(last=False)
        return last[1] if last else 0


def configure_logging(*, json: bool, level: int, stream: TextIO = sys.stderr) -> None:
    """Send one line per event to *stream*: JSON for machines, columns for people.

    May be called again: the last call counts. Tracebacks carry no local variables, because
    ours hold passwords and phone numbers; structlog's ``dict_tracebacks`` and rich's would.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # a reload may change the set-up
    )
    handler = logging.StreamHandler(stream)
    handler.addFilter(_is_news)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(json=json, colours=stream.isatty()),
            ],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _is_news(record: logging.LogRecord) -> bool:
    """Tell whether a line is worth writing: who asks over HTTP may leave without the answer."""
    error = record.exc_info[1] if record.exc_info else None
    return not (record.name == "aiohttp.server" and isinstance(error, ConnectionError))


def _renderers(*, json: bool, colours: bool) -> list[structlog.typing.Processor]:
    if not json:
        return [
            structlog.dev.ConsoleRenderer(
                colors=colours, exception_formatter=structlog.dev.plain_traceback
            )
        ]
    traceback = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [
        structlog.processors.ExceptionRenderer(traceback),
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
