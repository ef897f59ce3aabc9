"""Tests of the picture of when thresholds fired: what is drawn where, and what is merged."""

from datetime import UTC
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from callmon.backtest.counts import seen
from callmon.backtest.marks import (
    PIXEL,
    Mark,
    Scale,
    Teller,
    bars,
    dense_bars,
    noise_marks,
    shades,
)
from callmon.backtest.timeline import DAYS_HEIGHT, ROWS_OPEN, paint_timeline
from callmon.clock import SECOND, Micros
from callmon.rules import SubjectKind
from callmon.wording import Language
from tests.backtest.pasts import (
    DAY,
    HOUR,
    MINUTE,
    SINCE,
    UNTIL,
    at,
    backtest,
    episode,
    line,
    office_hours,
    queue,
    threshold,
)

ENGLISH = Language.ENGLISH
MONTH = Scale(SINCE, UNTIL)
TELLER = Teller(UTC, ENGLISH, UNTIL)


def number(length: str) -> float:
    """Return a length in percent as a number."""
    return float(length.removesuffix("%"))


def ends(mark: Mark) -> tuple[float, float]:
    """Return where a mark begins and ends."""
    return number(mark.x), number(mark.x) + number(mark.width)


# ---- where marks stand -------------------------------------------------------------


def test_a_bar_is_where_and_as_wide_as_its_episode() -> None:
    """Seven days into four weeks is a quarter; a day is a twenty-eighth."""
    (bar,) = bars(seen([episode(SINCE + 7 * DAY, DAY)]), MONTH, TELLER)

    assert ("25%", "3.57%", "warning") == (bar.x, bar.width, bar.kind)


def test_what_stands_at_the_end_reaches_the_edge() -> None:
    """An episode that has not ended is drawn as far as the history goes, and says so."""
    (bar,) = bars(seen([episode(SINCE + 21 * DAY, None)]), MONTH, TELLER)

    assert ("75%", "25%") == (bar.x, bar.width)
    assert "stood at the end" in bar.title


def test_what_began_before_the_span_begins_at_its_edge() -> None:
    """An episode that stood already is cut, not drawn outside."""
    (bar,) = bars(seen([episode(SINCE - DAY, 2 * DAY)]), MONTH, TELLER)

    assert ("0%", "3.57%") == (bar.x, bar.width)


def test_the_most_urgent_lies_on_top() -> None:
    """Critical bars are drawn after warnings, whatever came first."""
    episodes = [episode(SINCE + DAY, escalated=True), episode(SINCE + 9 * DAY)]

    assert ["warning", "critical"] == [bar.kind for bar in bars(seen(episodes), MONTH, TELLER)]


def test_brief_is_a_ring_and_no_bar() -> None:
    """What was over within a minute hangs below the line only."""
    found = seen([episode(SINCE + DAY, 60 * SECOND)])

    assert [] == bars(found, MONTH, TELLER)
    assert ["brief"] == [mark.kind for mark in noise_marks(found, MONTH, 0.4, TELLER)]


def test_again_is_a_hook_and_a_bar() -> None:
    """What fired again was trouble as well: it has its bar, and a hook below."""
    first = SINCE + DAY
    found = seen([episode(first, HOUR), episode(first + HOUR + 5 * MINUTE, HOUR)])

    assert ["again"] == [mark.kind for mark in noise_marks(found, MONTH, 0.4, TELLER)]
    assert ["warning"] == [bar.kind for bar in bars(found, MONTH, TELLER)]  # closer than 40 min


def test_a_mark_says_all_there_is_to_know() -> None:
    """When, how long, the worst, how urgent, why it ended, and that it was noise."""
    (mark,) = noise_marks(
        seen([episode(at("2026-03-03T10:00:00"), 50 * SECOND)]), MONTH, 0.4, TELLER
    )

    assert (
        "2026-03-03 10:00:00–10:00:50 · 50 s · Worst 4 min · warning · recovered"
        " · over within a minute" == mark.title
    )


def test_an_end_on_another_day_has_its_date() -> None:
    """Over midnight the time of day alone would be read as the same day."""
    (bar,) = bars(seen([episode(at("2026-03-03T23:50:00"), HOUR)]), MONTH, TELLER)

    assert bar.title.startswith("2026-03-03 23:50:00–2026-03-04 00:50:00")


def test_marks_speak_chinese() -> None:
    """Titles are in the language of the page."""
    teller = Teller(UTC, Language.CHINESE, UNTIL)
    (bar,) = bars(seen([episode(SINCE + DAY)]), MONTH, teller)

    assert "最差值 4 分钟 · 警告 · 已恢复" in bar.title


# ---- what is closer than a pixel ------------------------------------------------------


def test_what_is_closer_than_a_pixel_is_one_mark() -> None:
    """Two episodes half an hour apart are one bar in four weeks, and it says so."""
    first = SINCE + DAY
    close = [episode(first, HOUR), episode(first + HOUR + 30 * MINUTE, HOUR)]
    apart = [episode(first, HOUR), episode(first + HOUR + 50 * MINUTE, HOUR)]

    (bar,) = bars(seen(close), MONTH, TELLER)
    assert bar.title.startswith("2 times, 2026-03-03 00:00:00 to 02:30:00")
    assert 2 == len(bars(seen(apart), MONTH, TELLER))


