"""The live board on a terminal, drawn by textual; the only door to it.

Lines come from elsewhere as parts; here they are drawn, and only where they differ from
what stands there: over a slow line a second costs a few hundred bytes.
"""

import asyncio
import functools
import signal
from collections.abc import Sequence
from typing import ClassVar, Final

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Input

from callmon.board import Level
from callmon.clock import SECOND, Clock, Micros
from callmon.console.text import BOLD, DIM, fitted
from callmon.http_client import AiohttpClient
from callmon.top.client import BoardClient, Picture, follow
from callmon.top.desk import Desk
from callmon.top.detail import detail_lines
from callmon.top.head import Line, alert_lines, head_lines
from callmon.top.lines import changed
from callmon.top.scene import TopLook
from callmon.top.table import empty_line, heading_line, layout, row_line
from callmon.top.texts import CODES, SIGNS

__all__ = ["TopApp", "live"]

ALERTS_SHARE: Final = 4
"""Alerts take a quarter of the screen at most: queues are what one looks for."""

_WHILE_TYPING: Final = ("move", "turn", "everything")
"""What keys do while one types a filter, too."""

_REVERSE: Final = Style(reverse=True)
_COLOURS: Final = 8


@functools.cache
def style_of(code: str, *, chosen: bool = False) -> Style:
    """Return how textual draws what a terminal is told by *code* (SGR).

    In the chosen line what has no colour is reversed: what is lit up stays so.
    """
    style = Style()
    for number in (int(number) for number in code.split(";") if number):
        tens, which = divmod(number, 10)
        match tens:
            case 0:
                style += Style(bold=True) if which == 1 else Style(dim=True)
            case 3:
                style += Style(color=Color.from_ansi(which))
            case 4:
                style += Style(bgcolor=Color.from_ansi(which))
            case _:
                style += Style(color=Color.from_ansi(which + _COLOURS))
    return style + _REVERSE if chosen and style.bgcolor is None else style


def _key(key: str, action: str) -> Binding:
    """Bind *key*; what comes over a slow line in one piece is done in its order."""
    return Binding(key, action, priority=True)


class Lines(ScrollView, can_focus=False):
    """Lines of text, drawn anew only where they change."""

    def __init__(self, name: str) -> None:
        super().__init__(id=name)
        self._lines: Sequence[Line] = ()
        self._chosen: int | None = None

    def put(self, lines: Sequence[Line], chosen: int | None = None) -> None:
        """Show *lines*; *chosen* is the place of the one that is marked."""
        before, self._lines = self._lines, lines
        was, self._chosen = self._chosen, chosen
        if len(lines) != len(before):
            self.virtual_size = Size(0, len(lines))
            self.refresh()
            return
        for y, (old, new) in enumerate(zip(before, lines, strict=True)):
            span = (0, self.size.width) if (y == was) != (y == chosen) else changed(old, new)
            if span is not None:
                row = y - self.scroll_offset.y
                self.refresh(Region(span[0], row, span[1] - span[0], 1))

    def render_line(self, y: int) -> Strip:
        """Return what stands in line *y* of what is seen."""
        place = y + self.scroll_offset.y
        if place >= len(self._lines):
            return Strip.blank(self.size.width, self.rich_style)
        chosen = place == self._chosen
        segments = [
            Segment(text, style_of(code, chosen=chosen)) for text, code in self._lines[place]
        ]
        rest = style_of("", chosen=chosen)
        strip = Strip(segments).adjust_cell_length(self.size.width, rest)
        return strip.apply_style(self.rich_style)

    async def on_click(self, event: events.Click) -> None:
        """Tell the screen which line was meant."""
        if isinstance(self.screen, BoardScreen) and self.id == "rows":
            await self.screen.pick(event.y + self.scroll_offset.y)


def _tall(lines: Lines, height: int) -> None:
    """Make *lines* as high as asked, if they are not: it is a new layout for all."""
    if lines.styles.height is None or lines.styles.height.value != height:
        lines.styles.height = height
        lines.display = height > 0


