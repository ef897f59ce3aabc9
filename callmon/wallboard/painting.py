"""What stands where on the wallboard: every text and mark of it, by the name of its slot.

Pure. A page is a set of slots that are filled: ``waiting`` is a text, ``waiting.mark`` an
attribute of the element of that slot (``ATTRIBUTES``), ``@level`` one of the whole item. The
server fills a page with them and so does the script in it, so both show the same. No slot of
a row depends on the present: what grows is told by when it began, and the page counts.
"""

import urllib.parse
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import Final

from callmon.board import Board, FeedLight, Level, Row, Standing
from callmon.clock import SECOND, Micros
from callmon.measures import Reading
from callmon.rules import Direction, SubjectKind
from callmon.thresholds import State
from callmon.wallboard.figures import (
    clock_text,
    figure_text,
    has_calls,
    limit_text,
    offset_of,
    wait_text,
)
from callmon.wallboard.look import Look, Show
from callmon.wallboard.texts import LEVELS, MEASURE_NAMES, STATES, TEXTS
from callmon.wording import Language, format_duration, format_window

__all__ = [
    "ATTRIBUTES",
    "COUNTED",
    "MAX_ALERTS",
    "Slots",
    "paint_alerts",
    "paint_board",
    "paint_figures",
    "paint_row",
    "paint_standings",
    "path_of",
]

Slots = dict[str, str]
"""Text by slot; ``slot.attribute`` and ``@attribute`` for those of its element and its item."""

ATTRIBUTES: Final[Mapping[str, str]] = {
    "mark": "data-mark",  #: a level: a limit of just this figure is passed
    "state": "data-state",  #: of a figure: zero or none; of the feeds: down or silent
    "since": "data-since",  #: seconds since the epoch; the page counts from it, as m:ss
    "offset": "data-offset",  #: seconds east of Greenwich, of a clock that the page runs
    "points": "data-points",  #: samples of a chart as texts, for whoever points at it
    "path": "href",  #: of a page, from the root of the wallboard
    "title": "title",
    "label": "aria-label",
    "hidden": "hidden",
    "d": "d",
}
"""What may be set on the element of a slot, by its name in HTML, and nothing else."""

COUNTED: Final = (Level.CRITICAL, Level.BLIND, Level.WARNING, Level.INFO, Level.PENDING)
"""Levels that are counted in the head of the board."""

MAX_ALERTS: Final = 50
"""In the list beside the queues: the worst. Nobody reads more of them across a room."""
MAX_NAMES: Final = 3
"""Of feeds that are down."""
BEHIND: Final[Micros] = 10 * SECOND
"""A state so old is said to be old: a backlog is read."""
_FITS: Final = (1, 4, 8, 12, 16)
"""Numbers of rows for which the page has a size of letters that fills a screen."""

_COLUMNS: Final[Mapping[str, tuple[tuple[str, bool], ...]]] = {
    "waiting": (("waiting", False),),
    "waiting_over_target": (("waiting_over_target", False),),
    "longest_wait": (("longest_wait", False),),
    "service_level_now": (("service_level_now", True), ("service_level", True)),
    "abandonment_rate": (("abandonment_rate", True),),
    "answer_rate": (("answer_rate", True),),
    "agents": (
        ("agents_available", False),
        ("agents_staffed", False),
        ("unserved", False),
    ),
}
"""Measures, and whether over the board's window, whose limits a column shows as passed."""

_LIVE: Final = (
    "agents_staffed",
    "agents_available",
    "agents_ringing",
    "agents_busy",
    "agents_wrapup",
    "agents_paused",
)
_WINDOWED: Final = ("service_level", "average_wait", "p90_wait", "average_talk", "arrived")
_DAILY: Final = (
    "arrived",
    "answered",
    "abandoned",
    "answer_rate",
    "abandonment_rate",
    "service_level",
    "average_wait",
    "max_wait",
)
NO_BREAK: Final = "\u00a0"
_DIRECTIONS: Final = {Direction.ABOVE: "above", Direction.BELOW: "below"}


