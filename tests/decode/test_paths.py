"""Tests of paths into JSON."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.decode.paths import Path, check_path, find, parse_path

DATA = {"call": {"id": 7, "odd.key": "x"}, "calls": [{"id": 1}, {"id": 2}], "": 3}

values = st.recursive(
    st.none() | st.integers(0, 2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=6,
)
paths = st.lists(st.sampled_from(["a", "b", 0, 1]), max_size=3).map(tuple)


@given(values, paths)
def test_a_path_leads_where_indexing_does_or_nowhere(value: Any, path: Path) -> None:
    """``KeyError`` and nothing else says that nothing is there."""
    expected = value
    try:
        for step in path:
            expected = expected[step]
    except (LookupError, TypeError):
        with pytest.raises(KeyError):
            find(value, path)
    else:
        assert expected == find(value, path)


@given(st.text(alphabet='ab.[]*"0{', max_size=8))
def test_any_text_is_a_path_or_not(text: str) -> None:
    """Nothing but the answer comes."""
    if check_path(text) is None:
        before, after = parse_path(text)
        assert before or after is not None


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("a", ("a",), None),
        ("call.id", ("call", "id"), None),
        ("calls[0].id", ("calls", 0, "id"), None),
        ("Event-Name", ("Event-Name",), None),
        ("with space.ä", ("with space", "ä"), None),
        ('["odd.key"]', ("odd.key",), None),
        ('call["odd.key"][1]', ("call", "odd.key", 1), None),
        ("[0][1]", (0, 1), None),
        ("calls[*].id", ("calls",), ("id",)),
        ("calls[*]", ("calls",), ()),
        ("[*].id", (), ("id",)),
        ("a[0][*][1]", ("a", 0), (1,)),
    ],
)
def test_a_path_is_read_step_by_step(text: str, before: Path, after: Path | None) -> None:
    """Keys after dots, places in brackets, odd keys in quotes."""
    assert (before, after) == parse_path(text)
    assert check_path(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "a.", ".a", "a..b", "a[", "a[]", "a[-1]", "a[x]", "a]b", "a[0]b", "a.[0]"),
        *("a[*].b[*]", "{queue}", 'a["', 'a[""]', "a" * 3 + ".a" * 32, "$.a[?(@.b)]"),
        *("$", "$.a", "$[0]"),
    ],
)
def test_what_is_no_path_is_refused(text: str) -> None:
    """With an example of what is one."""
    found = check_path(text)

    assert found is not None
    assert found.startswith("expected a path like call.queue")


def test_a_place_behind_the_last_has_nothing() -> None:
    """Neither has one in an array that is empty."""
    for place in (2, 3):
        with pytest.raises(KeyError):
            find(DATA, ("calls", place))
    with pytest.raises(KeyError):
        find([], (0,))


def test_a_path_has_an_end() -> None:
    """It may be as deep as any payload that people design."""
    assert check_path("a" + ".a" * 31) is None
    assert check_path("a" + ".a" * 32) is not None


def test_a_value_is_found_by_its_path() -> None:
    """Each kind of step leads on."""
    assert find(DATA, parse_path("call.id")[0]) == 7
    assert find(DATA, parse_path('call["odd.key"]')[0]) == "x"
    assert find(DATA, parse_path("calls[1].id")[0]) == 2
