"""The dashboards work: by Grafana's own types, display engine and components.

There is no Grafana server here. What stands in for it: ``@grafana/schema`` says what a board
may contain, a real Prometheus answers every question of it, ``@grafana/data`` says what each
panel then shows, and ``@grafana/ui`` draws it in Chromium.
"""

import asyncio
import contextlib
import copy
import dataclasses
import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from callmon.clock import SECOND, Micros
from grafana.panels import COLOURS
from tests.acceptance.peers import SUITES, Peer, stopped_at_the_end
from tests.grafana import boards, cases, past
from tests.grafana.answered import answer, job
from tests.grafana.answers import Prometheus
from tests.grafana.centre import MINUTE
from tests.grafana.components import WEB, bundled, displayed, mistakes
from tests.grafana.drawing import browser, draw
from tests.grafana.live import live, now
from tests.grafana.pictures import CHOSEN, LIVE
from tests.grafana.readings import Cell, cells, order, tiles

pytestmark = [pytest.mark.acceptance, pytest.mark.anyio]

BOARDS = ("agents", "alerts", "health", "queue", "wallboard")
DAY: Micros = 24 * 60 * MINUTE


def span_until(at: Micros) -> boards.Span:
    """Return the quarter of an hour before *at*."""
    return boards.Span(begin=at / SECOND - 900, end=at / SECOND, step=15, scraped_every=15)


def board(name: str, language: str = "en") -> boards.Board:
    """Return a committed board."""
    return boards.load(boards.FOLDER / language / f"{name}.json")


@pytest.fixture(scope="module")
def remembering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Peer]]:
    """Run a Prometheus of each suite that has the simulated days."""
    with _with_data(tmp_path_factory.mktemp("past"), past.history) as peers:
        yield peers


@pytest.fixture(scope="module")
def judging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Peer]]:
    """Run a Prometheus of each suite that has the cases."""
    with _with_data(tmp_path_factory.mktemp("cases"), cases.cases) as peers:
        yield peers


@contextlib.contextmanager
def _with_data(
    folder: Path, lines: Callable[[Path], Iterator[str]]
) -> Iterator[Mapping[str, Peer]]:
    data = past.blocks(folder, lines(folder))
    with contextlib.ExitStack() as stack:
        peers = {}
        for suite in SUITES:
            peers[suite] = past.prometheus_of(suite, folder / suite, data)
            stack.enter_context(stopped_at_the_end(peers[suite]))
            asyncio.run(peers[suite].start())
        yield peers


@pytest.fixture(scope="module")
def scraping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Peer]]:
    """Run callmon, and a Prometheus of each suite that scrapes it."""
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        try:
            site = live(tmp_path_factory.mktemp("live"), *SUITES)
            yield runner.run(stack.enter_async_context(site))
        finally:
            runner.run(stack.aclose())


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bundle Grafana's display engine."""
    return bundled(WEB / "read.js", tmp_path_factory.mktemp("engine"), browser=False)


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bundle Grafana's components."""
    return bundled(WEB / "page.jsx", tmp_path_factory.mktemp("painter"), browser=True)


# ---- types ------------------------------------------------------------------------


def test_every_board_is_what_grafanas_types_say() -> None:
    """The compiler knows every key, every value of an enumeration, every panel's options."""
    named = {f"{path.parent.name}_{path.stem}": path for path in boards.board_files()}

    assert len(BOARDS) * len(boards.LANGUAGES) == len(named)
    assert "" == mistakes({name: boards.load(path) for name, path in named.items()})


def _first(board: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in board["panels"] if one["type"] == kind)
    return found


