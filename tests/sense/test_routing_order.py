"""Tests of which way alerts go in trees of any shape: that of the definition."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from callmon.sense.matchers import Matcher, Operator
from callmon.sense.routing import Route, routes_of, walk

LABELS, VALUES = ("queue", "team"), ("", "a", "b")
OPERATORS: tuple[Operator, ...] = ("=", "!=", "=~", "!~")

MATCHERS = st.builds(
    Matcher,
    label=st.sampled_from(LABELS),
    operator=st.sampled_from(OPERATORS) | st.just("="),
    value=st.sampled_from(VALUES),
)


def routes(children: st.SearchStrategy[tuple[Route, ...]]) -> st.SearchStrategy[Route]:
    """Return routes over *children*."""
    return st.builds(
        Route,
        loc=st.just(()),
        receiver=st.just("somebody"),
        matchers=st.lists(MATCHERS, max_size=2).map(tuple),
        goes_on=st.booleans(),
        children=children,
    )


LEAVES = routes(st.just(()))
TREES = routes(st.lists(routes(st.lists(LEAVES, max_size=3).map(tuple)), max_size=6).map(tuple))


def by_definition(route: Route, labels: Mapping[str, str]) -> list[Route]:
    """Return the routes of an alert, asking each child in turn as Alertmanager does."""
    if not all(one.matches(labels) for one in route.matchers):
        return []
    found: list[Route] = []
    for child in route.children:
        below = by_definition(child, labels)
        found += below
        if below and not child.goes_on:
            break
    return found or [route]


@given(tree=TREES, labels=st.dictionaries(st.sampled_from(LABELS), st.sampled_from(VALUES)))
def test_alerts_go_the_way_of_the_definition(tree: Route, labels: dict[str, str]) -> None:
    """Children that ask for one value are found by it; the order is that of the file."""
    places = {id(route): place for place, route in enumerate(walk(tree))}

    expected = [places[id(route)] for route in by_definition(tree, labels)]

    assert expected == [places[id(route)] for route in routes_of(tree, labels)]


def test_only_who_asks_for_this_queue_or_for_none_is_asked() -> None:
    """With a route for each of thousands of queues an alert asks a few of them."""
    asked: tuple[tuple[Operator, str], ...] = (("=", "a"), ("=", "b"), ("=~", "a|b"))
    mine, others, any_of = (
        Route(
            loc=(), receiver="r", matchers=(Matcher(label="queue", operator=how, value=name),)
        )
        for how, name in asked
    )
    root = Route(loc=(), receiver="r", children=(any_of, others, mine))

    assert [any_of, mine] == list(root.candidates({"queue": "a"}))
    assert [any_of] == list(root.candidates({}))
