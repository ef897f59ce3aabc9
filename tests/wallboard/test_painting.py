"""What stands in the slots of the wallboard."""

import pytest

from callmon.board import FeedLight, Level, Row
from callmon.clock import SECOND, Micros
from callmon.rules import Direction, SubjectKind
from callmon.thresholds import State
from callmon.wallboard.look import Look, Show
from callmon.wallboard.painting import (
    BEHIND,
    MAX_ALERTS,
    Slots,
    paint_alerts,
    paint_board,
    paint_figures,
    paint_row,
    paint_standings,
    path_of,
)
from callmon.wording import Language
from tests.wallboard.rows import NOW, ZONE, board, feed, row, standing

EN = Language.ENGLISH
FIGURES = (
    "waiting",
    "waiting_over_target",
    "longest_wait",
    "service_level_now",
    "abandonment_rate",
    "answer_rate",
    "agents",
    "answered_today",
)


CALM = standing("calm", "waiting", level=Level.CALM, state=State.OK, since=None)


def painted(of: Row, language: Language = EN) -> Slots:
    """Return the slots of a row over 15 minutes."""
    return paint_row(of, "15m", ZONE, language)


def head(*rows: Row, look: Look | None = None, now: Micros = NOW) -> Slots:
    """Return the slots of the head of a board of *rows*."""
    return paint_board(board(*rows, now=now), rows, look or Look(), ZONE)


def test_a_busy_queue() -> None:
    """Eight figures, how it stands, and where more of it is."""
    assert {
        "@level": "calm",
        "name": "support",
        "link.path": "queue/support",
        "level": "ok",
        "waiting": "7",
        "waiting_over_target": "3",
        "longest_wait.since": "1795399293",
        "service_level_now": "71%",
        "abandonment_rate": "26%",
        "answer_rate": "74%",
        "agents": "1",
        "agents_of": "/8",
        "answered_today": "585",
        "as_of.hidden": "1",
    } == painted(row(standings=(CALM,)))


def test_an_idle_queue() -> None:
    """Zero where that is known; no calls where there is nothing to make a rate of."""
    slots = painted(
        row(
            oldest_at=None,
            live={"waiting": (0, 1, 0), "waiting_over_target": (0, 1, 0)},
            window={
                "offered": (0, 1, 0),
                "abandoned": (0, 1, 0),
                "service_level_now": None,
                "abandonment_rate": None,
                "answer_rate": None,
            },
        )
    )

    assert ("0", "zero") == (slots["waiting"], slots["waiting.state"])
    assert ("0:00", "zero") == (slots["longest_wait"], slots["longest_wait.state"])
    for rate in ("service_level_now", "abandonment_rate", "answer_rate"):
        assert ("no calls", "none") == (slots[rate], slots[f"{rate}.state"])


def test_nothing_known_is_never_a_zero() -> None:
    """Of a queue that nobody sees every figure is no data, in both languages."""
    unknown = row(
        blind=True,
        level=Level.BLIND,
        oldest_at=None,
        oldest_known=False,
        live=dict.fromkeys(row().live),
        window=dict.fromkeys(row().window),
        today=dict.fromkeys(row().today),
    )

    for language, text in ((EN, "no data"), (Language.CHINESE, "无数据")):
        slots = painted(unknown, language)
        for figure in FIGURES:
            assert (text, "none") == (slots[figure], slots[f"{figure}.state"])
        assert text == slots["level"]
        assert "longest_wait.since" not in slots


def test_a_blind_queue_shows_its_last_picture() -> None:
    """With the time it is of; its longest wait does not grow, for it may have ended."""
    slots = painted(row(blind=True, level=Level.BLIND, as_of=NOW - 8 * SECOND))

    assert ("1", "as of 10:02:03") == (slots["@stale"], slots["as_of"])
    assert "as_of.hidden" not in slots
    assert "0:30" == slots["longest_wait"]
    assert "longest_wait.since" not in slots


def test_a_row_does_not_depend_on_the_present() -> None:
    """While nothing happens nothing is sent: the page counts the waits."""
    assert painted(row()) == painted(row())
    assert "longest_wait" not in painted(row())
    assert "1795399292.5" == painted(row(oldest_at=NOW - 38_500_000))["longest_wait.since"]


@pytest.mark.parametrize(
    ("measure", "window", "slot"),
    [
        ("longest_wait", None, "longest_wait"),
        ("waiting", None, "waiting"),
        ("waiting_over_target", None, "waiting_over_target"),
        ("abandonment_rate", "15m", "abandonment_rate"),
        ("service_level", "15m", "service_level_now"),
        ("service_level_now", "15m", "service_level_now"),
        ("agents_available", None, "agents"),
        ("unserved", None, "agents"),
        ("abandonment_rate", "today", None),
        ("average_wait", "15m", None),
    ],
)
def test_the_figure_whose_limit_is_passed_is_marked(
    measure: str, window: str | None, slot: str | None
) -> None:
    """Just that one, and not if the limit is of another window."""
    slots = painted(
        row(standings=(standing(measure=measure, window=window, level=Level.WARNING),))
    )
    marked = {name: text for name, text in slots.items() if name.endswith(".mark")}

    assert ({} if slot is None else {f"{slot}.mark": "warning"}) == marked


