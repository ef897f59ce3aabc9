"""What the address of a page asks for."""

import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.rules import Subject, SubjectKind
from callmon.wallboard.look import (
    MAX_CHOICES,
    MAX_FILTERS,
    MAX_LENGTH,
    Look,
    Show,
    Theme,
    labels_of,
    spoken,
)
from callmon.wording import Language
from tests.wallboard.rows import row


def look(query: str, languages: str = "", subject: str | None = None) -> Look:
    """Return what the query asks for."""
    return Look.from_query(urllib.parse.parse_qsl(query), languages, subject)


def test_nothing_asked_is_the_whole_board() -> None:
    """The plain address shows all queues and groups, in English."""
    assert Look() == look("")


def test_every_option_is_understood() -> None:
    """What docs/supervisors/wallboard.md names works."""
    asked = look(
        "team=sales&show=queues&window=1h&lang=zh-CN&theme=dark&tv=1&sound=1&flash=1",
        subject="queue:vip",
    )

    assert (
        Look(
            subject="queue:vip",
            labels=(("team", "sales"),),
            show=Show.QUEUES,
            window="1h",
            language=Language.CHINESE,
            asked=True,
            theme=Theme.DARK,
            tv=True,
            sound=True,
            flash=True,
        )
        == asked
    )


@pytest.mark.parametrize(
    "query",
    ["show=qeues", "theme=blue", "lang=fr", "window=15 min", "window=", "tv=maybe", "sound=0"],
)
def test_a_typo_does_not_change_the_board(query: str) -> None:
    """A wallboard must not be empty because of an option that is not understood."""
    assert Look() == look(query)


def test_values_of_one_label_are_alternatives() -> None:
    """Two teams show the queues of both; two labels those that have both."""
    asked = look("team=sales&team=service&site=hz")
    seen = [
        (team, site)
        for team in ("sales", "service", "other")
        for site in ("hz", "sh")
        if asked.shows(row(labels={"team": team, "site": site}))
    ]

    assert [("sales", "hz"), ("service", "hz")] == seen


def test_what_has_no_such_label_is_not_shown() -> None:
    """A filter is never passed by what says nothing of it."""
    assert not look("team=sales").shows(row())


@pytest.mark.parametrize(("show", "kinds"), [("all", 2), ("queues", 1), ("groups", 1)])
def test_kinds_can_be_chosen(show: str, kinds: int) -> None:
    """Queues, groups, or both."""
    shown = [kind for kind in SubjectKind if look(f"show={show}").shows(row(kind=kind))]

    assert kinds == len(shown)
    assert show == "all" or shown[0].value == show.removesuffix("s")


def test_the_view_of_one_shows_it_whatever_the_filter() -> None:
    """A link from the filtered board leads to the queue."""
    asked = look("show=groups&team=x", subject="queue:vip")

    assert asked.shows(row("vip"))
    assert not asked.shows(row("support"))
    assert not asked.shows(row("vip", kind=SubjectKind.GROUP))


def test_what_does_not_change_the_picture_is_one_scene() -> None:
    """Screens that differ in colour or sound are drawn for once."""
    assert look("team=a").seen == look("theme=light&sound=1&flash=1&tv=1&team=a&lang=en").seen
    assert look("team=a").seen != look("team=b").seen
    assert look("").seen != look("lang=zh").seen
    assert look("").seen != look("window=1h").seen
    assert look("").seen != look("show=groups").seen


def test_an_address_can_be_no_larger_than_a_filter() -> None:
    """What is kept for one who looks has an end."""
    asked = look("&".join(f"label{number}={number}" for number in range(MAX_FILTERS * 2)))

    assert MAX_FILTERS == len(asked.labels)
    assert () == look(f"team={'x' * (MAX_LENGTH + 1)}").labels


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["team", "site", "show", "lang", "theme", "tv", "sound", "window"]),
            st.sampled_from(["1", "a", "ü&=", "zh", "en", "dark", "queues", "1h", ""]),
        ),
        max_size=6,
    )
)
def test_a_look_survives_its_own_address(items: list[tuple[str, str]]) -> None:
    """A link on a page asks for what the page shows."""
    asked = Look.from_query(items, "")

    assert asked == look(asked.query().removeprefix("?"))


def test_a_value_is_switched_on_and_off() -> None:
    """A chip of the filter is a link to the board with it, or without it."""
    asked = look("team=a")

    assert look("team=a&team=b") == asked.toggled("team", "b")
    assert look("") == asked.toggled("team", "a")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", Language.ENGLISH),
        ("de, fr;q=0.8", Language.ENGLISH),
        ("zh-CN,zh;q=0.9,en;q=0.8", Language.CHINESE),
        ("en-GB,en;q=0.9,zh;q=0.8", Language.ENGLISH),
        ("fr, zh-TW;q=0.3, en;q=0.2", Language.CHINESE),
        ("zh-Hans", Language.CHINESE),
        ("en;q=0.5, zh;q=0.9", Language.CHINESE),
        ("zh;q=0, en;q=0.1", Language.ENGLISH),
        ("zh;q=nonsense", Language.ENGLISH),
        ("zh;q=1.0", Language.CHINESE),
        ("*", Language.ENGLISH),
    ],
)
def test_the_language_is_that_which_the_browser_likes_best(
    header: str, language: Language
) -> None:
    """By its q values; English where it likes neither."""
    assert language is spoken(header)


def test_the_address_decides_before_the_browser() -> None:
    """A screen in Chinese stays Chinese whatever its browser says."""
    assert look("lang=zh", "en").language is Language.CHINESE
    assert look("lang=en", "zh").language is Language.ENGLISH
    assert look("", "zh").language is Language.CHINESE


def test_labels_offer_what_there_is_to_choose() -> None:
    """All values of each label, sorted, without labels of one value or that are options."""
    subjects = [
        Subject(
            kind=SubjectKind.QUEUE,
            name=str(number),
            labels={"team": f"{number:03}", "site": "hz", "lang": str(number)},
        )
        for number in range(MAX_CHOICES + 5)
    ]

    assert {"team": tuple(f"{number:03}" for number in range(MAX_CHOICES))} == labels_of(
        reversed(subjects)
    )


def test_what_is_no_text_is_never_shown() -> None:
    """Bytes that are no UTF-8 can be written into no page and no frame."""
    asked = Look.from_query([("team", "a\udcff"), ("\udcff", "a")], subject="queue:\udcff")
    assert asked.labels == ()
    assert asked.subject == "queue:?"
