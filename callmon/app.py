"""The daemon: everything wired together, started, reloaded and stopped.

The only module that knows all others. ``App`` takes its clock, environment and paths, so
that it can run twice in one process.
"""

import asyncio
import contextlib
import functools
import gc
import logging
import random
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

import structlog

from callmon import __version__, logs, openapi, views
from callmon.alerting import Alerting
from callmon.alerts import Transition
from callmon.chores import chores, warm
from callmon.clock import SECOND, Clock, Micros
from callmon.config import Config, load_config, signature
from callmon.delivery import Delivery
from callmon.errors import ConfigError
from callmon.feeds.base import Feed, FeedContext, Position
from callmon.feeds.registry import FEEDS, build_feed, feed_type, knows_agents, stream_of
from callmon.feeds.settings import FeedSettings
from callmon.feeds.simulator import SimulatorFeed
from callmon.http import HttpServer, Routes
from callmon.journal import Journal
from callmon.keeping import Keeper
from callmon.monitor import FeedState, Monitor
from callmon.notify import Notifier
from callmon.queues import SubjectState
from callmon.schedule import Schedule
from callmon.sinks.prometheus import Format, MetricsPage, Page
from callmon.sinks.threshold_families import Owners
from callmon.supervise import Failure, feed_watchdog, supervise
from callmon.telemetry import Telemetry
from callmon.wallboard.boards import board_window
from callmon.wallboard.site import Wallboard
from callmon.watches import Watch

__all__ = ["App", "configure_logging"]

log = structlog.get_logger(__name__)

WATCH_EVERY: Micros = 2 * SECOND
"""How often the configuration files are looked at. A change must hold for as long."""

COLLECT_AFTER = (100_000, 50, 50)
"""Events leave no cycles behind; Python's 700 would have the collector look all the time."""

STALL_STEP: Micros = SECOND // 20
STALL_SAMPLES = 60
"""Twenty looks a second; the worst of three seconds is kept for three minutes."""

STOP_TIMEOUT_S = 10.0


