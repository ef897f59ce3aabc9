"""The pages as HTML, and what they are made of."""

import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from callmon.board import Board, Level, Row
from callmon.clock import SECOND
from callmon.last_hour import CHARTED
from callmon.rules import SubjectKind
from callmon.wallboard.charts import Hour
from callmon.wallboard.look import Look, Theme
from callmon.wallboard.pages import Pages
from callmon.wallboard.painting import ATTRIBUTES, paint_row
from callmon.wallboard.picture import picture_of
from callmon.wording import Language
from tests.wallboard.rows import NOW, ZONE, board, row, standing

HOSTILE = """<script>alert(1)</script>"'&{{ 7 * 7 }}"""
VOID = {"meta", "link", "path", "br"}


class Reader(HTMLParser):
    """Reads a page strictly: each element is closed, ids are there once."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: set[str] = set()
        self.slots: dict[str, str] = {}
        self.elements: list[tuple[str, Mapping[str, str | None]]] = []
        self._slot = ""
        self.feed(html)
        self.close()
        assert [] == self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        attributes = dict(attrs)
        assert len(attributes) == len(attrs), attrs
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)
        if "id" in attributes:
            assert attributes["id"] not in self.ids
            self.ids.add(attributes["id"] or "")
        self._slot = "script" if tag == "script" else attributes.get("data-slot") or ""
        self.slots.setdefault(self._slot, "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that is closed at once."""
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        assert tag == self.open.pop()
        self._slot = ""

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.slots[self._slot] = self.slots.get(self._slot, "") or data


@pytest.fixture(scope="module")
def pages() -> Pages:
    """Return pages of a release."""
    return Pages("1.2.3")


def html_of(pages: Pages, shown: Board, look: Look) -> str:
    """Return the page of *look*."""
    rows = {row.id: paint_row(row, "15m", ZONE, look.language) for row in shown.rows}
    hour = Hour(window="15m", courses={name: [(NOW, 1.0)] for name in CHARTED})
    picture = picture_of(shown, rows, look, ZONE, hour if look.subject else None)
    return pages.page(shown, picture, look, {"team": ("a", "b")})


def busy(*names: str) -> Board:
    """Return a board with a group and queues, all critical."""
    rows: list[Row] = [row("all", kind=SubjectKind.GROUP)]
    rows += [row(name, level=Level.CRITICAL, standings=(standing(),)) for name in names]
    return board(*rows, now=NOW + SECOND)


LOOKS = [
    Look(),
    Look(language=Language.CHINESE, theme=Theme.LIGHT, tv=True),
    Look(subject="queue:vip"),
    Look(subject="queue:vip", language=Language.CHINESE, labels=(("team", "a"),)),
]


@pytest.mark.parametrize("look", LOOKS)
def test_pages_are_well_formed(pages: Pages, look: Look) -> None:
    """Every element is closed, no attribute or id stands twice."""
    shown = board(row("vip")) if look.subject else busy("vip", "sales")
    reader = Reader(html_of(pages, shown, look))

    tag, attributes = reader.elements[0]
    assert ("html", look.language.value) == (tag, attributes["lang"])
    assert 1 == [tag for tag, _ in reader.elements].count("h1")
    assert 1 == [tag for tag, _ in reader.elements].count("main")


@pytest.mark.parametrize("look", LOOKS)
def test_the_policy_can_be_strict(pages: Pages, look: Look) -> None:
    """No program and no style stands in a page, and nothing comes from elsewhere."""
    reader = Reader(html_of(pages, board(row("vip")), look))

    for tag, attributes in reader.elements:
        assert tag != "style"
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        for name in ("src", "href"):
            assert not re.match(r"[a-z]+:|//|/", attributes.get(name) or "")
        if tag == "script":
            assert attributes["src"]
    assert "" == reader.slots.get("script", "")


@pytest.mark.parametrize("subject", [None, f"queue:{HOSTILE}", f"group:{HOSTILE}"])
def test_names_stay_texts(pages: Pages, subject: str | None) -> None:
    """A queue, a label or an address can be called like a program."""
    kind = SubjectKind.GROUP if (subject or "").startswith("group") else SubjectKind.QUEUE
    look = Look(subject=subject, labels=((HOSTILE, HOSTILE),))
    for shown in (board(row(HOSTILE, kind=kind)), board()):
        html = html_of(pages, shown, look)
        Reader(html)
        assert "<script>alert" not in html
        assert "{{ 7 * 7 }}" in html


