"""A monitor with one live feed, for tests of what wallboards show of it."""

from fractions import Fraction

from callmon.board import Row
from callmon.clock import SECOND, Micros
from callmon.engine import EngineSettings
from callmon.events import ContactJoined, ContactLeft, Event, Outcome
from callmon.monitor import Monitor
from callmon.queues import GroupSettings, QueueSettings, WindowSpec
from callmon.rules import Direction, Limits, Selector, Severity, Threshold
from callmon.telemetry import Telemetry
from callmon.testing import ManualClock
from callmon.wallboard.boards import Boards

__all__ = ["QUEUES", "SETTINGS", "Desk"]

QUEUES = ("sales", "service", "vip")
CROWD = Threshold(
    name="crowd",
    measure="waiting",
    window=None,
    severity=Severity.CRITICAL,
    select=Selector(queues=("*",)),
    limits=Limits(direction=Direction.ABOVE, limit=Fraction(2)),
)
SETTINGS = EngineSettings(
    queues=tuple(
        QueueSettings(name=name, labels={"team": name[0]}, timezone="Asia/Shanghai")
        for name in QUEUES
    ),
    groups=(GroupSettings(name="all", queues=("*",), timezone="Asia/Shanghai"),),
    thresholds=(CROWD,),
    windows=(
        WindowSpec(name="15m", length=900 * SECOND),
        WindowSpec(name="today", day=True),
    ),
    timezone="Asia/Shanghai",
    sources=("pbx",),
    live_sources=frozenset({"pbx"}),
)


class Desk:
    """A monitor that hears of callers, and boards of it."""

    def __init__(self, settings: EngineSettings = SETTINGS) -> None:
        self.clock = ManualClock()
        self.fired = 0
        self.monitor = Monitor(
            settings, self.clock, Telemetry("1"), lambda turns: self._hear(len(turns))
        )
        self.feed = self.monitor.add_feed("ami", "pbx", live=True, agents=True)
        self.boards = Boards(self.monitor, window=lambda: "15m", problems=list)
        self.monitor.losing = self.boards.remember
        self.waiting: list[ContactJoined] = []
        self.callers = 0

    def _hear(self, turns: int) -> None:
        self.fired += turns

    def begin(self) -> None:
        """The feed sees, and has told all there was."""
        self.up()
        self.monitor.current(self.feed)
        self.monitor.begin()

    def up(self, *, up: bool = True) -> None:
        """The feed sees, or is blind."""
        self.monitor.up(self.feed, up, "" if up else "connection refused")

    def tell(self, *events: Event) -> None:
        """Take events of the feed."""
        self.monitor.emit(self.feed, events)
        self.monitor.current(self.feed)

    def join(self, queue: str = "sales") -> None:
        """A caller comes."""
        self.callers += 1
        joined = ContactJoined(self.clock.now(), "pbx", 0, queue, f"c{self.callers}")
        self.waiting.append(joined)
        self.tell(joined)

    def leave(self) -> None:
        """The one who has waited longest hangs up."""
        if not self.waiting:
            return
        caller = self.waiting.pop(0)
        now = self.clock.now()
        self.tell(
            ContactLeft(
                now,
                "pbx",
                0,
                caller.queue,
                caller.contact,
                Outcome.ABANDONED,
                now - caller.at,
                certain=True,
            )
        )

    def look(self) -> None:
        """The feed has looked, and there was nothing."""
        self.monitor.current(self.feed)

    def rows(self, window: str = "15m") -> dict[str, Row]:
        """Return all rows by their id."""
        return {row.id: row for row in self.boards.rows(window) if row is not None}

    def row(self, name: str = "queue:sales") -> Row:
        """Return one row."""
        return self.rows()[name]

    def wait(self, length: Micros) -> None:
        """Let time pass, in which the feed hears nothing."""
        self.clock.leap(length)
        self.look()