moments = st.lists(st.integers(0, 40), max_size=12, unique=True)


@given(moments, st.integers(30, 119))
def test_merging_neither_moves_nor_loses_time(hours: list[int], minutes: int) -> None:
    """Every instant of trouble lies in a bar, and bars of a kind lie a pixel apart."""
    scale = Scale(SINCE, SINCE + 1_000 * HOUR)  # a pixel is an hour
    episodes = [episode(SINCE + hour * 2 * HOUR, minutes * MINUTE) for hour in sorted(hours)]

    found = bars(seen(episodes), scale, TELLER)

    for each in episodes:
        begin, end = scale.x(each.fired_at), scale.x(each.fired_at + minutes * MINUTE)
        assert any(
            start - 0.01 <= begin and end <= stop + 0.01 for start, stop in map(ends, found)
        )
    assert all(other[0] - one[1] >= PIXEL - 0.02 for one, other in pairwise(map(ends, found)))


@given(moments, st.integers(1, 90))
def test_a_dense_picture_shows_the_same_bars(hours: list[int], minutes: int) -> None:
    """The path has a piece for each bar, at its place."""
    episodes = [episode(SINCE + hour * HOUR, minutes * MINUTE) for hour in sorted(hours)]
    found = seen(episodes)

    drawn = "".join(d for _, d in dense_bars(found, MONTH, UNTIL))

    expected = [f"{number(bar.x) * 10:.0f}" for bar in bars(found, MONTH, TELLER)]
    assert expected == [f"{float(piece.split()[0]):.0f}" for piece in drawn.split("M")[1:]]


def test_many_rings_are_one_in_so_much_of_the_width() -> None:
    """A night of noise is a row of rings that can be told apart, and each says how many."""
    every_minute = [episode(SINCE + n * 10 * MINUTE, 30 * SECOND) for n in range(6 * 24)]

    marks = noise_marks(seen(every_minute), MONTH, 0.4, TELLER)

    assert 9 == len(marks)  # a day is 3.57 %
    assert "times" in marks[0].title
    assert "" == noise_marks(seen(every_minute), MONTH, 0.4, None)[0].title


# ---- closed hours --------------------------------------------------------------------


def test_closed_hours_are_shaded() -> None:
    """A threshold with hours has its nights and weekends shaded."""
    week = Scale(SINCE, SINCE + 7 * DAY)

    found = shades(office_hours(), week, UTC)

    # Before nine on Monday, four nights, and from Friday at five to the end.
    assert [(0, 9), (17, 33), (41, 57), (65, 81), (89, 105), (113, 168)] == [
        (round(begin * 1.68), round(end * 1.68)) for begin, end in map(ends, found)
    ]


def test_without_hours_weekends_are_shaded() -> None:
    """Saturday and Sunday, by the clock of the picture; those cut by its edge, too."""
    zone = ZoneInfo("Asia/Shanghai")
    since = at("2026-03-07T20:00:00")  # already Sunday there
    week = Scale(since, since + 7 * DAY)

    found = [ends(mark) for mark in shades(None, week, zone)]

    assert [(0, 20), (140, 168)] == [
        (round(begin * 1.68), round(end * 1.68)) for begin, end in found
    ]


def test_closed_hours_too_narrow_to_see_are_left_out() -> None:
    """A year of nights would be one grey; weekends are still seen."""
    year = Scale(SINCE, SINCE + 364 * DAY)

    found = shades(office_hours(), year, UTC)

    assert 52 == len(found)


# ---- the whole -----------------------------------------------------------------------


def test_rows_are_ordered_by_how_often_they_fired() -> None:
    """The loudest queue of a threshold comes first; those that never fired are only named."""
    calm, loud, some = (queue(name) for name in ("calm", "loud", "some"))
    lines = [
        line([], subject=calm),
        line([episode(SINCE + DAY, subject=some)], subject=some),
        line([episode(SINCE + n * DAY, subject=loud) for n in (1, 2)], subject=loud),
    ]

    (group,) = paint_timeline(backtest(lines), ENGLISH).groups

    assert ["loud", "some"] == [row.subject for row in group.rows]
    assert ["calm"] == group.silent
    assert "longest wait above 3 min for 30 s" == group.condition


def test_many_queues_are_folded() -> None:
    """No more than a screen of queues lies open, and none is lost."""
    names = [f"queue_{number:02d}" for number in range(ROWS_OPEN + 3)]
    lines = [
        line([episode(SINCE + DAY, subject=queue(name))], subject=queue(name)) for name in names
    ]

    (group,) = paint_timeline(backtest(lines), ENGLISH).groups

    assert names == [row.subject for row in (*group.rows, *group.folded)]
    assert 3 == len(group.folded)