class Painted(Screen[None]):
    """A screen that is drawn from the desk."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk

    def paint(self) -> None:
        """Show what there is to see now."""

    def on_mount(self) -> None:
        """Show it for the first time."""
        self.paint()

    def on_resize(self) -> None:
        """Show it in the new size, once that is known to all."""
        self.call_after_refresh(self.paint)


class BoardScreen(Painted):
    """All queues and groups, and the alerts that stand."""

    BINDINGS: ClassVar[list[BindingType]] = [
        _key("up", "move(-1)"),
        _key("down", "move(1)"),
        _key("pageup", "turn(-1)"),
        _key("pagedown", "turn(1)"),
        _key("home", "edge(False)"),
        _key("end", "edge(True)"),
        _key("enter", "one"),
        _key("slash", "filter"),
        _key("s", "sort"),
        _key("escape", "everything"),
        _key("question_mark", "help"),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave letters to the filter while one types it, and all that edits it."""
        del parameters
        return self.focused is None or action in _WHILE_TYPING

    def compose(self) -> ComposeResult:
        """Make the parts of the screen, from above."""
        yield Lines("head")
        yield Lines("heading")
        yield Lines("rows")
        yield Lines("alerts")
        yield Input(id="filter", placeholder=self.desk.scene().texts["filter"])
        yield Lines("keys")

    def paint(self) -> None:
        """Show the picture as it is now."""
        scene, width = self.desk.scene(), max(self.size.width, 1)
        rows = scene.rows()
        head = head_lines(scene, width)
        table = self.query_one("#rows", Lines)
        room = max(width - table.scrollbar_size_vertical, 1)
        fit = layout(scene, rows, room)
        top = self.query_one("#head", Lines)
        _tall(top, len(head))
        top.put(head)
        self.query_one("#heading", Lines).put([heading_line(scene, fit)])
        if rows:
            table.put([row_line(scene, row, fit) for row in rows], self.desk.place())
        else:
            table.put([empty_line(scene, room)])
        self._paint_alerts(alert_lines(scene, scene.board.rows, width), width)
        self.query_one("#keys", Lines).put([fitted([(scene.texts["keys"], DIM)], "", width)])

    def _paint_alerts(self, found: list[Line], width: int) -> None:
        texts = self.desk.scene().texts
        room = max(self.size.height // ALERTS_SHARE, 2)
        alerts = found
        if len(found) > room:
            more = texts["more"].format(count=len(found) - room + 1)
            alerts = [*found[: room - 1], fitted([(more, DIM)], "", width)]
        if alerts:
            alerts = [[], fitted([(texts["alerts"], BOLD)], "", width), *alerts]
        below = self.query_one("#alerts", Lines)
        _tall(below, len(alerts))
        below.put(alerts)

    async def pick(self, place: int) -> None:
        """Choose the row at *place*; the one that is chosen already is shown alone."""
        if place == self.desk.place():
            await self.action_one()
        else:
            self._choose(place)

    def action_move(self, by: int) -> None:
        """Choose another row."""
        self._choose(self.desk.place() + by)

    def action_turn(self, pages: int) -> None:
        """Choose a row a page away."""
        page = max(self.query_one("#rows", Lines).size.height - 1, 1)
        self._choose(self.desk.place() + pages * page)

    def action_edge(self, last: bool) -> None:  # noqa: FBT001 - textual hands over by place
        """Choose the first row or the last one."""
        self._choose(len(self.desk.scene().rows()) if last else 0)

    def _choose(self, place: int) -> None:
        self.desk.choose(place)
        self.paint()
        table = self.query_one("#rows", Lines)
        region = Region(0, self.desk.place(), 1, 1)
        table.scroll_to_region(region, animate=False, force=True)

    def action_sort(self) -> None:
        """Sort by what comes next."""
        self.desk.sort()
        self.paint()

    def action_filter(self) -> None:
        """Ask for a part of a name."""
        asked = self.query_one("#filter", Input)
        asked.display = True
        self.set_focus(asked)

    def action_everything(self) -> None:
        """Show all rows again."""
        self.query_one("#filter", Input).value = ""
        self._end_filter()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show at once what fits to what was typed so far."""
        self.desk.search(event.value.strip())
        self.paint()

    async def on_input_submitted(self) -> None:
        """Keep the filter, and give the keys back to the rows; a second time, show one."""
        if self.focused is None:
            await self.action_one()
        self._end_filter()

    def _end_filter(self) -> None:
        self.set_focus(None)
        self.query_one("#filter", Input).display = False

    async def action_one(self) -> None:
        """Show the chosen row alone."""
        row = self.desk.chosen()
        if row is not None:
            self.desk.choose(self.desk.place())
            await self.app.push_screen(OneScreen(self.desk, row.id, row.name))

    async def action_help(self) -> None:
        """Show what the keys do."""
        await self.app.push_screen(HelpScreen(self.desk))


class OneScreen(Painted):
    """One queue or group with all its figures."""

    BINDINGS: ClassVar[list[BindingType]] = [
        _key("escape,enter,backspace", "app.pop_screen"),
        _key("left", "other(-1)"),
        _key("right", "other(1)"),
        _key("up", "scroll(-1)"),
        _key("down", "scroll(1)"),
        _key("pageup", "scroll(-10)"),
        _key("pagedown", "scroll(10)"),
    ]

    def __init__(self, desk: Desk, row: str, name: str) -> None:
        super().__init__(desk)
        self._row = row
        self._name = name

    def compose(self) -> ComposeResult:
        """Make the parts of the screen, from above."""
        yield Lines("head")
        yield Lines("body")
        yield Lines("keys")

    def paint(self) -> None:
        """Show the row as it is now."""
        scene, width = self.desk.scene(), max(self.size.width, 1)
        head = [*head_lines(scene, width), []]
        top = self.query_one("#head", Lines)
        _tall(top, len(head))
        top.put(head)
        body = self.query_one("#body", Lines)
        room = max(width - body.scrollbar_size_vertical, 1)
        row = next((row for row in scene.board.rows if row.id == self._row), None)
        if row is None:
            gone = scene.texts["gone"].format(name=self._name)
            body.put([fitted([(gone, CODES[Level.WARNING])], "", room)])
        else:
            body.put(detail_lines(scene, row, self.desk.seen, room))
        keys = scene.texts["keys_of_one"]
        self.query_one("#keys", Lines).put([fitted([(keys, DIM)], "", width)])

    def action_other(self, by: int) -> None:
        """Show the row before or after it."""
        self.desk.choose(self.desk.place() + by)
        row = self.desk.chosen()
        if row is not None:
            self._row, self._name = row.id, row.name
            self.paint()

    def action_scroll(self, by: int) -> None:
        """Show what stands above or below."""
        self.query_one("#body", Lines).scroll_relative(y=by, animate=False)


class HelpScreen(Painted):
    """What the keys do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        _key("escape,enter,question_mark", "app.pop_screen"),
    ]

    def compose(self) -> ComposeResult:
        """Make the text."""
        yield Lines("body")

    def paint(self) -> None:
        """Show keys and shapes."""
        scene = self.desk.scene()
        signs = "   ".join(f"{SIGNS[level]} {scene.level(level)}" for level in Level)
        text = scene.texts["help"].format(signs=signs)
        width = max(self.size.width, 1)
        self.query_one("#body", Lines).put(
            [fitted([(line, "")], "", width) for line in text.splitlines()]
        )


