"""The process around the daemon: its log, its signals, its end."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

import structlog

from callmon.app import App, configure_logging
from callmon.clock import SystemClock
from callmon.config import load_config
from callmon.errors import ConfigError

__all__ = ["Companion", "run", "serve"]

log = structlog.get_logger(__name__)

SWITCH_S = 0.0005
"""So long a thread that computes keeps Python's lock while another one waits for it.

With Python's 5 ms the journal's thread starves beside a loop that never waits: 1,000 to
27,000 events a second instead of 110,000 (``python -m bench.journal``).
"""

Companion = Callable[[App], Coroutine[None, None, None]]
"""What runs beside the daemon, from the moment it is ready."""


async def serve(app: App, alongside: Companion | None = None) -> None:
    """Run *app* until SIGTERM or SIGINT; SIGHUP reloads. *alongside* begins when it is ready.

    Raises:
        ConfigError: the address cannot be listened on, or web-config.yml is wrong.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    running: set[asyncio.Task[None]] = set()
    refused: ConfigError | None = None
    try:
        async with asyncio.TaskGroup() as group:

            def start(work: Coroutine[None, None, None]) -> asyncio.Task[None]:
                task = group.create_task(work)
                running.add(task)
                task.add_done_callback(running.discard)
                return task

            def ready() -> None:
                if alongside is not None:
                    start(alongside(app)).add_done_callback(lambda _: stop.set())

            start(app.run(ready)).add_done_callback(lambda _: stop.set())
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, stop.set)
            loop.add_signal_handler(signal.SIGHUP, lambda: start(_reload(app)))
            await stop.wait()
            log.info("daemon.stopping")
            for task in running:
                task.cancel()
    except* ConfigError as errors:
        refused = _first(errors)
    if refused is not None:
        raise refused  # in there, Python before 3.11.4 would make a group of it again


async def _reload(app: App) -> None:
    await app.reload()


def _first(errors: BaseExceptionGroup[ConfigError]) -> ConfigError:
    """Return the first error in the group, however deep it lies."""
    for error in errors.exceptions:
        return _first(error) if isinstance(error, BaseExceptionGroup) else error
    raise AssertionError("an exception group is never empty")


def run(path: Path) -> int:
    """Run the daemon with the configuration at *path*; return the exit code.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    config = load_config(path, os.environ)
    configure_logging(config)
    sys.setswitchinterval(SWITCH_S)
    for warning in config.warnings:
        log.warning("config.warning", error=warning)
    app = App(path, config, clock=SystemClock(), environ=os.environ)
    asyncio.run(serve(app))
    return 0
