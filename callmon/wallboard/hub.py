"""Keeps open pages up to date: what changed goes to all who look, some times a second.

Pages that look at the same thing share one scene: it is drawn once, and what changed is
written once, however many look. Nothing waits for a slow reader: it is sent the next frames
when it has taken the last, or a whole picture when those are gone. While nobody looks nothing
is drawn.
"""

import asyncio
import contextlib
import dataclasses
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from datetime import tzinfo
from typing import Final

import msgspec
import structlog

from callmon.board import Board, Row
from callmon.clock import SECOND, Clock, Micros, next_turn, wait_at_most
from callmon.last_hour import SAMPLE_EVERY
from callmon.wallboard.boards import SLICE, Boards
from callmon.wallboard.charts import Hour
from callmon.wallboard.look import Look
from callmon.wallboard.painting import Slots, paint_row
from callmon.wallboard.picture import Picture, picture_of
from callmon.wording import Language

__all__ = ["MAX_LOOKING", "FullError", "Hub", "Reader", "seen"]

DRAW_EVERY: Final[Micros] = SECOND // 2
"""Half of the second within which an event is to be seen."""
DRAW_AT_MOST_EVERY: Final[Micros] = SECOND // 10
"""A breach is drawn at once, a hundred in a second are not drawn a hundred times."""
HEARTBEAT: Final[Micros] = 2 * SECOND
"""After five seconds of silence a page believes the connection to be lost."""
AHEAD: Final[Micros] = 2 * SECOND
"""By how much the clock of a page may be ahead of what the feeds have told of."""
FRAMES_KEPT: Final = 8
"""For readers that are slow: four seconds at least."""
MAX_LOOKING: Final = 500
"""Pages at once; a centre's screens and desks. More are told to come again."""
MAX_SCENES: Final = 64
"""Different things looked at, at once: languages times filters. Each is drawn by itself."""
MANY: Final = 1_000
"""Rows of which a picture is put together in the loop; of more beside it."""
WAKE: Final = 8
"""Readers woken between two turns of the event loop."""


class FullError(Exception):
    """Too many pages are open, or too many different ones."""


class _Listing(msgspec.Struct, omit_defaults=True):
    """The items of a list that changed, and the order of all where that did."""

    items: dict[str, Slots] = {}
    order: list[str] | None = None


class _Frame(msgspec.Struct, omit_defaults=True):
    """What a page is told: all of it, or what has changed."""

    now: float  #: the present by the time of the state, which waits are counted by
    full: bool = False
    reload: str = ""  #: the version of the pages: one of another loads itself anew
    board: Slots = {}
    rows: _Listing | None = None
    alerts: _Listing | None = None


_NOTHING: Final = Picture(board={}, rows={}, alerts={})
_log = structlog.get_logger(__name__)
_encode = msgspec.json.Encoder().encode


class Reader:
    """One open page."""

    def __init__(self, scene: "_Scene") -> None:
        self._scene = scene
        self._version = 0
        self.news = asyncio.Event()
        self.over = False  #: the page is to come again

    async def next(self) -> list[bytes]:
        """Wait for news; return the frames, as JSON, that bring the page up to date.

        None at all: the stream is over.
        """
        while self._version == self._scene.version and not self.over:
            self.news.clear()
            await self.news.wait()
        if self.over:
            return []
        frames = self._scene.since(self._version)
        self._version = self._scene.version
        return frames