def test_the_first_picture_needs_no_script(pages: Pages) -> None:
    """Figures, waits and the clock stand in the page as of that moment; it renews itself."""
    reader = Reader(html_of(pages, busy("vip"), Look()))

    assert ("all", "7", "1") == tuple(
        reader.slots[slot] for slot in ("name", "waiting", "count_critical")
    )
    assert "0:39" == reader.slots["longest_wait"]
    assert "10:02:12" == reader.slots["clock"]
    assert ("meta", {"http-equiv": "refresh", "content": "5"}) in reader.elements


def test_the_worst_is_first(pages: Pages) -> None:
    """Items stand in the order of the picture, each with its level."""
    reader = Reader(html_of(pages, busy("b", "a"), Look()))
    items = [
        (attributes["data-item"], attributes.get("data-level"))
        for _, attributes in reader.elements
        if attributes.get("data-item")
    ]

    assert [
        ("group:all", "calm"),
        ("queue:b", "critical"),
        ("queue:a", "critical"),
        ("long_wait|queue:a|critical", "critical"),
        ("long_wait|queue:b|critical", "critical"),
    ] == items


def test_links_keep_what_was_asked(pages: Pages) -> None:
    """From the board to a queue and back in the same language, filter and colours."""
    look = Look(labels=(("team", "a"),), language=Language.CHINESE, asked=True)
    whole = html_of(pages, busy("vip"), look)
    one = html_of(pages, board(row("vip")), Look(subject="queue:vip", asked=True))

    assert 'href="queue/vip?team=a&amp;lang=zh-CN"' in whole
    assert 'href="?team=a&amp;team=b&amp;lang=zh-CN"' in whole
    assert 'href="../?lang=en"' in one
    assert 'src="../static/wallboard.js?v=' in one
    assert 'src="../static/charts.js?v=' in one


def test_what_is_not_known_has_a_page(pages: Pages) -> None:
    """In the language of who asked, with a way back."""
    for language, text in (
        (Language.ENGLISH, "No queue named vipp is known"),
        (Language.CHINESE, "没有名为 vipp 的队列"),
    ):
        html = html_of(pages, board(), Look(subject="queue:vipp", language=language))
        Reader(html)
        assert text in html
        assert 'href="../"' in html


def test_a_board_says_what_part_it_is(pages: Pages) -> None:
    """Of which labels its queues are, and over what time its rates."""
    part = html_of(
        pages, busy("vip"), Look(labels=(("site", "hz"), ("team", "a"), ("team", "b")))
    )
    whole = html_of(pages, busy("vip"), Look(language=Language.CHINESE))

    assert '<span class="filter">site: hz · team: a / b</span>' in part
    assert 'Rates · <span data-slot="window">Last 15 min</span>' in part
    assert 'class="filter"' not in whole
    assert "比率 · " in whole


def test_assets_are_named_by_what_is_in_them(pages: Pages) -> None:
    """A page asks for the version it was made for; what is no asset is none."""
    html = html_of(pages, board(), Look())

    for name, content_type in (
        ("wallboard.css", "text/css"),
        ("wallboard.js", "text/javascript"),
        ("icon.svg", "image/svg+xml"),
    ):
        asset = pages.asset(name)
        assert asset is not None
        assert content_type == asset.content_type
        assert f"static/{name}?v={asset.version}" in html
    assert None is pages.asset("../pages.py")
    assert None is pages.asset("")


def test_pages_know_when_they_are_old(pages: Pages) -> None:
    """The version of pages is that of release, templates and assets."""
    assert pages.version == Pages("1.2.3").version
    assert pages.version != Pages("1.2.4").version
    assert f'data-version="{pages.version}"' in html_of(pages, board(), Look())


def test_the_script_knows_the_same_attributes(pages: Pages) -> None:
    """What the server sets, the script sets, and it sets nothing else."""
    script = pages.asset("wallboard.js")
    assert script is not None
    listed = re.search(r"const ATTRIBUTES = \{(.*?)\};", script.body.decode(), re.DOTALL)
    assert listed is not None
    pairs = re.findall(r"(\w+): (\"[^\"]+\")", listed[1])

    assert ATTRIBUTES == {name: json.loads(text) for name, text in pairs}


def test_the_script_makes_no_html(pages: Pages) -> None:
    """Nothing that is told becomes an element, a style or a program."""
    for name in ("wallboard.js", "charts.js"):
        script = pages.asset(name)
        assert script is not None
        for word in (
            b"innerHTML",
            b"outerHTML",
            b"insertAdj",
            b".write(",
            b"eval(",
            b"Function(",
        ):
            assert word not in script.body


def test_every_part_is_in_the_package() -> None:
    """Templates and assets lie where an installed callmon finds them."""
    folder = files("callmon.wallboard")

    assert {"wallboard.html", "subject.html", "unknown.html"} <= {
        file.name for file in folder.joinpath("templates").iterdir()
    }
