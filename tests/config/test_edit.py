"""YAML edited in place: what was asked for changes, and not one byte more."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from callmon.config.edit import (
    EditError,
    commented,
    holds,
    replaced,
    value_text,
    with_item,
    with_key,
)
from callmon.config.nodes import Data, Loc, parse

KEYS = ("a", "b", "above", "客服")
SCALARS = ("3m", "20%", "x", "'it''s'", '"a: b # c"', '"{q}"', "客服", "0401")
COMMENTS = ("", " # why", "   # 3m: {old}, 'it")
LINES = ("", "\n", "# note: [a\n", "  # deeper\n")


@st.composite
def blocks(draw: st.DrawFn, depth: int = 2, column: int = 0) -> str:
    """Draw the lines of a block collection that begins in *column*."""
    indent = " " * column
    kind = draw(st.sampled_from("ms")) if column else "m"
    parts = []
    names = draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True))
    for name in names:
        parts.append(draw(st.sampled_from(LINES)))
        head = f"{indent}{name}:" if kind == "m" else f"{indent}-"
        comment = draw(st.sampled_from(COMMENTS))
        inner = draw(st.sampled_from(("scalar", "flow", "block", "text", "empty")))
        if inner == "block" and depth:
            step = draw(st.sampled_from((2, 4)))
            parts.append(f"{head}{comment}\n{draw(blocks(depth - 1, column + step))}")
        elif inner == "text":
            parts.append(f"{head} |{comment}\n{indent}    some\n{indent}    # text\n")
        elif inner == "empty":
            parts.append(f"{head}{comment}\n")
        elif inner == "flow":
            parts.append(f"{head} {draw(flows())}{comment}\n")
        else:
            parts.append(f"{head} {draw(st.sampled_from(SCALARS))}{comment}\n")
    return "".join(parts)


@st.composite
def flows(draw: st.DrawFn, depth: int = 1) -> str:
    """Draw a collection in braces or brackets."""
    items = draw(st.lists(st.sampled_from(SCALARS), max_size=2))
    if depth and draw(st.booleans()):
        items.append(draw(flows(depth - 1)))
    blank = draw(st.sampled_from(("", " ")))
    if draw(st.booleans()):
        return f"[{blank}{', '.join(items)}{blank}]"
    pairs = [f"{key}: {item}" for key, item in zip(KEYS, items, strict=False)]
    return f"{{{blank}{', '.join(pairs)}{blank}}}"


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Draw a file, with the line ends of one system or the other."""
    text = draw(blocks())
    if draw(st.booleans()):
        text = text.rstrip("\n")
    return text.replace("\n", draw(st.sampled_from(("\n", "\r\n"))))


def read(text: str) -> Data:
    """Return what callmon reads in *text*."""
    document = parse("file.yml", text.encode(), {})
    assert [] == document.problems
    return document.data


def places(data: Data, loc: Loc = ()) -> Iterator[tuple[Loc, Data]]:
    """Yield every place and what stands there."""
    yield loc, data
    children: Any = data.items() if isinstance(data, dict) else ()
    children = enumerate(data) if isinstance(data, list) else children
    for part, value in children:
        yield from places(value, (*loc, part))


def with_change(data: Any, loc: Loc, change: Any) -> Any:
    """Return *data* with what is at *loc* changed."""
    if not loc:
        return change(data)
    copy: Any = list(data) if isinstance(data, list) else dict(data)
    copy[loc[0]] = with_change(copy[loc[0]], loc[1:], change)
    return copy


def is_one_insertion(before: str, after: str) -> bool:
    """Tell whether *after* is *before* with one piece put in."""
    grown = len(after) - len(before)
    return grown >= 0 and any(
        before[:at] == after[:at] and before[at:] == after[at + grown :]
        for at in range(len(before) + 1)
    )