def path_of(row: Row) -> str:
    """Return the address of the view of *row*, from the root of the wallboard."""
    return f"{row.subject.kind.value}/{urllib.parse.quote(row.subject.name, safe='')}"


def paint_row(row: Row, window: str, zone: tzinfo, language: Language) -> Slots:
    """Return the slots of one queue or group; *window* is that of its rates."""
    texts = TEXTS[language]
    slots: Slots = {
        "@level": row.level.value,
        "name": row.subject.name,
        "link.path": path_of(row),
        "level": _level_word(row, language),
        **_figure("waiting", row.live.get("waiting"), texts["no_data"]),
        **_figure("waiting_over_target", row.live.get("waiting_over_target"), texts["no_data"]),
        **_longest(row, texts["no_data"]),
        **_rate("service_level_now", row, texts),
        **_rate("abandonment_rate", row, texts),
        **_rate("answer_rate", row, texts),
        **_agents(row, texts["no_data"]),
        **_figure("answered", row.today.get("answered"), texts["no_data"], "answered_today"),
    }
    for slot, measures in _COLUMNS.items():
        mark = _mark(row, {(name, window if over else None) for name, over in measures})
        if mark and slots.get(f"{slot}.state") != "none":
            slots[f"{slot}.mark"] = mark
    if _is_unwatched(row):
        slots["@unwatched"] = "1"
    if row.blind and row.as_of is not None:
        slots["@stale"] = "1"
        slots["as_of"] = texts["as_of"].format(at=clock_text(row.as_of, zone))
    else:
        slots["as_of.hidden"] = "1"
    return slots


def _is_unwatched(row: Row) -> bool:
    """Tell whether no threshold judges *row*: that nothing is wrong nobody can say then."""
    return row.level is Level.CALM and not row.standings


def _mark(row: Row, figures: Collection[tuple[str, str | None]]) -> str:
    """Return the level of the worst limit of *figures* that is passed; empty: none is.

    ``kept`` where it is no more, but the alert still stands: a wait of 0:00 is no wait.
    """
    for standing in row.breaches:
        if (standing.measure, standing.window) in figures:
            return "kept" if standing.state is State.KEEPING else standing.level.value
    return ""


def _level_word(row: Row, language: Language) -> str:
    if _is_unwatched(row):
        return TEXTS[language]["unwatched"]
    worst = [standing for standing in row.breaches if standing.level is row.level]
    word = LEVELS[language][row.level]
    if worst and all(standing.state is State.KEEPING for standing in worst):
        return TEXTS[language]["kept"].format(level=word)
    return word


def _figure(measure: str, reading: Reading | None, nothing: str, slot: str = "") -> Slots:
    """Return a figure in its *slot*, or that there is *nothing* to show, in small letters."""
    slot = slot or measure
    if reading is None:
        return {slot: nothing, f"{slot}.state": "none"}
    figure = {slot: figure_text(measure, reading)}
    return figure if reading[0] else figure | {f"{slot}.state": "zero"}


def _longest(row: Row, nothing: str) -> Slots:
    if not row.oldest_known:
        return {"longest_wait": nothing, "longest_wait.state": "none"}
    if row.oldest_at is None:
        return {"longest_wait": wait_text(0), "longest_wait.state": "zero"}
    if row.as_of is not None:  # it may have ended since: it is not known to grow
        return {"longest_wait": wait_text(max(row.as_of - row.oldest_at, 0))}
    return {"longest_wait.since": _seconds(row.oldest_at)}


def _seconds(at: Micros) -> str:
    whole, rest = divmod(at, SECOND)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".")


def _rate(measure: str, row: Row, texts: Mapping[str, str], prefix: str = "") -> Slots:
    """Return a figure over the window: without a contact it is *no calls*, not *no data*."""
    reading = row.window.get(measure)
    if reading is not None:
        slots = {measure: figure_text(measure, reading)}
    else:
        nothing = "no_calls" if has_calls(row, measure) is False else "no_data"
        slots = {measure: texts[nothing], f"{measure}.state": "none"}
    return {f"{prefix}{slot}": text for slot, text in slots.items()}