PLANTED: Mapping[str, tuple[str, Callable[[dict[str, Any]], Any]]] = {
    "a misspelt unit": (
        "unti",
        lambda one: _first(one, "stat")["fieldConfig"]["defaults"].update(unti="s"),
    ),
    "a key too many in a place": (
        "'\"z\"'",
        lambda one: _first(one, "stat")["gridPos"].update(z=1),
    ),
    "a wrong word": (
        "bakground",
        lambda one: _first(one, "stat")["options"].update(colorMode="bakground"),
    ),
    "an option of another panel": (
        "displayMode",
        lambda one: _first(one, "stat")["options"].update(displayMode="lcd"),
    ),
    "a wrong look of lines": (
        "'\"lines\"'",
        lambda one: _first(one, "timeseries")["fieldConfig"]["defaults"]["custom"].update(
            drawStyle="lines"
        ),
    ),
    "a wrong look in an override": (
        "color-bakground",
        lambda one: _first(one, "timeseries")["fieldConfig"]["overrides"].append(
            {
                "matcher": {"id": "byName", "options": "x"},
                "properties": [{"id": "custom.drawStyle", "value": "color-bakground"}],
            }
        ),
    ),
    "a wrong limit": (
        "valueExpr",
        lambda one: _first(one, "stat")["fieldConfig"]["defaults"].update(
            thresholds={"mode": "absolute", "steps": {"value": 1}}
        ),
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_mistake_is_found(planted: str) -> None:
    """What somebody mistypes in a generator is not committed."""
    told, plant = PLANTED[planted]
    wrong = copy.deepcopy(dict(board("queue")))
    plant(wrong)

    assert told in mistakes({"wrong": wrong})


# ---- data -------------------------------------------------------------------------

LEVELS = {"critical", "beyond", "near", "fine", "unlimited", "blind"}
"""Queries that share a panel: a queue is in the answer of one of them."""

EMPTY: Mapping[str, str] = {
    "callmon-alerts: 'Alerts a day' A": "needs days: test_alerts_are_counted_by_the_day",
    "callmon-alerts: 'Not told by callmon' trouble2": "no alert could not be kept",
    "callmon-health: 'Feeds' account": "no Asterisk that judges an account",
    "callmon-health: 'Feeds' drift": "no Asterisk that is audited",
    "callmon-health: 'Feeds' reconnects": "no connection was lost",
    "callmon-health: 'Journal' failures": "the disk did not fail",
    "callmon-health: 'Lag and gaps' gaps": "nothing was lost for ever",
}
"""Queries that have no answer on a healthy site, and why."""


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """The queries of all boards, and which of them a Prometheus had an answer to."""

    where: frozenset[str]
    answered: frozenset[str]
    bare: tuple[str, ...]  #: legends that name a label which the answer does not have


async def ask(url: str, span: boards.Span) -> Asked:
    """Ask one Prometheus everything."""
    where: set[str] = set()
    answered: set[str] = set()
    bare: list[str] = []
    async with aiohttp.ClientSession() as session:
        prometheus = Prometheus(url, session)
        for name in BOARDS:
            one = board(name)
            for choice in (CHOSEN.get(name), {"kind": "group"}):
                variables = await boards.resolved(one, prometheus, span, choice)
                for query in _queries(one, variables, span):
                    place = query.where.removesuffix(f" {query.ref}")
                    names = {place, query.ref} if query.ref in LEVELS else {query.where}
                    where |= names
                    found = await answer(query, prometheus, span)
                    if found["result"]:
                        answered |= names
                    bare += _bare(query, found["result"])
    return Asked(frozenset(where), frozenset(answered), tuple(bare))


def _queries(
    one: boards.Board, variables: boards.Variables, span: boards.Span
) -> Iterator[boards.Query]:
    for panel in boards.panels(one):
        for each, own in boards.repeated(panel, variables):
            yield from boards.queries(one, each, own, span)
    yield from boards.annotations(one, variables, span)


def _bare(query: boards.Query, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for label in re.findall(r"\{\{\s*(\w+)\s*\}\}", query.legend):
        if any(label not in row["metric"] for row in rows):
            yield f"{query.where}: no label {label}"


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.timeout(180)
async def test_every_query_has_an_answer(
    suite: str,
    scraping: Mapping[str, Peer],
    remembering: Mapping[str, Peer],
    judging: Mapping[str, Peer],
) -> None:
    """No panel, no annotation asks for what no callmon says; every legend has its labels."""
    current = await ask(scraping[suite].url, now())
    before = await ask(remembering[suite].url, past.LAST_DAY)
    judged = await ask(judging[suite].url, span_until(cases.NOON))

    assert 100 < len(current.where)
    assert [] == [*current.bare, *before.bare, *judged.bare]
    answered = current.answered | before.answered | judged.answered
    assert sorted(EMPTY) == sorted(current.where - answered)


async def test_alerts_are_counted_by_the_day(remembering: Mapping[str, Peer]) -> None:
    """Each of the days before has its alerts, by severity."""
    days = boards.Span(
        begin=(past.END - 22 * DAY) / SECOND,
        end=(past.END + 10 * MINUTE) / SECOND,
        step=86400,
        scraped_every=60,
    )
    async with aiohttp.ClientSession() as session:
        prometheus = Prometheus(remembering["trixie"].url, session)
        shown = await job(board("alerts"), prometheus, days)
    (panel,) = (one for one in shown["panels"] if one["panel"]["title"] == "Alerts a day")
    (asked,) = panel["answers"]

    assert {"info", "warning", "critical"} <= {
        row["metric"]["severity"] for row in asked["result"]
    }


async def test_an_alert_that_stood_from_the_first_has_its_time(
    scraping: Mapping[str, Peer],
) -> None:
    """One that callmon finds at its start has not stood for more than six hours."""
    async with aiohttp.ClientSession() as session:
        prometheus = Prometheus(scraping["sid"].url, session)
        shown = await job(board("alerts"), prometheus, now())
    asked = {each["refId"]: each["result"] for each in shown["panels"][0]["answers"]}
    known = {row["metric"]["threshold"] for row in asked["since"]}

    assert "open_today" in {row["metric"]["threshold"] for row in asked["firing"]}
    assert "open_today" in known


@pytest.mark.parametrize("name", BOARDS)
async def test_every_variable_has_something_to_choose(
    name: str, scraping: Mapping[str, Peer]
) -> None:
    """Sites, teams, queues and windows are found on a live callmon."""
    async with aiohttp.ClientSession() as session:
        prometheus = Prometheus(scraping["sid"].url, session)
        variables = await boards.resolved(board(name), prometheus, now())

    assert [] == [name for name, values in variables.single.items() if not any(values)]
    if "team" in variables.single:
        assert ("night", "sales", "service") == variables.single["team"]


# ---- what is shown ----------------------------------------------------------------

Reader = Callable[..., Sequence[Mapping[str, Any]]]


@pytest.fixture(scope="module")
def read(judging: Mapping[str, Peer], engine: Path) -> Reader:
    """Return what the wallboard shows of the cases, in a language, at a moment."""

    async def asked(language: str, at: Micros, kind: str) -> Mapping[str, Any]:
        async with aiohttp.ClientSession() as session:
            prometheus = Prometheus(judging["trixie"].url, session)
            one = board("wallboard", language)
            return await job(one, prometheus, span_until(at), chosen={"kind": kind})

    @functools.cache
    def shown(language: str, at: Micros, kind: str = "queue") -> Sequence[Mapping[str, Any]]:
        return displayed(engine, asyncio.run(asked(language, at, kind)))

    return shown


FINE, NEAR, BEYOND = COLOURS["fine"], COLOURS["near"], COLOURS["beyond"]
CRITICAL, BLIND, UNMARKED = COLOURS["critical"], COLOURS["blind"], "#00000000"

IDENTITY = {"Queue or group"}

SHOWN_AT_NOON = [
    # queue, column, what is read, in which colour, with which shape
    ("fine", "Longest wait", "00:01:00", FINE, "✓"),
    ("near", "Longest wait", "00:02:30", NEAR, "◇"),
    ("beyond", "Longest wait", "00:03:20", BEYOND, "◆"),
    ("critical", "Longest wait", "00:10:00", CRITICAL, "▲"),
    ("lenient", "Longest wait", "00:03:20", FINE, "✓"),  # an override allows it more
    ("no_limit", "Longest wait", "00:03:20", UNMARKED, ""),
    ("nobody", "Longest wait", "00:00:00", FINE, "✓"),
    ("minute", "Longest wait", "00:00:59", FINE, "✓"),  # 59.9 s are no minute
    ("hour", "Longest wait", "01:02:00", CRITICAL, "▲"),
    ("blind", "Longest wait", "no data", UNMARKED, ""),
    ("minute", "State", "✓ fine", FINE, ""),
    ("fine", "State", "● info", COLOURS["info"], ""),  # too few agents
    ("near", "State", "✓ fine", FINE, ""),  # nothing fires yet
    ("beyond", "State", "◆ warning", COLOURS["warning"], ""),
    ("critical", "State", "▲ critical", CRITICAL, ""),
    ("blind", "State", "✕ no data", BLIND, ""),
    ("nobody", "Waiting", "0", None, ""),
    ("beyond", "Waiting", "2", None, ""),
    ("beyond", "Over target", "1", None, ""),
    ("客服", "Waiting", "1", FINE, "✓"),
    ("客服", "Over target", "1", BEYOND, "◆"),
    ("blind", "Waiting", "no data", None, ""),
    ("blind", "Over target", "no data", None, ""),
    ("perfect", "Service level now", "100%", FINE, "✓"),
    ("almost", "Service level now", "99.9%", FINE, "✓"),  # 99.97 % are not 100 %
    ("modest", "Service level now", "85%", FINE, "✓"),
    ("poor", "Service level now", "50%", BEYOND, "◆"),  # below is beyond here
    ("critical", "Service level now", "0%", UNMARKED, ""),  # who waits too long is missed
    ("no_calls", "Service level now", "no calls", UNMARKED, ""),
    ("blind", "Service level now", "no data", UNMARKED, ""),
    ("perfect", "Abandonment rate", "0%", FINE, "✓"),
    ("modest", "Abandonment rate", "5%", FINE, "✓"),
    ("poor", "Abandonment rate", "50%", BEYOND, "◆"),
    ("no_calls", "Abandonment rate", "no calls", UNMARKED, ""),
    ("blind", "Abandonment rate", "no data", UNMARKED, ""),
    ("perfect", "Answer rate", "100%", None, ""),
    ("modest", "Answer rate", "95%", NEAR, "◇"),
    ("no_calls", "Answer rate", "no calls", None, ""),
    ("blind", "Answer rate", "no data", None, ""),
    ("fine", "Agents available", "1", NEAR, "◇"),
    ("fine", "Agents staffed", "3", BEYOND, "◆"),
    ("no_calls", "Agents available", "no data", None, ""),
    ("blind", "Agents staffed", "no data", None, ""),
]


@pytest.mark.parametrize("case", SHOWN_AT_NOON, ids=lambda case: f"{case[0]}: {case[1]}")
def test_a_row_of_the_wallboard_tells_the_truth(
    case: tuple[str, str, str, str | None, str], read: Reader
) -> None:
    """Each case has its text, its colour and its shape; what is not known is not 0."""
    queue, column, text, color, mark = case
    found = cells(read("en", cases.NOON), "All queues", queue)[column]

    assert (text, mark) == (found.text, found.mark)
    if color is not None:
        assert color.lower() == found.color


def test_the_colours_follow_other_limits_without_the_board(read: Reader) -> None:
    """Ten seconds and a reload later the same board judges by the limits in force then."""
    later = read("en", cases.LATER)
    waits = {
        queue: cells(later, "All queues", queue)["Longest wait"]
        for queue in ("fine", "minute", "lenient", "no_limit")
    }
    poor = cells(later, "All queues", "poor")

    assert Cell("00:01:10", BEYOND.lower(), "◆") == waits["fine"]
    assert Cell("00:01:09", BEYOND.lower(), "◆") == waits["minute"]
    assert Cell("00:03:30", FINE.lower(), "✓") == waits["lenient"]
    assert Cell("00:03:30", UNMARKED, "") == waits["no_limit"]
    assert Cell("50%", NEAR.lower(), "◇") == poor["Service level now"]
    assert Cell("50%", NEAR.lower(), "◇") == poor["Abandonment rate"]


def test_the_worst_comes_first(read: Reader) -> None:
    """Critical, then what cannot be seen or is warned of, then the rest by its wait."""
    names = order(read("en", cases.NOON), "All queues")

    assert ["hour", "critical"] == names[:2]
    assert {"beyond", "poor", "客服", "blind"} == set(names[2:6])
    assert names.index("near") < names.index("minute") < names.index("perfect")


def test_the_tiles_say_the_same(read: Reader) -> None:
    """What is read from afar agrees with the table, and shapes go before the names."""
    waits = tiles(read("en", cases.NOON), "Longest wait")
    service = tiles(read("en", cases.NOON), "Service level now")

    assert ["▲ hour", "▲ critical"] == list(waits)[:2]
    assert Cell("00:03:20", BEYOND.lower()) == waits["◆ beyond"]
    assert Cell("00:02:30", NEAR.lower()) == waits["◇ near"]
    assert Cell("00:00:00", FINE.lower()) == waits["nobody"]
    assert Cell("no data", BLIND.lower()) == waits["✕ blind"]
    assert "◆ poor" == next(iter(service))
    assert "99.9%" == service["almost"].text
    assert "no calls" == service["no_calls"].text
    assert Cell("no data", BLIND.lower()) == service["✕ blind"]


def test_a_row_leads_to_its_queue(read: Reader) -> None:
    """Who clicks a name, whatever its script, gets the board of that queue."""
    panel = next(one for one in read("en", cases.NOON) if one["title"] == "All queues")
    column = panel["tables"][0]["columns"][1]
    links = {cell["text"]: cell["links"] for cell in column["cells"]}

    url = urlsplit(links["客服"][0])
    assert "/d/callmon-queue" == url.path
    assert {"客服"} == set(parse_qs(url.query)["var-queue"])
    assert {"queue"} == set(parse_qs(url.query)["var-kind"])


@pytest.mark.parametrize("suite", SUITES)
async def test_a_queue_is_found_whatever_its_name(
    suite: str, judging: Mapping[str, Peer]
) -> None:
    """Nothing in it is read as PromQL, as a regular expression, or as another queue."""
    one, span = board("queue"), span_until(cases.NOON)
    async with aiohttp.ClientSession() as session:
        prometheus = Prometheus(judging[suite].url, session)
        shown = await job(one, prometheus, span, chosen={"queue": cases.ODD})
    (waiting,) = (each for each in shown["panels"] if each["panel"]["title"] == "Waiting")
    found = [row for asked in waiting["answers"] for row in asked["result"]]

    assert [({"name": cases.ODD}, "0")] == [(row["metric"], row["value"][1]) for row in found]


def test_a_group_is_shown_as_its_queues_are(read: Reader) -> None:
    """The same board, of groups; one that has a blind queue is not known."""
    groups = read("en", cases.NOON, "group")
    busy, everybody = (cells(groups, "All queues", name) for name in ("busy", "everybody"))

    assert "4" == busy["Waiting"].text
    assert "00:03:20" == busy["Longest wait"].text
    assert "no calls" == busy["Answer rate"].text
    assert "✕ no data" == everybody["State"].text
    assert {"no data"} == {
        cell.text for title, cell in everybody.items() if title not in IDENTITY
    } - {"✕ no data"}


def test_the_chinese_board_shows_the_same_in_chinese(read: Reader) -> None:
    """Figures and colours are equal; only the words differ."""
    english, chinese = (
        next(one for one in read(language, cases.NOON) if one["type"] == "table")["tables"][0]
        for language in boards.LANGUAGES
    )
    words = {"no calls": "无来电", "no data": "无数据"}
    for column, translated in zip(english["columns"][1:], chinese["columns"][1:], strict=True):
        for cell, other in zip(column["cells"], translated["cells"], strict=True):
            assert (words.get(cell["text"], cell["text"]), cell["color"]) == (
                other["text"],
                other["color"],
            )


# ---- pictures ---------------------------------------------------------------------

EXPECTED: Mapping[tuple[str, str], Sequence[str]] = {
    ("wallboard", "en"): ("Longest wait", "support", "投诉", "✕ night_desk", "no calls"),
    ("wallboard", "zh"): ("最长等待", "support", "投诉", "✕ night_desk", "无来电"),
    ("queue", "en"): ("Service level", "a week ago", "Answered"),
    ("queue", "zh"): ("服务水平", "一周前"),
    ("agents", "en"): ("Occupancy", "support-01", "lunch"),
    ("agents", "zh"): ("占用率", "support-01"),
    ("alerts", "en"): ("long_wait", "low_service_level", "critical"),
    ("alerts", "zh"): ("long_wait", "提示"),
    ("health", "en"): ("Feeds", "tower", "pbx"),
    ("health", "zh"): ("tower", "pbx"),
}
"""What must stand on each board of the simulated day."""


@pytest.mark.parametrize(("name", "language"), EXPECTED)
async def test_a_board_is_drawn(
    name: str,
    language: str,
    remembering: Mapping[str, Peer],
    scraping: Mapping[str, Peer],
    painter: Path,
) -> None:
    """Grafana's components draw it without a complaint, with what there is to read."""
    peer, span = (
        (scraping["sid"], now()) if name in LIVE else (remembering["sid"], past.LAST_DAY)
    )
    one = board(name, language)
    async with aiohttp.ClientSession() as session, browser() as running:
        shown = await job(one, Prometheus(peer.url, session), span, chosen=CHOSEN.get(name))
        drawing = await draw(running, painter, shown)
        text = await drawing.page.inner_text("body")

    assert [] == drawing.complaints
    assert [] == [expected for expected in EXPECTED[name, language] if expected not in text]
    titles = [panel["title"] for panel in boards.panels(one) if panel["title"]]
    assert [] == [title for title in titles if title not in text and "$" not in title]
