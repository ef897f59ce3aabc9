"""Matchers as Alertmanager writes them."""

import pytest

from callmon.sense.matchers import Matcher, WrongMatcherError, parsed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('team="sales"', [("team", "=", "sales")]),
        ("team=sales", [("team", "=", "sales")]),
        (' team = "sales" ', [("team", "=", "sales")]),
        ('team=""', [("team", "=", "")]),
        ("team=", [("team", "=", "")]),
        ('team!="a,b}"', [("team", "!=", "a,b}")]),
        ('{a="b", c=~"d|e"}', [("a", "=", "b"), ("c", "=~", "d|e")]),
        ('a!~"x.*",', [("a", "!~", "x.*")]),
        ('"my label"="x"', [("my label", "=", "x")]),
        (r'a="say \"hi\"\n"', [("a", "=", 'say "hi"\n')]),
        (r'a=~"\\d+"', [("a", "=~", r"\d+")]),
        ("", []),
        ("{}", []),
    ],
)
def test_matchers_are_read(text: str, expected: list[tuple[str, str, str]]) -> None:
    """With and without quotes and braces, one or many."""
    assert expected == [(one.label, one.operator, one.value) for one in parsed(text)]


@pytest.mark.parametrize("text", ["team", '="x"', 'a="b" c="d"', 'a="b', "a==b,,"])
def test_what_is_no_matcher_is_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(WrongMatcherError):
        parsed(text)


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ('a="b"', {"a": "b"}, True),
        ('a="b"', {"a": "bb"}, False),
        ('a="b"', {}, False),
        ('a=""', {}, True),
        ('a!="b"', {}, True),
        ('a=~"b|c"', {"a": "c"}, True),
        ('a=~"b|c"', {"a": "cc"}, False),
        ('a=~".*"', {}, True),
        ('a=~".+"', {}, False),
        ('a!~".+"', {}, True),
        ('a!~"b"', {"a": "b"}, False),
        ('a=~"b.c"', {"a": "b\nc"}, True),
    ],
)
def test_a_label_that_is_not_there_is_empty(
    text: str, labels: dict[str, str], expected: bool
) -> None:
    """And a regular expression matches the whole value."""
    (matcher,) = parsed(text)

    assert expected is matcher.matches(labels)


def test_an_expression_of_another_language_is_left_alone() -> None:
    """Go knows some that Python does not; whether it is right says amtool."""
    (matcher,) = parsed(r'a=~"\\pL+"')

    assert not matcher.readable
    assert matcher.matches({"a": "b"})


def test_a_matcher_is_shown_as_it_is_written() -> None:
    """In the form of Alertmanager."""
    assert 'a=~"b"' == str(Matcher(label="a", operator="=~", value="b"))


@pytest.mark.parametrize(
    "expression",
    [
        "(a+)+b",
        "(?:a|aa){40}b",
        "(?i:a*)*b",
        ".*.*.*.*.*x",
        "(a*)(b|a*)(a*)(?P<rest>a*)a*x",
        "(" * 5_000 + ")" * 5_000,
        "(a|aa)" * 40 + "b",
        "a" * 20_000,
        "a{99999999999999999999}",
        "[[:alpha:]]+",
        "(?u)a",
        r"\pL+",
    ],
)
def test_what_means_another_thing_here_or_takes_long_is_not_tried(expression: str) -> None:
    """It is told to be so, at once, and holds for everybody."""
    matcher = Matcher(label="queue", operator="=~", value=expression)

    assert (False, True) == (matcher.readable, matcher.matches({"queue": "a" * 60}))


@pytest.mark.parametrize(
    ("expression", "found", "expected"),
    [
        ("^(?:a.*|b.*|c.*|d.*|e.*|f.*)$", "fish", True),
        ("a.*|b.*|c.*|d.*|e.*|f.*", "green", False),
        ("(sales|support)-?[0-9]{2}", "sales-12", True),
        ("(?i)SALES(-vip)?", "sales-VIP", True),
        (r"a\(b\)*", "a(b)))", True),
        (r"\d", "٣", False),
    ],
)
def test_what_people_write_is_tried(expression: str, found: str, expected: bool) -> None:
    """Lists, beginnings, numbers, without regard to case: as Go understands them."""
    matcher = Matcher(label="queue", operator="=~", value=expression)

    assert (True, expected) == (matcher.readable, matcher.matches({"queue": found}))
