"""All of one queue: every figure, every threshold, what was seen."""

from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from callmon.board import Level
from callmon.board_view import BoardRow
from callmon.clock import SECOND
from callmon.console.text import text_width, written
from callmon.top.client import Picture
from callmon.top.detail import detail_lines
from callmon.top.scene import Scene, TopLook
from callmon.top.seen import Seen
from callmon.wallboard.texts import MEASURE_NAMES
from callmon.wording import Language
from tests.top.boards import BLIND, CALM, LIVE, TODAY, WINDOW, WORST, board, standing


def lines(
    row: BoardRow,
    *,
    width: int = 120,
    language: Language = Language.ENGLISH,
    seen: Seen | None = None,
    colour: bool = False,
) -> list[str]:
    """Return the lines of *row*, three seconds after it came."""
    look = TopLook(language=language, zone=ZoneInfo("Asia/Shanghai"))
    picture = Picture(board=board((row,)), taken=0)
    scene = Scene(picture=picture, look=look, monotonic=3 * SECOND)
    found = detail_lines(scene, row, Seen(0) if seen is None else seen, width)
    return [written(line, colour=colour) for line in found]


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("width", [60, 120])
def test_every_figure_is_there(language: Language, width: int) -> None:
    """Of now, of the window and of today, beside each other or below; none is cut."""
    found = lines(WORST, width=width, language=language)

    text = "\n".join(found)
    for held in (LIVE, WINDOW, TODAY):
        for name in held.__struct_fields__:
            assert MEASURE_NAMES[language][name] in text
    assert max(map(text_width, found)) <= width
    assert "…" not in "".join(found[:20])


def test_the_head_says_what_it_is() -> None:
    """Level, name, target and labels."""
    assert "▲ critical  投诉  target 20 s  team=care  site=hz" == lines(WORST)[0]


def test_the_longest_wait_ticks_and_lights_up() -> None:
    """Three seconds after it was 192.5 s, above its limit of three minutes."""
    [line] = [line for line in lines(WORST, colour=True) if line.startswith("longest wait  ")][
        :1
    ]

    assert "3:15!" in line
    assert "\x1b[1;97;41m" in line


def test_every_threshold_is_there() -> None:
    """Those that are well, too; with limit, level, and since when."""
    low = standing(
        Level.CALM, threshold="low", measure="service_level_now", window="15m", limit=0.8
    )
    found = lines(replace(WORST, standings=(*WORST.standings, low)))

    begin = found.index("Thresholds") + 1
    assert [
        "▲ long_wait  longest wait above 3 min  critical  since 22:10:08 (3 min 15 s)",
        "✓ low        service level now, 15 min above 80 %  ok",
    ] == found[begin : begin + 2]


def test_a_queue_without_thresholds_says_so() -> None:
    """No line at all would look like a mistake."""
    assert "No threshold is about it" in lines(replace(CALM, standings=()))


def test_unknown_is_never_a_number() -> None:
    """Of a blind queue no figure is shown, nor a course."""
    seen = Seen(0)
    seen.add(board((BLIND,)))

    found = lines(BLIND, seen=seen)

    figures = found[found.index("") + 2 : found.index("Thresholds") - 1]
    assert 33 == sum(line.count("no data") for line in figures)
    assert 4 == sum("no data" in line for line in found[-4:])


def test_what_a_blind_queue_kept_says_of_when_it_is() -> None:
    """Right below its name, and it does not tick."""
    kept = replace(WORST, blind=True, as_of="2026-09-21T14:02:11Z")

    found = lines(kept)

    assert "✕ no data, as of 22:02:11" == found[1]
    assert any("3:12!" in line for line in found)


def test_the_course_is_drawn() -> None:
    """A bar for each look, the least and the most; gaps where nothing was known."""
    seen = Seen(0)
    for waiting in (0, 4, None, 8):
        seen.add(board((replace(WORST, live=replace(LIVE, waiting=waiting)),)))

    found = lines(WORST, seen=seen)

    begin = found.index("Seen in the last 3 s") + 1
    assert "waiting            ▁▄ █  0 … 8" == found[begin]
    assert "service level now  ▇▇▇▇  95% … 95%" == found[begin + 2]