def test_the_worst_limit_marks() -> None:
    """Of two that are passed, and whatever is calm."""
    slots = painted(
        row(
            standings=(
                standing("a", level=Level.CRITICAL),
                standing("b", level=Level.PENDING, state=State.PENDING),
                standing("c", "waiting", level=Level.CALM, state=State.OK),
            )
        )
    )

    assert "critical" == slots["longest_wait.mark"]
    assert "waiting.mark" not in slots


def test_a_kept_alert_does_not_mark_as_one_that_is() -> None:
    """A wait of 0:00 in a solid box would read as nonsense."""
    kept = standing(state=State.KEEPING, level=Level.WARNING)
    slots = painted(row(level=Level.WARNING, standings=(kept,)))

    assert ("kept", "warning, kept") == (slots["longest_wait.mark"], slots["level"])

    both = (kept, standing("b", "waiting", level=Level.WARNING))
    assert "warning" == painted(row(level=Level.WARNING, standings=both))["level"]


def test_what_nobody_judges_is_not_called_well() -> None:
    """Without a threshold there is no tick, whatever the figures are."""
    slots = painted(row())

    assert ("1", "no limits") == (slots["@unwatched"], slots["level"])
    blind = painted(row(blind=True, level=Level.BLIND))
    assert "@unwatched" not in blind
    assert "no data" == blind["level"]


def test_what_is_not_known_is_not_marked() -> None:
    """An alert that is kept while nothing is seen says nothing of the figure."""
    slots = painted(
        row(
            blind=True,
            oldest_known=False,
            window={"service_level_now": None},
            standings=(standing(), standing("b", "service_level_now", window="15m")),
        )
    )

    assert [] == [slot for slot in slots if slot.endswith(".mark")]


def test_names_cannot_leave_their_address() -> None:
    """A queue may be called as it likes."""
    assert "queue/a%2Fb%3Fc%23d%20%C3%BC" == path_of(row("a/b?c#d ü"))
    assert "group/all" == path_of(row("all", kind=SubjectKind.GROUP))


def test_the_view_of_one_has_all_its_figures() -> None:
    """Agents by state, the window's and today's figures, and the target."""
    slots = paint_figures(row(), EN)

    assert "target 20 s" == slots["target"]
    assert ("5", "1", "0") == (
        slots["agents_busy"],
        slots["agents_wrapup"],
        slots["agents_paused"],
    )
    assert ("101", "0:17", "3:34") == (
        slots["over_arrived"],
        slots["over_average_wait"],
        slots["over_average_talk"],
    )
    assert ("901", "65%", "50%", "11:40") == (
        slots["today_arrived"],
        slots["today_answer_rate"],
        slots["today_service_level"],
        slots["today_max_wait"],
    )
    assert "No threshold is about it" == slots["standings_none"]
    assert "standings_none" not in paint_figures(row(standings=(standing(),)), EN)


def test_today_without_calls_is_no_calls() -> None:
    """Before the first call of a day there is no rate."""
    slots = paint_figures(row(today={"offered": (0, 1, 0), "answer_rate": None}), EN)

    assert "no calls" == slots["today_answer_rate"]
    assert "no data" == paint_figures(row(today={"answer_rate": None}), EN)["today_answer_rate"]


def test_alerts_come_by_urgency_then_by_age() -> None:
    """What burns longest is on top; what is pending is no alert yet."""
    rows = [
        row("a", standings=(standing("new"), standing("x", level=Level.INFO))),
        row("b", standings=(standing("old", since=NOW - 400 * SECOND),)),
        row("c", standings=(standing("p", level=Level.PENDING, state=State.PENDING),)),
    ]

    assert ["old|queue:b|critical", "new|queue:a|critical", "x|queue:a|info"] == list(
        paint_alerts(rows, ZONE, EN)
    )


def test_an_alert_says_what_where_and_since_when() -> None:
    """The figure and the limit in words; how long it lasts is counted by the page."""
    low = standing(
        "low",
        "service_level",
        window="15m",
        direction=Direction.BELOW,
        limit=0,
        level=Level.WARNING,
    )

    assert {
        "low|queue:support|warning": {
            "@level": "warning",
            "level": "warning",
            "subject": "support",
            "link.path": "queue/support",
            "threshold": "low",
            "measure": "service level (15 min)",
            "limit": "below 0\u00a0%",
            "standing": "firing",
            "since": "since 10:00:56",
            "age.since": "1795399256",
        }
    } == paint_alerts([row(standings=(low,))], ZONE, EN)


def test_the_list_of_alerts_has_an_end() -> None:
    """The worst are listed, the others counted."""
    rows = [row(f"{number:03}", standings=(standing(),)) for number in range(MAX_ALERTS + 3)]

    assert MAX_ALERTS == len(paint_alerts(rows, ZONE, EN))
    assert "and 3 more" == head(*rows)["alerts_more"]
    assert "1" == head(*rows[:MAX_ALERTS])["alerts_more.hidden"]