class App:
    """One daemon, from start to stop."""

    def __init__(
        self,
        path: Path,
        config: Config,
        *,
        clock: Clock,
        environ: Mapping[str, str],
        notifier: Notifier | None = None,
        listen: Callable[[Sequence[Transition]], None] = lambda _transitions: None,
    ) -> None:
        self._path = path
        self.config = config
        self._clock = clock
        self._environ = environ
        self._notifier = notifier or Notifier(environ)
        self._listen = listen  #: hears of every transition: the live table of a demo
        self._jitter = random.Random()  # noqa: S311  # spreads retries, guards nothing
        self._telemetry = Telemetry(__version__)
        self._telemetry.reloaded(clock.now())
        self._journal = Journal(config.storage_directory, clock, self._telemetry.journal)
        self.monitor = Monitor(
            config.engine_settings(), clock, self._telemetry, self._publish, self._journal
        )
        self._alerting = Alerting(
            config,
            self.monitor,
            self._journal,
            self._telemetry,
            clock,
            jitter=self._jitter.random,
        )
        self._keeper = Keeper(
            self._journal, self.monitor, self._telemetry, clock, self._alerting.history
        )
        self._page = self._new_page()
        self._feeds: dict[str, tuple[FeedSettings, asyncio.Task[None]]] = {}
        self._schedule: Schedule | None = None
        self._group: asyncio.TaskGroup | None = None
        self._seen = self._look()
        self._started = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._wallboard = Wallboard(
            self.monitor,
            clock,
            version=__version__,
            zone=lambda: ZoneInfo(self.config.default_timezone),
            window=lambda: board_window(self.config.exported_windows),
            problems=self.problems,
        )
        self.server = HttpServer(
            Routes(
                metrics=self._metrics,
                problems=self.problems,
                views={
                    "queues": lambda: views.queues_view(self.monitor),
                    "alerts": self._alerting.view,
                    "status": self._status,
                    "openapi.json": functools.partial(openapi.document, __version__),
                },
                site=self._wallboard,
                history=self._alerting.past.answer,
                reload=self.reload,
                debug=self._debug,
            ),
            clock,
            host=config.server.host,
            port=config.server.port,
            web_config=config.server.web_config,
        )

    # ---- life ---------------------------------------------------------------------

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Run until cancelled; *ready* is called when the state is that of now.

        Raises:
            ConfigError: the address cannot be listened on, or web-config.yml is wrong.
        """
        gc.collect()
        gc.set_threshold(*COLLECT_AFTER)
        await self.server.start()
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                await self._begin()
                group.create_task(self.monitor.run())
                group.create_task(self._keeper.run())
                self._schedule = self._new_schedule()
                group.create_task(self._schedule.run())
                group.create_task(self._watch_files())
                group.create_task(self._refresh_server())
                group.create_task(self._wallboard.run())
                group.create_task(self._measure_stalls())
                group.create_task(
                    feed_watchdog(self._notifier, self._clock, lambda: self.monitor.ticks)
                )
                log.info("daemon.ready", address=self.server.address, version=__version__)
                # What has been built stays: the collector need not look at it again.
                gc.freeze()
                self._notifier.ready()
                ready()
        finally:
            self._notifier.stopping()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await self.server.stop()
            await self._keeper.close(STOP_TIMEOUT_S)

    def _new_schedule(self) -> Schedule:
        jobs = chores(lambda: self.config, self.monitor, self._journal, self._clock)
        kept = self._keeper.kept
        return Schedule(self._clock, jobs, kept, self._journal.keep, self._telemetry)

    def problems(self) -> list[str]:
        """Return why the daemon is not ready; nothing: it is."""
        if not self.monitor.began:
            return ["starting: the state is being rebuilt"]
        found = [
            f"feed {feed.name}: {feed.reason}"
            for feed in self.monitor.feeds.values()
            if not feed.up
        ]
        if self._journal.trouble:
            found.append(f"storage: {self._journal.trouble}")
        if (ahead := self.monitor.ahead()) > 0:
            late = f"{ahead / SECOND:.0f} s"
            found.append(f"clock: was set back: blind for {late} more; restart callmon")
        return found

    async def reload(self) -> Sequence[str]:
        """Read the configuration again; return its mistakes, then nothing has changed."""
        await self._started.wait()  # there is no state yet that could take new settings
        async with self._reloading:
            self._notifier.reloading(self._clock.monotonic())
            seen = self._seen = await asyncio.to_thread(self._look)
            try:
                config = await asyncio.to_thread(load_config, self._path, self._environ)
                delivery = await asyncio.to_thread(self._alerting.build, config)
                await asyncio.to_thread(warm, config, self._clock.now())
            except ConfigError as error:
                self._telemetry.reload_failed()
                self._log_problems(error)
                self._notifier.ready()
                return error.problems
            except Exception as error:
                # A mistake of ours in reading a file must not end a daemon that runs well.
                self._telemetry.reload_failed()
                log.exception("config.crashed", path=str(self._path))
                self._notifier.ready()
                return [f"{self._path}: could not be read: {type(error).__name__}: {error}"]
            await self.monitor.caught_up()
            self._take(config, delivery)
            # What was changed while it was being read is still to be read.
            self._seen = await asyncio.to_thread(self._look, seen)
            self._telemetry.reloaded(self._clock.now())
            log.info("config.reloaded", path=str(self._path))
            self._notifier.ready()
            return ()

    def _log_problems(self, error: ConfigError) -> None:
        for problem in error.problems:
            log.error("config.refused", error=problem)

    # ---- start --------------------------------------------------------------------

    async def _begin(self) -> None:
        """Rebuild the state, start the feeds, and wait until it is that of now."""
        states = {settings.name: self._add_feed(settings) for settings in self.config.feeds}
        positions = await self._keeper.bring_back(self.config, lambda: self._alerting.sink)
        stopped_at = self.monitor.engine.now
        since = self.monitor.engine.history_start(self._clock.now())
        await asyncio.to_thread(warm, self.config, self._clock.now())
        for settings in self.config.feeds:
            position = positions.get(settings.name)
            self._start_feed(settings, states[settings.name], position, since)
        self._expect_feeds(self.config)
        await self.monitor.caught_up()
        backlog = self.monitor.begin()
        self._alerting.begin(self._running_group(), backlog, stopped_at)
        self._keeper.checkpoint()
        self._started.set()

    def _expect_feeds(self, config: Config) -> None:
        """Tell the monitor which feeds should not be quiet, and when."""
        self.monitor.expect(
            {
                feed.name: (
                    feed.silence.after,
                    config.calendars[feed.silence.during] if feed.silence.during else None,
                )
                for feed in config.feeds
                if feed.silence is not None
            }
        )

    def _add_feed(self, settings: FeedSettings) -> FeedState:
        return self.monitor.add_feed(
            settings.name,
            settings.source,
            live=FEEDS[feed_type(settings)].live,
            agents=knows_agents(settings),
        )

    def _start_feed(
        self,
        settings: FeedSettings,
        state: FeedState,
        position: Position | None,
        since: Micros,
    ) -> None:
        monitor = self.monitor
        state.position = position
        context = FeedContext(
            clock=self._clock,
            emit=functools.partial(monitor.emit, state),
            room=self._journal.room,
            storing=lambda: not self._journal.trouble,
            up=lambda up, reason: monitor.up(state, up, reason),
            count_drop=monitor.count_drop,
            gap=functools.partial(self._gap, state),
            pause=functools.partial(monitor.pause, state),
            current=lambda looked_at: monitor.current(state, looked_at),
            drift=lambda contacts: monitor.drift(state, contacts),
            account=lambda findings: monitor.account(state, findings),
            resume=position,
            since=since,
        )
        feed = build_feed(settings, context)
        if isinstance(feed, SimulatorFeed):
            monitor.clock = feed.clock  # its time may run faster than ours
        self._feeds[settings.name] = settings, self._spawn(self._supervise(feed, state))

    async def _supervise(self, feed: Feed, state: FeedState) -> None:
        def failed(failure: Failure) -> None:
            self.monitor.up(state, False, failure.error)  # noqa: FBT003  # as feeds say it
            self._telemetry.feed(feed.name).reconnected(failure.reason)

        await supervise(feed, self._clock, self._jitter, failed)

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        return self._running_group().create_task(work)

    def _running_group(self) -> asyncio.TaskGroup:
        if self._group is None:
            raise RuntimeError("the daemon is not running")
        return self._group

    def _gap(self, state: FeedState, length: Micros, reason: str) -> None:
        self.monitor.gap(state, length, reason)
        self._alerting.gap(state, length)

    # ---- reload -------------------------------------------------------------------

    def _take(self, config: Config, delivery: Delivery) -> None:
        """Put *config* into force. Nothing here can fail."""
        old, self.config = self.config, config
        if (old.server, old.storage_directory) != (config.server, config.storage_directory):
            log.warning("config.needs_restart", at="server, storage")
        if old.logging != config.logging:
            configure_logging(config)
        self._alerting.take(config, delivery, self._running_group())
        if old.exported_windows != config.exported_windows:
            self._page = self._new_page()
        heirs = self._heirs(config)
        for name, heir in heirs.items():
            self.monitor.engine.rename_source(self._feeds[name][0].source, heir.source)
        self.monitor.reconfigure(config.engine_settings())
        self._alerting.relabelled()
        self._expect_feeds(config)
        self._change_feeds(config, heirs)
        if self._schedule is not None:
            self._schedule.ask_again()  # calendars may be others

    def _heirs(self, config: Config) -> dict[str, FeedSettings]:
        """Return who goes on reading what a feed reads that is changed or renamed."""
        running = {name: settings for name, (settings, _) in self._feeds.items()}
        fresh = [feed for feed in config.feeds if running.get(feed.name) != feed]
        wanted = {feed.name: feed for feed in config.feeds}
        return {
            name: heir
            for name, settings in running.items()
            if wanted.get(name) != settings
            for heir in fresh
            if stream_of(heir) == stream_of(settings)
        }

    def _change_feeds(self, config: Config, heirs: Mapping[str, FeedSettings]) -> None:
        """Stop feeds that are gone or changed, start those that are new; leave the others."""
        wanted = {settings.name: settings for settings in config.feeds}
        former: dict[str, FeedState] = {}  # by the name of the heir
        gone = [
            name for name, (settings, _) in self._feeds.items() if wanted.get(name) != settings
        ]
        for name in gone:
            _, task = self._feeds.pop(name)
            task.cancel()
            if name in heirs:
                former[heirs[name].name] = self.monitor.feeds[name]
            self.monitor.remove_feed(name, keep=name in heirs)
        # What went in until now would mean something else under the new settings.
        self._keeper.checkpoint()
        fresh = [feed for feed in config.feeds if feed.name not in self._feeds]
        self._keeper.introduce(
            fresh,
            positions={n: feed.position for n, feed in former.items() if feed.position},
            ids={n: list(feed.seen) for n, feed in former.items() if feed.name != n},
            gone=gone,
        )
        since = self.monitor.engine.history_start(self._clock.now())
        for settings in fresh:
            state = self._add_feed(settings)
            before = former.get(settings.name)
            if before is not None:
                state.seen = before.seen
            position = None if before is None else before.position
            self._start_feed(settings, state, position, since)

    def _look(self, known: Mapping[Path, object] = MappingProxyType({})) -> dict[Path, object]:
        """Return the signature of every file of the configuration that is not *known*."""
        return {file: known.get(file) or signature(file) for file in self.config.files}

    async def _watch_files(self) -> None:
        """Reload when a file has changed and stayed so for one look."""
        former = self._seen
        while True:
            await self._clock.sleep(WATCH_EVERY)
            seen = await asyncio.to_thread(self._look)
            if seen != self._seen and seen == former:
                await self.reload()
            former = seen

    # ---- what is shown ------------------------------------------------------------

    def _new_page(self) -> MetricsPage:
        return MetricsPage(
            self,
            self._clock,
            self._own_metrics,
            windows=self.config.exported_windows,
            agent_limit=lambda: self.config.agent_limit,
            rendered=self._telemetry.rendered,
        )

    def _publish(self, transitions: Sequence[Transition]) -> None:
        """Take what the engine found out."""
        self._alerting.publish(transitions)
        self._wallboard.hurry()
        self._listen(transitions)
        self._keeper.keep()
        self._journal.hurry()  # a kill must not leave people told of what is nowhere written

    def now(self) -> Micros:
        """Return the instant the state is of, brought up to the present."""
        return self.monitor.present()

    def subjects(self) -> list[SubjectState]:
        """Return the queues and groups; none before their state is that of now."""
        return self.monitor.engine.states() if self.monitor.began else []

    def thresholds(self) -> list[Watch]:
        """Return every threshold of every subject; none before their state is known."""
        return list(self.monitor.engine.watches()) if self.monitor.began else []

    def owners(self) -> Owners:
        """Return who delivers what fires."""
        return self._alerting.owners()

    async def _metrics(self, accept: str, gzip: bool) -> Page:  # noqa: FBT001  # as Routes ask
        return await self._page.page(accept, gzip=gzip)

    async def _own_metrics(self, form: Format) -> bytes:
        openmetrics = form is Format.OPENMETRICS
        return await asyncio.to_thread(self._telemetry.render, openmetrics=openmetrics)

    def _status(self) -> object:
        return views.status_view(self.monitor, __version__, self.problems())

    def _debug(self, name: str) -> object | None:
        feed = self.monitor.feeds.get(name)
        return None if feed is None else views.feed_view(feed)

    async def _refresh_server(self) -> None:
        while True:
            await self._clock.sleep(10 * SECOND)
            await self.server.refresh()

    async def _measure_stalls(self) -> None:
        """Export by how much the event loop was late at the worst lately."""
        worst: deque[Micros] = deque(maxlen=STALL_SAMPLES)
        while True:
            late = 0
            for _ in range(STALL_SAMPLES):
                before = self._clock.monotonic()
                await self._clock.sleep(STALL_STEP)
                late = max(late, self._clock.monotonic() - before - STALL_STEP)
            worst.append(late)
            self._telemetry.stalled(max(worst))


def configure_logging(config: Config) -> None:
    """Log as *config* wants it."""
    logs.configure_logging(
        json=config.logging.format == "json",
        level=logging.getLevelNamesMapping()[config.logging.level.upper()],
    )