class TopApp(App[None]):
    """The board, drawn anew every second and with every picture."""

    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS: ClassVar[str | None] = None
    CSS = """
    Lines { height: 1; overflow-x: hidden; overflow-y: hidden; }
    #rows, #body { height: 1fr; overflow-y: auto; scrollbar-size-vertical: 1; }
    #rows { scrollbar-gutter: stable; }
    #filter { display: none; height: 1; border: none; padding: 0; }
    HelpScreen { padding: 1 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("q", "leave"),
        _key("ctrl+c", "quit"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.animation_level = "none"
        self.theme = "ansi-dark"  # the terminal's own colours, whatever they are

    def get_default_screen(self) -> Screen[None]:
        """Return the screen to begin with."""
        return BoardScreen(self.desk)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave letters to the filter while one types it."""
        del parameters
        return action != "leave" or self.screen.focused is None

    def action_leave(self) -> None:
        """End it."""
        self.exit()

    def take(self, picture: Picture) -> None:
        """Have *picture* shown."""
        self.desk.take(picture)
        self.paint()

    def paint(self) -> None:
        """Draw what is seen now, if there is a screen yet."""
        if self.is_running and isinstance(self.screen, Painted) and self.screen.is_mounted:
            self.screen.paint()

    async def tick(self, clock: Clock) -> None:
        """Draw every second: who waits waits longer."""
        while True:
            await clock.sleep(SECOND)
            self.paint()


async def live(
    http: AiohttpClient, url: str, look: TopLook, clock: Clock, *, interval: Micros
) -> int:
    """Show the board at *url* until somebody quits; return the exit code.

    Raises:
        TopError: there is none to begin with.
    """
    async with http:
        client = BoardClient(http, url)
        first = await client.board()
        app = TopApp(Desk(first, look, clock))
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(follow(client, clock, first, app.take, interval=interval)),
                group.create_task(app.tick(clock)),
            ]
            # A terminal that is told nothing would be left without an echo.
            for number in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, app.exit)
            await app.run_async()
            for task in beside:
                task.cancel()
    return app.return_code or 0