def test_all_thresholds_of_one_are_listed() -> None:
    """Those that are calm, too, with their limits."""
    calm = standing("calm", level=Level.CALM, state=State.OK, since=None)
    listed = paint_standings([row(standings=(standing(), calm))], ZONE, EN)

    assert ["long_wait|queue:support", "calm|queue:support"] == list(listed)
    slots = listed["calm|queue:support"]
    assert ("ok", "above 3\u00a0min") == (slots["standing"], slots["limit"])
    assert "since" not in slots
    assert "age.since" not in slots


def test_the_head_counts_levels() -> None:
    """Those that are there; the others are hidden."""
    slots = head(row("a", level=Level.CRITICAL), row("b", level=Level.CRITICAL), row("c"))

    assert "2" == slots["count_critical"]
    assert "counted_critical.hidden" not in slots
    assert "1" == slots["counted_blind.hidden"]
    assert "2 critical · callmon" == slots["title"]
    assert "callmon" == head(row())["title"]
    assert "vip" == head(row("vip"), look=Look(subject="queue:vip"))["title"]


@pytest.mark.parametrize(
    ("rows", "fit"), [(0, ""), (1, "1"), (2, "4"), (12, "12"), (13, "16"), (17, "many")]
)
def test_letters_are_as_large_as_there_is_room(rows: int, fit: str) -> None:
    """By the number of queues; that of groups counts by itself."""
    slots = head(
        *(row(str(number)) for number in range(rows)), row("g", kind=SubjectKind.GROUP)
    )

    assert (fit, "1") == (slots["@fit"], slots["@groups"])


@pytest.mark.parametrize(
    ("look", "text"),
    [
        (Look(), "No queue yet"),
        (Look(show=Show.GROUPS), "No group is configured"),
        (Look(labels=(("team", "slaes"),)), "No queue has team=slaes"),
        (
            Look(labels=(("site", "hz"), ("team", "a"), ("team", "b"))),
            "No queue has site=hz and team=a or b",
        ),
        (Look(labels=(("team", "x"),), show=Show.GROUPS), "No group has team=x"),
        (Look(subject="queue:gone"), "Nothing is known of it any more"),
        (Look(language=Language.CHINESE, labels=(("team", "x"),)), "没有 team=x 的队列"),
    ],
)
def test_an_empty_board_says_why(look: Look, text: str) -> None:
    """A typo in the address is named; never a blank screen."""
    assert text == head(look=look)["empty"]
    assert "1" == head(row(), look=look)["empty.hidden"]


def test_feeds_are_told_in_a_line() -> None:
    """All up, or which are not, with the reason at hand."""

    def line(*feeds: FeedLight) -> tuple[str, str]:
        slots = paint_board(board(feeds=feeds), (), Look(), ZONE)
        return slots["feeds"], slots["feeds.state"]

    down = [feed(f"pbx{number}", up=False) for number in range(5)]
    assert ("Feed up", "up") == line(feed())
    assert ("All 2 feeds up", "up") == line(feed("a"), feed("b"))
    assert ("Feed down: a", "down") == line(feed("a", up=False))
    assert ("1 of 2 feeds down: a", "down") == line(feed("a", up=False), feed("b"))
    assert ("5 of 5 feeds down: pbx0, pbx1, pbx2 and 2 more", "down") == line(*down)
    assert ("Feed silent: b", "silent") == line(feed("a"), feed("b", silent=True))
    assert ("No feed", "down") == line()
    slots = paint_board(board(feeds=(feed(up=False),)), (), Look(), ZONE)
    assert "pbx: connection refused" == slots["feeds.title"]


def test_an_old_state_says_so() -> None:
    """While a backlog is read the figures are those of then."""
    assert "behind" not in head(row(), now=NOW + BEHIND - 1)
    assert (
        "Catching up: these are the figures of 10:02:11"
        == head(row(), now=NOW + BEHIND)["behind"]
    )


@pytest.mark.parametrize(
    ("problems", "text"),
    [
        (("starting: the state is being rebuilt",), "callmon is starting: one moment"),
        (
            ("feed a: refused", "storage: /var is full"),
            "callmon cannot write to its storage: please tell those who run it",
        ),
        (("new: x", "newer: y"), "callmon has a problem: please tell those who run it"),
        (("feed a: refused",), None),
        ((), None),
    ],
)
def test_problems_are_said_once(problems: tuple[str, ...], text: str | None) -> None:
    """In the page's language; feeds have a line of their own; paths are for operators."""
    slots = paint_board(board(problems=problems), (), Look(), ZONE)

    assert text == slots.get("problems")
    assert ("1" if text is None else None) == slots.get("problems.hidden")
    if text:
        assert "\n".join(problems) == slots["problems.title"]


def test_the_clock_is_told_by_its_distance() -> None:
    """The page runs the clock of the centre by itself."""
    assert "28800" == head()["clock.offset"]
    assert head(now=NOW) == head(now=NOW + SECOND)
