"""All there is to know of one queue or group, as lines."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Final

import msgspec

from callmon.board import Level
from callmon.board_view import BoardRow, BoardStanding
from callmon.console.text import BOLD, DIM, Part, clean, fitted, local, pad, text_width
from callmon.top.figures import figure, marked, micros, parsed, value_text, waited
from callmon.top.head import ALARMING, Line, lasting, limit_text, line_width
from callmon.top.scene import Scene
from callmon.top.seen import SEEN, Seen, bars
from callmon.top.texts import CODES, SIGNS
from callmon.wallboard.texts import MEASURE_NAMES
from callmon.wording import format_duration, format_window

__all__ = ["detail_lines"]

GAP: Final = "    "
RATES: Final = ("service_level_now",)
"""Courses whose full bar is 100 %."""


def detail_lines(scene: Scene, row: BoardRow, seen: Seen, width: int) -> list[Line]:
    """Return figures, thresholds and what was seen of *row* since the start."""
    lines = [_title(scene, row), *_blind(scene, row), []]
    lines += _side_by_side(_blocks(scene, row), width)
    lines += [[], [(scene.texts["thresholds"], BOLD)], *_thresholds(scene, row)]
    lines += [[], *_courses(scene, row, seen)]
    return [fitted(line, "", width) for line in lines]


def _title(scene: Scene, row: BoardRow) -> Line:
    labels = "  ".join(clean(f"{name}={value}") for name, value in row.labels.items())
    target = format_duration(micros(row.target_s), scene.language)
    return [
        (f"{SIGNS[row.level]} {scene.level(row.level)}", CODES[row.level]),
        ("  ", ""),
        (scene.name(row), BOLD),
        (f"  {scene.texts['target'].format(target=target)}", ""),
        (f"  {labels}" if labels else " ", DIM),
    ]


def _blind(scene: Scene, row: BoardRow) -> list[Line]:
    """Return since when nothing is seen, where the level does not say it already."""
    if row.as_of is None:
        return []
    at = f"{local(parsed(row.as_of), scene.look.zone):%H:%M:%S}"
    text = scene.texts["as_of"].format(at=at)
    return [[(f"{SIGNS[Level.BLIND]} {text}", CODES[Level.BLIND])]]


def _blocks(scene: Scene, row: BoardRow) -> list[list[Line]]:
    """Return the figures of now, of the window and of today; each block evenly wide."""
    window = scene.board.window
    over = scene.texts["last"].format(window=format_window(clean(window), scene.language))
    return [
        _block(scene, row, scene.texts["now"], row.live, None),
        _block(scene, row, over, row.window, window),
        _block(scene, row, scene.texts["today"], row.today, "today"),
    ]


def _block(
    scene: Scene, row: BoardRow, title: str, held: msgspec.Struct, window: str | None
) -> list[Line]:
    named = [(name, MEASURE_NAMES[scene.language][name]) for name in held.__struct_fields__]
    cells = [(label, *_cell(scene, row, name, held, window)) for name, label in named]
    label_width = max(text_width(label) for label, _, _ in cells)
    width = max(text_width(text) for _, text, _ in cells)
    block: list[Line] = [[(pad(title, label_width + 2 + width, right=False), BOLD)]]
    for label, text, code in cells:
        block.append(
            [
                (pad(label, label_width, right=False), ""),
                ("  ", ""),
                (pad(text, width, right=True), code),
            ]
        )
    return block


def _cell(
    scene: Scene, row: BoardRow, name: str, held: msgspec.Struct, window: str | None
) -> tuple[str, str]:
    """Return a figure and its colour, with a mark where it is beyond a limit."""
    if name == "longest_wait":
        text = waited(row, scene.elapsed, scene.language)
    else:
        text = figure(row, name, getattr(held, name), scene.language)
    level = marked(row, name, window)
    if level in ALARMING:
        return f"{text}!", CODES[level]
    return f"{text} ", DIM if row.blind and window is None else ""


def _side_by_side(blocks: Sequence[Sequence[Line]], width: int) -> Iterator[Line]:
    """Yield *blocks* beside each other, or below where there is no room."""
    widths = [line_width(block[0]) for block in blocks]
    if width and sum(widths) + len(GAP) * (len(blocks) - 1) > width:
        for block in blocks:
            yield from block
            yield []
        return
    for lines in zip_longest(*blocks):
        joined: Line = []
        for line, room in zip(lines, widths, strict=True):
            joined += [*(line or [(" " * room, "")]), (GAP, "")]
        yield joined


def _thresholds(scene: Scene, row: BoardRow) -> list[Line]:
    if not row.standings:
        return [[(scene.texts["none_thresholds"], DIM)]]
    names = max(text_width(clean(standing.threshold)) for standing in row.standings)
    return [_threshold(scene, standing, names) for standing in row.standings]


def _threshold(scene: Scene, standing: BoardStanding, width: int) -> Line:
    level = standing.level
    state: Part = (scene.level(level), CODES[level])
    return [
        (SIGNS[level], CODES[level]),
        (" ", ""),
        (pad(clean(standing.threshold), width, right=False), BOLD),
        ("  ", ""),
        (limit_text(standing, scene.language), ""),
        ("  ", ""),
        state,
        ("  ", ""),
        (lasting(scene, standing) or " ", DIM),
    ]


def _courses(scene: Scene, row: BoardRow, seen: Seen) -> Iterator[Line]:
    length = format_duration(max(scene.monotonic - seen.since, 0), scene.language)
    yield [(scene.texts["seen"].format(length=length), BOLD)]
    labels = {name: MEASURE_NAMES[scene.language][name] for name in SEEN}
    width = max(map(text_width, labels.values()))
    for name, label in labels.items():
        points = seen.course(row.id, name)
        known = [point for point in points if point is not None]
        line: Line = [(pad(label, width, right=False), ""), ("  ", "")]
        if known:
            low, high = (value_text(name, each(known), scene.language) for each in (min, max))
            drawn = bars(points, 1.0 if name in RATES else None)
            line += [(drawn, ""), (f"  {low} … {high}", DIM)]
        else:
            line.append((figure(row, name, None, scene.language), DIM))
        yield line