class _Scene:
    """What some pages look at, and the frames that lead to its present picture."""

    def __init__(self, look: Look, version: str) -> None:
        self.look = look
        self._pages = version
        self.picture = _NOTHING
        self.version = 0  #: 0: nothing was drawn yet
        self.readers: set[Reader] = set()
        self._now = 0.0
        self._spoken_at: Micros = 0  #: when the last frame was made, monotonic
        self._frames: deque[bytes] = deque(maxlen=FRAMES_KEPT)
        self._full: bytes | None = None

    def show(self, picture: Picture, now: float, monotonic: Micros) -> bool:
        """Take the present picture; return whether there is a frame to send."""
        former, self.picture, self._now = self.picture, picture, now
        self._full = None
        if not self.version:  # a new reader is sent the whole picture: nothing else is needed
            self._spoken_at = monotonic
            self.version = 1
            return True
        frame = _Frame(
            now,
            board=_difference(former.board, picture.board),
            rows=_changed(former.rows, picture.rows),
            alerts=_changed(former.alerts, picture.alerts),
        )
        same = not (frame.board or frame.rows or frame.alerts)
        if same and monotonic - self._spoken_at < HEARTBEAT:
            return False
        self._spoken_at = monotonic
        self.version += 1
        self._frames.append(_encode(frame))
        return True

    def since(self, version: int) -> list[bytes]:
        """Return the frames that lead from *version* to the present picture."""
        behind = self.version - version
        if version and behind <= len(self._frames):
            return list(self._frames)[-behind:]
        if self._full is None:
            picture = self.picture
            frame = _Frame(
                self._now,
                full=True,
                reload=self._pages,
                board=picture.board,
                rows=_Listing(picture.rows, list(picture.rows)),
                alerts=_Listing(picture.alerts, list(picture.alerts)),
            )
            self._full = _encode(frame)
        return [self._full]