def _agents(row: Row, nothing: str) -> Slots:
    """Return how many agents are free, and of how many at work."""
    free, staffed = row.live.get("agents_available"), row.live.get("agents_staffed")
    if free is None or staffed is None:
        return {"agents": nothing, "agents.state": "none"}
    slots = {"agents": str(free[0]), "agents_of": f"/{staffed[0]}"}
    return slots if free[0] else slots | {"agents.state": "zero"}


def paint_figures(row: Row, language: Language) -> Slots:
    """Return what the view of one subject shows of it beyond its row."""
    texts = TEXTS[language]
    slots: Slots = {
        "@level": row.level.value,
        **_line("standings_none", "" if row.standings else texts["none_thresholds"]),
        "target": texts["target"].format(target=format_duration(row.target, language)),
    }
    for measure in _LIVE:
        slots |= _figure(measure, row.live.get(measure), texts["no_data"])
    for measure in _WINDOWED:
        slots |= _rate(measure, row, texts, "over_")
    offered = row.today.get("offered")
    nothing = texts["no_calls" if offered is not None and not offered[0] else "no_data"]
    for measure in _DAILY:
        slots |= _figure(measure, row.today.get(measure), nothing, f"today_{measure}")
    return slots


def paint_standings(rows: Iterable[Row], zone: tzinfo, language: Language) -> dict[str, Slots]:
    """Return all thresholds of *rows*, each with its limit and how it stands."""
    return {
        f"{standing.threshold}|{row.id}": _paint_standing(row, standing, zone, language)
        for row in rows
        for standing in row.standings
    }


def paint_alerts(rows: Iterable[Row], zone: tzinfo, language: Language) -> dict[str, Slots]:
    """Return the alerts that stand, the most urgent first and of those the oldest."""
    standing = [
        (breach.level.rank, breach.since or 0, row.id, row, breach)
        for row in rows
        for breach in row.breaches
        if breach.level is not Level.PENDING
    ]
    standing.sort(key=lambda entry: (*entry[:3], entry[4].threshold))
    return {
        f"{breach.threshold}|{row.id}|{breach.level.value}": _paint_standing(
            row, breach, zone, language
        )
        for *_, row, breach in standing[:MAX_ALERTS]
    }


def _paint_standing(row: Row, standing: Standing, zone: tzinfo, language: Language) -> Slots:
    texts = TEXTS[language]
    measure = MEASURE_NAMES[language].get(standing.measure, standing.measure)
    if standing.window is not None:
        window = format_window(standing.window, language)
        measure = texts["over"].format(measure=measure, window=window)
    limit = limit_text(standing.measure, standing.limit, language).replace(" ", NO_BREAK)
    slots: Slots = {
        "@level": standing.level.value,
        "level": LEVELS[language][standing.level],
        "subject": row.subject.name,
        "link.path": path_of(row),
        "threshold": standing.threshold,
        "measure": measure,
        "limit": texts[_DIRECTIONS[standing.direction]].format(limit=limit),
        "standing": STATES[language][standing.state],
    }
    if standing.breached and standing.since is not None:
        slots["since"] = texts["since"].format(at=clock_text(standing.since, zone))
        slots["age.since"] = _seconds(standing.since)
    return slots


def paint_board(board: Board, rows: Sequence[Row], look: Look, zone: tzinfo) -> Slots:
    """Return the slots of all that is not in a list; *rows* are those that are shown."""
    texts = TEXTS[look.language]
    kinds = Counter(row.subject.kind for row in rows)
    levels = Counter(row.level for row in rows)
    alerts = sum(breach.level is not Level.PENDING for row in rows for breach in row.breaches)
    slots: Slots = {
        "@fit": _fit(kinds[SubjectKind.QUEUE]),
        "@groups": _fit(kinds[SubjectKind.GROUP]),
        "@alerts": "1" if alerts else "",
        "title": _title(levels[Level.CRITICAL], look),
        "clock.offset": str(offset_of(board.now, zone)),
        "window": texts["last"].format(window=format_window(board.window, look.language)),
        **_feeds(board.feeds, texts),
        **_problems(board.problems, texts),
        **_line("empty", "" if rows else _emptiness(look, texts)),
        **_line("behind", _behind(board, zone, texts)),
        **_line("alerts_more", _more_alerts(alerts, texts)),
    }
    for level in COUNTED:
        if levels[level]:
            slots[f"count_{level.value}"] = str(levels[level])
        else:
            slots[f"counted_{level.value}.hidden"] = "1"
    return slots


