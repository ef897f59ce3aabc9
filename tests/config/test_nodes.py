"""YAML text to data: YAML 1.2 scalars, places, variables, and hostile files."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.config.nodes import MAX_BYTES, Document, parse


def read(text: str | bytes, **environ: str) -> Document:
    """Return the document *text* holds."""
    return parse("a.yml", text.encode() if isinstance(text, str) else text, environ)


@pytest.mark.parametrize(
    "text",
    ["10:30", "09:00", "NO", "on", "00123", "1e3", "2026-01-01", "0x10", "1_000", ".inf"],
)
def test_scalars_stay_text(text: str) -> None:
    """YAML 1.1 would read numbers, booleans or dates into these."""
    assert {"a": text} == read(f"a: {text}").data


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL", "${EMPTY:-}"])
def test_nothing_is_none_unless_quoted(text: str) -> None:
    """Only an unquoted null is nothing."""
    assert {"a": None} == read(f"a: {text}").data
    if not text.startswith("$"):
        assert {"a": text} == read(f"a: '{text}'").data


def test_keys_stay_text_and_keep_their_places() -> None:
    """Each value knows line and column of itself and of its key, counted from 1."""
    document = read("a:\n  - b\n  - on: {0401: x}\n")

    assert {"a": ["b", {"on": {"0401": "x"}}]} == document.data
    mark = document.marks["a", 1, "on", "0401"]
    assert (3, 16, 3, 10) == (mark.line, mark.column, mark.key_line, mark.key_column)


def test_problems_stand_in_file_order_however_they_came() -> None:
    """Reporting order does not matter; the same problem is reported once."""
    document = read("a: 1\nb: 2\n")

    document.report(("b",), "second")
    document.report(("a",), "first", key=True)
    document.report(("b",), "second")

    assert ["a.yml:1:1: a: first", "a.yml:2:4: b: second"] == document.problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A}", "x: [y"),
        ("${A}!", "x: [y!"),
        ("'${A}'", "x: [y"),
        ("$${A}", "${A}"),
        ("$A 5$", "$A 5$"),
        ("${B:-no}", "no"),
        ("${B:-}c", "c"),
        ("${C:-no}", "no"),
    ],
)
def test_variables_are_text_and_bring_no_yaml(text: str, value: str) -> None:
    """What a variable holds cannot open a list or add a key."""
    document = read(f"a: {text}", A="x: [y", C="")

    assert ([], {"a": value}) == (document.problems, document.data)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"a: \xff", "a.yml:1:4: expected UTF-8 text, found byte 0xff: save the file as UTF-8"),
        (b"b: 1\na: \x01", r"a.yml:2:4: expected text, found the control character '\x01'"),
        (b"#" * (MAX_BYTES + 1), f"a.yml:1:1: expected at most {MAX_BYTES} bytes"),
        (b"? [a]\n: b", "a.yml:1:3: expected a name as key, found a list or mapping"),
        (b"[" * 100 + b"]" * 100, "expected plain sections, found more than 40 levels"),
        (b"a: %x", "a.yml:1:4: a value that starts with % must stand in quotes"),
        (b"a: 'x", "a.yml:1:4: this quote is never closed"),
    ],
)
def test_hostile_text_is_one_problem(text: bytes, problem: str) -> None:
    """A wrong or broken file is named with its place, and read no further."""
    problems = read(text).problems

    assert 1 == len(problems)
    assert problem in problems[0]


def test_a_message_cannot_command_the_terminal() -> None:
    """Escape sequences that a value holds are shown as question marks."""
    document = read(r'a: "\e[2J"')
    document.report(("a",), f"expected text, found {document.found(('a',))}")

    assert ["a.yml:1:4: a: expected text, found '?[2J'"] == document.problems


def test_an_alias_bomb_is_refused() -> None:
    """Ten levels of ten aliases would be ten thousand million values."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 11)]
    document = read("\n".join(lines))

    assert not document.readable
    assert "expected at most" in document.problems[0]


@given(st.text(alphabet=string.printable + "é客", max_size=60))
def test_no_text_raises(text: str) -> None:
    """Any text is data or a problem, never an exception."""
    document = read(text.encode())

    assert document.readable or document.problems


@given(st.binary(max_size=40))
def test_no_bytes_raise(text: bytes) -> None:
    """Neither do any bytes."""
    document = read(text)

    assert document.readable or document.problems
