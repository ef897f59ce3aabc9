"""What stands above and below the table: time, counts, feeds, what is wrong; alerts."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from callmon.board import Level
from callmon.board_view import BoardFeed, BoardRow, BoardStanding
from callmon.console.text import BOLD, DIM, GOOD, Part, clean, fitted, local, text_width
from callmon.top.figures import limit_figure, parsed
from callmon.top.scene import Order, Scene
from callmon.top.texts import CODES, SIGNS, TEXTS
from callmon.wallboard.texts import MEASURE_NAMES
from callmon.wording import Language, format_duration, format_window

__all__ = [
    "ALARMING",
    "Line",
    "alert_lines",
    "alerts_of",
    "head_lines",
    "limit_text",
    "line_width",
    "lost",
]

Line = list[Part]

ALARMING: Final = (Level.CRITICAL, Level.WARNING, Level.INFO)
"""Levels of alerts."""

PROBLEMS_SHOWN: Final = 3
_BAD: Final = CODES[Level.CRITICAL]


def head_lines(scene: Scene, width: int) -> list[Line]:
    """Return time, counts by level, feeds, and what is out of order; width 0 has no end."""
    moment, counts = local(scene.now, scene.look.zone), list(_counts(scene))
    first = [("callmon", BOLD), (f"{moment:%Y-%m-%d %H:%M:%S %Z}", ""), *counts]
    if width and line_width(fitted(first, "  ", 0)) > width:
        first = [(f"{moment:%H:%M:%S}", BOLD), *counts]  # how it stands says more than the day
    lines = [first, list(_feeds(scene)), *([part] for part in _remarks(scene))]
    return [fitted(line, "  ", width) for line in lines if line]


def line_width(line: Line) -> int:
    """Return how many columns *line* takes."""
    return sum(text_width(text) for text, _ in line)


def lost(scene: Scene) -> str | None:
    """Return how old the picture is, if no newer one can be had."""
    if scene.picture.trouble is None:
        return None
    at = f"{local(scene.made_at, scene.look.zone):%H:%M:%S}"
    age = format_duration(scene.picture.age(scene.monotonic), scene.language)
    return scene.texts["lost"].format(at=at, age=age)


def alerts_of(rows: Iterable[BoardRow]) -> list[tuple[BoardRow, BoardStanding]]:
    """Return what stands on *rows*, the most urgent first, then the oldest."""
    found = [
        (row, standing)
        for row in rows
        for standing in row.standings
        if standing.level in ALARMING
    ]
    return sorted(found, key=lambda each: (each[1].level.rank, each[1].since or "", each[0].id))


def alert_lines(scene: Scene, rows: Iterable[BoardRow], width: int) -> list[Line]:
    """Return a line for each alert that stands on *rows*."""
    return [
        fitted(
            [
                (
                    f"{SIGNS[standing.level]} {scene.level(standing.level)}",
                    CODES[standing.level],
                ),
                (scene.name(row), BOLD),
                (f"{clean(standing.threshold)}: {limit_text(standing, scene.language)}", ""),
                (lasting(scene, standing), DIM),
            ],
            "  ",
            width,
        )
        for row, standing in alerts_of(rows)
    ]


def lasting(scene: Scene, standing: BoardStanding) -> str:
    """Return since when a limit is passed, and for how long; "" when it is not."""
    if standing.since is None:
        return ""
    since = parsed(standing.since)
    length = format_duration(max(scene.now - since, 0), scene.language)
    at = f"{local(since, scene.look.zone):%H:%M:%S}"
    return scene.texts["lasts"].format(at=at, length=length)


def limit_text(standing: BoardStanding, language: Language) -> str:
    """Return ``longest wait above 3 min`` or ``service level, 15 min below 80 %``."""
    texts = TEXTS[language]
    text = MEASURE_NAMES[language].get(standing.measure, clean(standing.measure))
    if standing.window is not None:
        window = format_window(clean(standing.window), language)
        text = texts["over"].format(measure=text, window=window)
    limit = limit_figure(standing.measure, standing.limit, language)
    side = texts[standing.direction.value].format(limit=limit)
    return f"{text}{'' if language is Language.CHINESE else ' '}{side}"


def _counts(scene: Scene) -> Iterator[Part]:
    counts = Counter(row.level for row in scene.board.rows)
    for level in Level:
        if counts[level]:
            yield f"{SIGNS[level]} {counts[level]} {scene.level(level)}", CODES[level]


def _feeds(scene: Scene) -> Iterator[Part]:
    """Yield each feed, those that do not see first."""
    for feed in sorted(scene.board.feeds, key=lambda feed: (feed.up, not feed.silent)):
        yield _feed(scene, feed)


def _feed(scene: Scene, feed: BoardFeed) -> Part:
    name, texts = clean(feed.feed), scene.texts
    if not feed.up:
        reason = f" ({clean(feed.reason)})" if feed.reason else ""
        return f"{SIGNS[Level.BLIND]} {name} {texts['down']}{reason}", CODES[Level.BLIND]
    if feed.silent:
        return f"{SIGNS[Level.WARNING]} {name} {texts['silent']}", CODES[Level.WARNING]
    return f"{SIGNS[Level.CALM]} {name} {texts['up']}", GOOD


def _remarks(scene: Scene) -> Iterator[Part]:
    """Yield what else to know of the picture, the worst first."""
    texts, look, board = scene.texts, scene.look, scene.board
    banner = lost(scene)
    if banner is not None:
        yield banner, _BAD
        yield clean(scene.picture.trouble or ""), DIM
    for problem in board.problems[:PROBLEMS_SHOWN]:
        yield texts["not_ready"].format(problem=clean(problem)), _BAD
    if look.window is not None and look.window != board.window:
        asked, window = clean(look.window), clean(board.window)
        yield texts["other_window"].format(asked=asked, window=window), CODES[Level.WARNING]
    wanted = [clean(f"{name}={value}") for name, value in look.labels]
    if look.order is not Order.LEVEL:
        wanted.append(texts["sort"].format(by=texts[f"by_{look.order}"]))
    if look.text:
        wanted.append(texts["filter"] + clean(look.text))
    if wanted:
        yield "  ".join(wanted), DIM