def _line(slot: str, text: str) -> Slots:
    """Return *text* in its *slot*, which is not to be seen while there is none."""
    return {slot: text} if text else {f"{slot}.hidden": "1"}


def _fit(rows: int) -> str:
    """Return for how many rows the letters are to be; empty: there is none."""
    return next((str(fit) for fit in _FITS if rows <= fit), "many") if rows else ""


def _title(critical: int, look: Look) -> str:
    texts = TEXTS[look.language]
    title = "callmon" if look.subject is None else look.subject.partition(":")[2]
    if not critical:
        return title
    return texts["critical_title"].format(count=critical, title=title)


def _more_alerts(alerts: int, texts: Mapping[str, str]) -> str:
    more = alerts - MAX_ALERTS
    return texts["alerts_more"].format(count=more) if more > 0 else ""


def _behind(board: Board, zone: tzinfo, texts: Mapping[str, str]) -> str:
    if not board.rows or board.now - board.at < BEHIND:
        return ""
    return texts["behind"].format(at=clock_text(board.at, zone))


def _emptiness(look: Look, texts: Mapping[str, str]) -> str:
    """Return why nothing is shown."""
    if look.subject is not None:
        return texts["empty_subject"]
    groups = look.show is Show.GROUPS
    if look.labels:
        asked = texts["and"].join(
            f"{name}={texts['or'].join(values)}" for name, values in look.filters.items()
        )
        return texts["empty_filter_groups" if groups else "empty_filter"].format(filter=asked)
    return texts["empty_groups" if groups else "empty"]


def _problems(problems: Sequence[str], texts: Mapping[str, str]) -> Slots:
    """Return what is wrong in a sentence each; what operators need to know is in the title.

    That a feed is down stands in the line of the feeds.
    """
    kinds = dict.fromkeys(problem.partition(":")[0] for problem in problems)
    said = dict.fromkeys(
        texts.get(f"problem_{kind}", texts["problem"])
        for kind in kinds
        if not kind.startswith("feed ")
    )
    if not said:
        return {"problems.hidden": "1"}
    return {"problems": "\n".join(said), "problems.title": "\n".join(problems)}


def _feeds(feeds: Sequence[FeedLight], texts: Mapping[str, str]) -> Slots:
    """Return how the feeds are, in a line; the reasons are in its title."""
    down = [feed for feed in feeds if not feed.up]
    silent = [feed for feed in feeds if feed.up and feed.silent]
    if not feeds:
        return {"feeds": texts["feeds_none"], "feeds.state": "down"}
    if down:
        line = "feed_down" if len(feeds) == 1 else "feeds_down"
        names = _names(down, texts)
        text = texts[line].format(down=len(down), count=len(feeds), names=names)
        reasons = "\n".join(f"{feed.name}: {feed.reason}" for feed in down if feed.reason)
        return {"feeds": text, "feeds.state": "down", "feeds.title": reasons}
    if silent:
        text = texts["feeds_silent"].format(names=_names(silent, texts))
        return {"feeds": text, "feeds.state": "silent"}
    line = "feed_up" if len(feeds) == 1 else "feeds_up"
    return {"feeds": texts[line].format(count=len(feeds)), "feeds.state": "up"}


def _names(feeds: Sequence[FeedLight], texts: Mapping[str, str]) -> str:
    names = ", ".join(feed.name for feed in feeds[:MAX_NAMES])
    more = len(feeds) - MAX_NAMES
    return names if more <= 0 else texts["names_more"].format(names=names, count=more)
