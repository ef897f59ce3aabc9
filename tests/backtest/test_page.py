"""Tests of the page: one file, whole, that asks nothing and believes no name."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Final

import pytest

from callmon.backtest.outcome import Difference, Found
from callmon.backtest.page import page_html
from callmon.clock import SECOND
from callmon.wording import Language
from tests.backtest.pasts import (
    DAY,
    HOSTILE,
    SINCE,
    backtest,
    duty,
    episode,
    found,
    large,
    line,
    queue,
    sweep,
)

LARGEST: Final = 5_000_000
"""Bytes a mail or a ticket takes without asking."""

VOID: Final = {"meta", "link"}


class Reader(HTMLParser):
    """Reads a page as a browser does, and notes what it could be harmed by."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag and what it has."""
        self.names.append(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """See that tags are closed in order."""
        assert self.open[-1:] == [tag], f"{tag} closes {self.open[-3:]}"
        self.open.pop()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that is closed at once, as in drawings."""
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        """Note what can be read."""
        self.text += data


def everything(name: str = "support") -> Found:
    """Return a backtest with all that a page can have, of a queue of this *name*."""
    subject = queue(name)
    kept = episode(SINCE + DAY, subject=subject)
    gone = episode(SINCE + 2 * DAY, 30 * SECOND, subject=subject)
    new = episode(SINCE + 3 * DAY, None, subject=subject, escalated=True)
    again = episode(SINCE + DAY + 700 * SECOND, subject=subject)
    past = backtest(
        [line([kept, again, new], subject=subject), line([], subject=queue("calm"))],
        present=[line([kept, gone], subject=subject)],
        differences=[Difference(key=kept.key, kept=1, gone=(gone,), new=(again, new))],
        duties=[duty(name, calls=3, most=2, most_at=SINCE), duty()],
        remarks=[f"The journal has forgotten {name}."],
        first=SINCE + DAY // 2,
    )
    points = {60: (9, 3, 2), 180: (2, 0, 0)}
    return Found(
        backtest=past,
        sweeps=(sweep(points, subjects=[subject]), sweep(points, subjects=[subject])),
    )


@pytest.mark.parametrize("language", list(Language))
def test_it_is_whole(language: Language) -> None:
    """Every tag is closed, no id is given twice, and every reference leads somewhere."""
    reader = Reader(page_html(everything(), language))

    assert [] == reader.open
    assert len(reader.ids) == len(set(reader.ids))
    wanted = {value[1:] for name, value in reader.attributes if name == "href" and value}
    wanted |= {
        value for name, value in reader.attributes if name == "aria-labelledby" and value
    }
    assert set() == {each for each in wanted if each not in reader.ids} - {"ata:,"}
    assert ("lang", language.value) in reader.attributes


def test_it_asks_nothing_of_anybody() -> None:
    """No address, script or style on an element; the policy names the one style."""
    page = page_html(everything())

    reader = Reader(page)
    assert not re.search(r"https?:|//|@import|javascript:", page.replace("<!doctype", ""))
    assert {"script", "iframe", "object", "form", "img"}.isdisjoint(reader.names)
    assert not [name for name, _ in reader.attributes if name == "style" or name[:2] == "on"]
    style = re.findall("<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    assert 1 == len(style)
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in page


def test_a_hostile_name_is_a_text() -> None:
    """What a queue is called can be read and does nothing, wherever it stands."""
    tame, hostile = (Reader(page_html(everything(name))) for name in ("support", HOSTILE))

    shown = HOSTILE.replace("\u202e", "?").replace("\x1b", "?")
    assert tame.names == hostile.names
    assert shown in hostile.text
    assert f"The journal has forgotten {shown}." in hostile.text
    assert {"\u202e", "\x1b"}.isdisjoint(hostile.text)


@pytest.mark.parametrize("language", list(Language))
def test_everything_stands_on_it(language: Language) -> None:
    """Verdict, picture, noise, changes, shifts, hours, sweep and list have their section."""
    headings = re.findall(r'<h2 id="([\w-]+)"', page_html(everything(), language))

    assert [
        "remarks",
        "curve-1",
        "timeline",
        "changes",
        "heat",
        "shifts",
        "lines",
        "list",
    ] == headings


def test_the_verdict_comes_first() -> None:
    """The first sentence says how often somebody would have been paged, and what changes."""
    page = page_html(everything())

    assert (
        "<p>In 28 days candidate.yml would have paged somebody 4 times, 0.1 a day."
        " With the present file, thresholds.yml, it is 2 times, 0.1 a day:"
        " the new one pages 100 % more.</p>"
    ) in page


def test_noise_is_seen_by_its_shape() -> None:
    """A ring and a hook are drawn, in the picture and in the list."""
    episodes = [
        episode(SINCE + DAY, 30 * SECOND),
        episode(SINCE + 2 * DAY),
        episode(SINCE + 2 * DAY + 700 * SECOND),
    ]

    page = page_html(found([line(episodes)]))

    assert {"#brief", "#again"} <= set(re.findall('<use href="(#\\w+)" x="[\\d.]+%"', page))
    signs = re.findall('<span class="kind">(.)</span>', page)
    assert ["○", "●", "↻"] == signs


def test_an_empty_backtest_is_a_page() -> None:
    """Nothing fired, nothing to list: it says so."""
    page = page_html(found([line([])]))

    assert "would have paged nobody" in page
    assert "Nothing fired." in page
    assert "Never fired: support" in page
    assert 'class="card noisy"' not in page


def test_days_lead_to_their_episodes() -> None:
    """A click on the bar of a day leads to its part of the list."""
    page = page_html(found([line([episode(SINCE + DAY)])]))

    assert '<a href="#day-2026-03-03"' in page
    assert 'id="day-2026-03-03"' in page


def test_a_long_list_is_folded() -> None:
    """Two hundred episodes lie open; with more of them only the days are seen."""
    episodes = [episode(SINCE + number * 7_200 * SECOND) for number in range(201)]

    assert "<details open>" in page_html(found([line(episodes[:200])]))
    assert "<details open>" not in page_html(found([line(episodes)]))


def test_a_year_of_forty_queues_can_be_sent() -> None:
    """Near thirty thousand episodes make a whole page of less than five million bytes."""
    page = page_html(large())

    assert len(page.encode()) < LARGEST
    assert "The first 3,000 of 2" in page
    assert 'class="bar dense' in page
    assert [] == Reader(page).open