@given(st.data(), documents(), st.sampled_from(("4m", "it's", "a: b", "no", "", "客服 1")))
def test_a_value_is_replaced_and_nothing_else(
    drawn: st.DataObject, text: str, value: str
) -> None:
    """The scalar has the new value; before and behind it not a byte differs."""
    found = [loc for loc, data in places(read(text)) if data is None or isinstance(data, str)]
    assume(found)
    loc = drawn.draw(st.sampled_from(found))
    old = parse("file.yml", text.encode(), {}).marks[loc].raw
    try:
        result = replaced(text, loc, value)
    except EditError:
        assert "some" in old  # text over several lines is left alone
        return

    assert with_change(read(text), loc, lambda _old: value) == read(result)
    same = 0
    while same < min(len(text), len(result)) and text[same] == result[same]:
        same += 1
    rest = 0
    while rest < min(len(text), len(result)) - same and text[-1 - rest] == result[-1 - rest]:
        rest += 1
    quotes = 2 * old.count("'") + 4
    assert len(text) - same - rest <= len(old) + quotes


@given(st.data(), documents(), st.sampled_from(KEYS))
def test_a_key_is_added_and_nothing_else(drawn: st.DataObject, text: str, after: str) -> None:
    """The mapping has one more key; the text is the old one with one piece put in."""
    found = [loc for loc, data in places(read(text)) if isinstance(data, dict)]
    loc = drawn.draw(st.sampled_from(found))
    values: tuple[Data, ...] = ("4m", ["a", "b: c"], [{"queues": ["vip"]}])
    value = drawn.draw(st.sampled_from(values))

    try:
        result = with_key(text, loc, "new", value, after)
    except EditError:
        assert text.endswith("# text")  # a line behind it would end this one, too
        return

    def added(old: Any) -> Any:
        return {**old, "new": value}

    assert with_change(read(text), loc, added) == read(result)
    assert is_one_insertion(text, result)


@given(st.data(), documents())
def test_an_item_is_put_in_and_nothing_else(drawn: st.DataObject, text: str) -> None:
    """The list has one more item at its place; the text is the old one and one piece."""
    found = [(loc, data) for loc, data in places(read(text)) if isinstance(data, list)]
    assume(found)
    loc, items = drawn.draw(st.sampled_from(found))
    position = drawn.draw(st.integers(0, len(items)))
    values: tuple[Data, ...] = ("vip", {"queues": ["vip"], "above": "1m"})
    value = drawn.draw(st.sampled_from(values))

    try:
        result = with_item(text, loc, position, value)
    except EditError:
        assert text.endswith("# text")
        return

    def added(old: Any) -> Any:
        return [*old[:position], value, *old[position:]]

    assert with_change(read(text), loc, added) == read(result)
    assert is_one_insertion(text, result)


@given(st.data(), documents())
def test_a_comment_changes_no_value(drawn: st.DataObject, text: str) -> None:
    """With a comment the file means the same; it is one line more, or none."""
    loc = drawn.draw(st.sampled_from([loc for loc, _ in places(read(text)) if loc]))

    result = commented(text, loc, "suggested today")

    assert read(text) == read(result)
    assert is_one_insertion(text, result)
    assert result in {text, commented(result, loc, "suggested today")}
    assert commented(text, loc, "suggested anew") == commented(result, loc, "suggested anew")


@given(
    st.recursive(
        st.none() | st.text(max_size=6),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(st.text(min_size=1, max_size=3), inner, max_size=2)
        ),
        max_leaves=5,
    )
)
def test_what_is_written_is_read_again(value: Data) -> None:
    """Whatever the text, in quotes where it must be."""
    assume("$" not in str(value) and "<<" not in str(value))
    text = f"a: {value_text(value)}\n"
    try:
        text.encode()
    except UnicodeEncodeError:
        return  # half a character: no file has it

    assert {"a": value} == read(text)


