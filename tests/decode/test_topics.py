"""Tests of topic templates: they match what MQTT matches, and name what they say."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.decode.topics import Template, check_template

levels = st.sampled_from(["a", "b", "", "+", "{queue}", "{site}", "$x"])
templates = (
    st.tuples(st.lists(levels, min_size=1, max_size=4), st.sampled_from([[], ["#"]]))
    .map(lambda parts: "/".join([*parts[0], *parts[1]]))
    .filter(lambda text: check_template(text) is None)
)
topics = st.lists(st.sampled_from(["a", "b", "", "$x", "ä"]), min_size=1, max_size=5).map(
    "/".join
)


def matches(mqtt_filter: list[str], topic: list[str]) -> bool:
    """Match by the rules of the standard, one level after the other."""
    if not mqtt_filter:
        return not topic
    first, *rest = mqtt_filter
    if first == "#":
        return True
    if not topic:
        return False
    return first in ("+", topic[0]) and matches(rest, topic[1:])


@given(templates, topics)
def test_a_template_matches_what_its_filter_matches(text: str, topic: str) -> None:
    """What the broker sends for the filter is of the template, and nothing else is."""
    template = Template(text)
    first = template.filter[:1]
    hidden = topic.startswith("$") and first in ("+", "#")

    expected = matches(template.filter.split("/"), topic.split("/")) and not hidden

    assert expected == (template.match(topic) is not None)


@given(templates, topics)
def test_levels_get_their_names(text: str, topic: str) -> None:
    """A name holds the level that stands in its place."""
    template = Template(text)
    captures = template.match(topic)

    if captures is not None:
        places = dict(zip(text.split("/"), topic.split("/"), strict=False))
        assert {name: places[f"{{{name}}}"] for name in template.captures} == captures


def test_a_filter_has_plus_for_each_named_level() -> None:
    """What is subscribed to is plain MQTT."""
    template = Template("acd/{site}/queue/{queue}/#")

    assert "acd/+/queue/+/#" == template.filter
    assert ("site", "queue") == template.captures
    assert {"site": "hz", "queue": "support"} == template.match("acd/hz/queue/support")
    assert {"site": "hz", "queue": "support"} == template.match("acd/hz/queue/support/x/y")
    assert template.match("acd/hz/queue") is None


@pytest.mark.parametrize("topic", ["$SYS/uptime", "$SYS"])
def test_topics_of_the_broker_match_no_wildcard(topic: str) -> None:
    """``#`` and a named first level bring none of what brokers say of themselves."""
    assert Template("#").match(topic) is None
    assert Template("{site}/#").match(topic) is None
    assert Template("+/uptime").match(topic) is None
    assert {} == Template("$SYS/#").match(topic)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "found nothing"),
        ("$share/group/acd/#", r"without \$share"),
        ("$share", r"without \$share"),
        ("acd/#/queue", "# as the last level only"),
        ("acd/queue#", "as a whole level"),
        ("acd/q+", "as a whole level"),
        ("acd/{queue}s", "as a whole level"),
        ("acd/{Queue}", "as a whole level"),
        ("acd/{}", "as a whole level"),
        ("acd/{queue}/{queue}", "twice"),
        ("acd/{received}", "another name"),
        ("acd/\0", "NUL"),
        ("ä" * 32_768, "65535 bytes"),
    ],
)
def test_what_is_no_template_is_refused_with_the_reason(text: str, problem: str) -> None:
    """A mistake is named before a broker refuses it, or worse, takes it."""
    found = check_template(text)

    assert found is not None
    assert re.search(problem, found)
    with pytest.raises(ValueError, match=problem):
        Template(text)


@pytest.mark.parametrize(
    "text", ["a", "/", "//a", "+", "#", "{a}/{b_2}/+/#", "$SYS/#", "ä/ö x"]
)
def test_odd_templates_that_mqtt_allows_are_taken(text: str) -> None:
    """Empty levels, spaces and letters of any kind are good topics."""
    assert check_template(text) is None