class Hub:
    """Draws what pages look at, and samples what their charts show."""

    def __init__(
        self, boards: Boards, clock: Clock, *, zone: Callable[[], tzinfo], version: str
    ) -> None:
        self._boards = boards
        self._version = version  #: of the pages
        self._clock = clock
        self._zone = zone
        self._scenes: dict[Look, _Scene] = {}
        self._looking = 0
        self._painted: dict[tuple[str, Language], dict[str, tuple[Row, Slots]]] = {}
        self._wake = asyncio.Event()
        self._painted_in: tzinfo | None = None
        self._sampled_at: Micros | None = None

    # ---- who looks ----------------------------------------------------------------

    @contextlib.contextmanager
    def look(self, look: Look) -> Iterator[Reader]:
        """Keep a page up to date for as long as it is open.

        Raises:
            FullError: too many are open.
        """
        look = look.seen
        scene = self._scenes.get(look)
        if self._looking >= MAX_LOOKING or (scene is None and len(self._scenes) >= MAX_SCENES):
            raise FullError
        if scene is None:
            scene = self._scenes[look] = _Scene(look, self._version)
        reader = Reader(scene)
        scene.readers.add(reader)
        self._looking += 1
        self.hurry()
        try:
            yield reader
        finally:
            self._looking -= 1
            scene.readers.discard(reader)
            if not scene.readers and self._scenes.get(look) is scene:
                del self._scenes[look]

    def hang_up(self) -> None:
        """End all streams."""
        for scene in self._scenes.values():
            for reader in scene.readers:
                reader.over = True
                reader.news.set()

    async def board(self, look: Look) -> Board:
        """Return all there is at present, over the window that *look* asks for."""
        window = self._window_of(look)
        return self._boards.board(window, [row async for row in self._rows(window)])

    async def picture(self, board: Board, look: Look) -> Picture:
        """Return what a page shows of *board*, of which only what *look* shows is left."""
        return await self._paint(board, look)

    def _window_of(self, look: Look) -> str:
        wanted = look.window
        return wanted if wanted and self._boards.knows(wanted) else self._boards.window

    # ---- drawing ------------------------------------------------------------------

    def hurry(self) -> None:
        """Draw at once: something happened that nobody should wait for."""
        if self._scenes:
            self._wake.set()

    async def run(self) -> None:
        """Draw and sample, until cancelled."""
        while True:
            began = self._clock.monotonic()
            try:
                await self._sample()
                await self._draw()
            except Exception:  # noqa: BLE001 - a picture gone wrong must end no alerts
                _log.exception("wallboard.crashed")
            await self._rest(self._clock.monotonic() - began)

    async def _rest(self, worked: Micros) -> None:
        """Wait until something is to be drawn or sampled, and as long as was *worked*.

        However many different things are looked at, half of the time is not for pages.
        """
        sample_in = SAMPLE_EVERY - (self._clock.monotonic() - (self._sampled_at or 0))
        if not self._scenes:
            await self._wait(max(sample_in, DRAW_AT_MOST_EVERY))
            return
        rest = max(DRAW_AT_MOST_EVERY, worked)
        await self._clock.sleep(rest)
        await self._wait(max(DRAW_EVERY - rest, 0))

    async def _wait(self, longest: Micros) -> None:
        await wait_at_most(self._clock, longest, self._wake)
        self._wake.clear()

    async def _sample(self) -> None:
        now = self._clock.monotonic()
        if self._sampled_at is None or now - self._sampled_at >= SAMPLE_EVERY:
            self._sampled_at = now
            for _ in self._boards.sample():
                await next_turn()

    async def _draw(self) -> None:
        """Draw every scene, and wake its readers."""
        scenes = list(self._scenes.values())
        if not scenes:
            self._painted.clear()
            return
        by_window: dict[str, list[_Scene]] = {}
        for scene in scenes:
            by_window.setdefault(self._window_of(scene.look), []).append(scene)
        for window, some in by_window.items():
            board = self._boards.board(window, [row async for row in self._rows(window)])
            for scene in some:
                try:
                    await self._draw_scene(scene, board)
                except Exception:  # noqa: BLE001 - what one asks for must not blind the others
                    _log.exception("wallboard.crashed")
            self._forget_rows({row.id for row in board.rows})
        self._forget(by_window, {scene.look.language for scene in scenes})

    async def _draw_scene(self, scene: _Scene, board: Board) -> None:
        if len(board.rows) > MANY:
            await next_turn()
        picture = await self._paint(seen(board, scene.look), scene.look)
        await next_turn()
        present = min(board.now, board.at + AHEAD) / SECOND
        if scene.show(picture, present, self._clock.monotonic()):
            for count, reader in enumerate(list(scene.readers), 1):
                reader.news.set()
                if count % WAKE == 0:
                    await next_turn()

    async def _rows(self, window: str) -> AsyncIterator[Row]:
        for row in self._boards.rows(window):
            if row is None:
                await next_turn()
            else:
                yield row

    async def _paint(self, board: Board, look: Look) -> Picture:
        zone, language = self._zone(), look.language
        if zone != self._painted_in:
            self._painted.clear()
            self._painted_in = zone
        rows = {}
        for count, row in enumerate(board.rows, 1):
            rows[row.id] = self._slots(row, board.window, language)
            if count % SLICE == 0:
                await next_turn()
        hour = None
        if look.subject is not None:
            courses = self._boards.last_hour.of(look.subject)
            hour = Hour(window=self._boards.window, courses=courses)
        if len(rows) <= MANY:
            return picture_of(board, rows, look, zone, hour)
        return await asyncio.to_thread(picture_of, board, rows, look, zone, hour)

    def _slots(self, row: Row, window: str, language: Language) -> Slots:
        """Return *row* as a page shows it, painted anew only when it changed."""
        painted = self._painted.setdefault((window, language), {})
        known = painted.get(row.id)
        if known is not None and known[0] == row:
            return known[1]
        slots = paint_row(row, window, self._painted_in or self._zone(), language)
        painted[row.id] = row, slots
        return slots

    def _forget(self, windows: Collection[str], languages: Collection[Language]) -> None:
        """Forget what was painted for those who look no more."""
        for window, language in list(self._painted):
            if window not in windows or language not in languages:
                del self._painted[window, language]

    def _forget_rows(self, rows: Collection[str]) -> None:
        """Forget the queues that are no more."""
        for painted in self._painted.values():
            if len(painted) > len(rows):
                for name in [name for name in painted if name not in rows]:
                    del painted[name]


def seen(board: Board, look: Look) -> Board:
    """Return *board* with those rows only that *look* shows."""
    return dataclasses.replace(board, rows=[row for row in board.rows if look.shows(row)])


def _changed(former: Mapping[str, Slots], present: Mapping[str, Slots]) -> _Listing | None:
    """Return what of a list is other than it was; None: nothing is."""
    items = {}
    for name, slots in present.items():
        before = former.get(name, {})
        if before is not slots and (difference := _difference(before, slots)):
            items[name] = difference
    order = list(present)
    if order == list(former):
        return _Listing(items) if items else None
    return _Listing(items, order)


def _difference(former: Slots, present: Slots) -> Slots:
    """Return the slots that differ; one that is gone as empty text."""
    changed = {slot: text for slot, text in present.items() if former.get(slot) != text}
    return changed | {slot: "" for slot in former if slot not in present}