@pytest.mark.parametrize(
    ("text", "loc"),
    [
        ("a: &x 3m\nb: *x\n", ("a",)),
        ("a: &x 3m\nb: *x\n", ("b",)),
        ("a: {b: &x {c: 3m}, d: *x}\n", ("a", "b", "c")),
        ("a: |\n  3m\n", ("a",)),
        ("a: [3m]\n", ("a",)),
        ("a: 3m\n", ("b",)),
        ("a: [3m]\n", ("a", 1)),
        ("", ("a",)),
        ("a: [\n", ("a",)),
    ],
)
def test_what_cannot_be_edited_alone_is_refused(text: str, loc: Loc) -> None:
    """An alias, a text over several lines, no such place: an error, never half an edit."""
    with pytest.raises(EditError):
        replaced(text, loc, "4m")


@pytest.mark.parametrize(
    ("text", "loc"), [("a: &x {b: c}\nd: *x\n", ("a",)), ("a: {b: c}\n", ("a", "b")), ("", ())]
)
def test_a_key_that_cannot_be_added_is_refused(text: str, loc: Loc) -> None:
    """To something that stands in two places, or is no mapping."""
    with pytest.raises(EditError):
        with_key(text, loc, "new", "4m")


def test_a_key_that_is_there_is_not_added() -> None:
    """Two of one name would be a mistake."""
    with pytest.raises(EditError):
        with_key("a: 1\n", (), "a", "2")


@pytest.mark.parametrize("text", ["- - a\n", "a: b\n"])
def test_an_item_needs_a_list_on_its_own_lines(text: str) -> None:
    """Where none can be put in without moving something, none is."""
    loc: Loc = (0,) if text.startswith("-") else ("a",)
    with pytest.raises(EditError):
        with_item(text, loc, 0, "x")


def test_quotes_and_comments_stay() -> None:
    """As in a file that somebody has kept with care."""
    text = "a: '3m'   # 180 s, by contract\r\nb: {c: \"x\", d: 1} # both\r\n"

    result = with_key(replaced(replaced(text, ("a",), "4m"), ("b", "c"), "y"), ("b",), "e", "2")

    assert "a: '4m'   # 180 s, by contract\r\nb: {c: \"y\", d: 1, e: 2} # both\r\n" == result


def test_an_item_stands_below_the_key_and_above_the_comment_of_the_next() -> None:
    """A comment stays with the item it was written for."""
    text = "overrides:\n  # always busy\n  - {queues: [vip]}\n"

    result = with_item(text, ("overrides",), 0, {"queues": ["support"]})

    assert (
        "overrides:\n  - { queues: [support] }\n  # always busy\n  - {queues: [vip]}\n"
    ) == result


@pytest.mark.parametrize("char", ["\n", "\r", "\x0b", "\x1b", "\x00", "\u2028", "\u202e"])
def test_a_comment_stays_on_its_line(char: str) -> None:
    """Names from outside may stand in it, whatever is in them."""
    result = commented("a: 3m\n", ("a",), f"suggested{char}b: 4m")

    assert "# suggested?b: 4m\na: 3m\n" == result


def test_a_comment_takes_the_place_of_its_like() -> None:
    """Suggested again, the old suggestion goes; other comments stay."""
    text = "a:\n  # by contract\n  # suggested in May\n  b: 3m\n"

    assert "a:\n  # by contract\n  # suggested in June\n  b: 3m\n" == commented(
        text, ("a", "b"), "suggested in June"
    )


def test_no_comment_within_a_text() -> None:
    """Above the line stands the beginning of a text in quotes: it would become part of it."""
    text = 'a: {b: "some\n  text", c: 3m}\n'

    assert text == commented(text, ("a", "c"), "suggested today")


@pytest.mark.parametrize("value", ["null", "~", "", "Null"])
def test_text_that_looks_like_nothing_is_text(value: str) -> None:
    """A queue may be called null."""
    assert {"a": [value]} == read(f"a: {value_text([value])}\n")


def test_places_are_found() -> None:
    """And what is none is not."""
    assert holds("a: [1]\n", ("a", 0))
    assert not holds("a: [1]\n", ("a", 1))
    assert not holds("a: 1\n", ("a", "b"))