def test_a_group_says_that_it_is_one() -> None:
    """A queue and a group may have one name."""
    team = queue("sales", SubjectKind.GROUP)

    (group,) = paint_timeline(backtest([line([], subject=team)]), ENGLISH).groups

    assert ["sales (group)"] == group.silent


def test_two_files_have_two_strips() -> None:
    """The present file's strip lies above the candidate's; a changed limit is told."""
    before = [line([episode(SINCE + DAY), episode(SINCE + 2 * DAY, 30 * SECOND)])]
    stricter = threshold(limit=threshold().limits.limit * 2)
    past = backtest([line([episode(SINCE + DAY, of=stricter)], of=stricter)], present=before)

    (group,) = paint_timeline(past, ENGLISH).groups

    (row,) = group.rows
    assert [("present", 2, 1, "50 %"), ("candidate", 1, 0, "")] == [
        (strip.file, strip.episodes, strip.noise, strip.share) for strip in row.strips
    ]
    assert "longest wait above 3 min for 30 s" == group.before
    assert "longest wait above 6 min for 30 s" == group.condition


def test_a_threshold_that_is_gone_is_still_shown() -> None:
    """What only the present file has would have fired, and is to be seen."""
    old = threshold("old")
    before = [line([episode(SINCE + DAY, of=old)], of=old)]
    past = backtest([line([])], present=before)

    groups = paint_timeline(past, ENGLISH).groups

    assert ["long_wait", "old"] == [group.name for group in groups]
    assert [1, 0] == [strip.episodes for strip in groups[1].rows[0].strips]


def test_every_day_has_a_bar_as_high_as_its_pages() -> None:
    """The worst day is as high as there is room; its noise stands in it."""
    day = SINCE + 2 * DAY
    episodes = [
        episode(day + HOUR, 30 * SECOND),
        episode(day + 9 * HOUR, escalated=True),
        episode(SINCE + 5 * DAY),
    ]

    (found,) = paint_timeline(backtest([line(episodes)]), ENGLISH).days

    assert 28 == len(found.bars)
    assert 3 == found.most
    worst = found.bars[2]
    assert (DAYS_HEIGHT, round(DAYS_HEIGHT / 3, 1)) == (worst.pages, worst.noise)
    assert "Wed 2026-03-04: 3 pages, noise 1" == worst.title
    assert round(DAYS_HEIGHT / 3, 1) == found.bars[5].pages


def test_days_begin_at_midnight_of_the_zone_also_when_clocks_change() -> None:
    """The day on which summer time begins has 23 hours: none is lost, none told twice."""
    past = backtest(
        [line([episode(at("2026-03-29T22:30:00"))])],
        timezone="Europe/Berlin",
        since=at("2026-03-28T23:00:00"),
        until=at("2026-03-30T22:00:00"),
    )

    (found,) = paint_timeline(past, ENGLISH).days

    assert ["2026-03-29", "2026-03-30"] == [str(bar.day) for bar in found.bars]
    assert [0, DAYS_HEIGHT] == [bar.pages for bar in found.bars]


def test_what_is_not_known_is_hatched_not_calm() -> None:
    """Before the first event nothing is known: the days begin after it."""
    past = backtest([line([])], first=SINCE + 7 * DAY)

    timeline = paint_timeline(past, ENGLISH)

    assert "25%" == timeline.unknown
    assert 21 == len(timeline.days[0].bars)
    assert "" == paint_timeline(backtest([line([])]), ENGLISH).unknown


def ticks(length: Micros) -> list[str]:
    """Return the names below a picture of so long a span."""
    past = backtest([line([])], until=SINCE + length)
    return [tick.text for tick in paint_timeline(past, ENGLISH).ticks]


def test_ticks_are_as_fine_as_there_is_room() -> None:
    """Hours for a day, days for a week, Mondays for a month, months for a year."""
    assert ["00:00", "03:00", "06:00"] == ticks(DAY)[:3]
    assert ["Mon 03-02", "Tue 03-03"] == ticks(7 * DAY)[:2]
    assert ["Mon 03-02", "Mon 03-09", "Mon 03-16", "Mon 03-23"] == ticks(28 * DAY)
    assert ["2026-04", "2026-05"] == ticks(365 * DAY)[:2]
    assert "" == ticks(365 * DAY)[-1]  # its name would stand outside


def test_too_many_marks_say_nothing_but_are_all_there() -> None:
    """Beyond the cap bars become paths; where each stood does not change."""
    past = backtest([line([episode(SINCE + n * 5 * HOUR) for n in range(100)])])

    plain = paint_timeline(past, ENGLISH).groups[0].rows[0].strips[0]
    dense = paint_timeline(past, ENGLISH, most=50).groups[0].rows[0].strips[0]

    assert 100 == len(plain.bars)
    assert ([], 100) == (dense.bars, dense.dense[0][1].count("M"))


def test_the_width_of_a_pixel_is_told_in_round_figures() -> None:
    """Nobody wants to read of 40 min 19 s."""
    assert "40 min" == paint_timeline(backtest([line([])]), ENGLISH).merged
