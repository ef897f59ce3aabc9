"""The way of an alert down the tree; ``tests/acceptance/test_routing.py`` asks amtool."""

import pytest

from callmon.config.nodes import parse
from callmon.sense.routing import Route, read_tree, routes_of, walk

TREE = """
route:
  receiver: root
  routes:
    - matchers: [team="sales"]
      receiver: sales
      continue: true
      routes:
        - {matchers: [severity="critical"], receiver: boss, continue: yes}
        - {matchers: [severity="critical", shift="night"], receiver: night}
        - {match: {severity: info}}
    - {match_re: {team: "s.*"}, receiver: some}
    - {matchers: 'team="sales"', receiver: never}
    - {receiver: rest, matchers: [team!=""]}
"""


def tree(text: str) -> Route:
    """Return the tree in *text*."""
    root = read_tree(parse("a.yml", text.encode(), None))
    assert root is not None
    return root


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({}, ["root"]),
        ({"team": "tv"}, ["rest"]),
        ({"team": "service"}, ["some"]),
        ({"team": "sales"}, ["sales", "some"]),
        ({"team": "sales", "severity": "info"}, ["sales", "some"]),
        ({"team": "sales", "severity": "critical"}, ["boss", "some"]),
        (
            {"team": "sales", "severity": "critical", "shift": "night"},
            ["boss", "night", "some"],
        ),
    ],
)
def test_an_alert_comes_to_its_receivers(labels: dict[str, str], receivers: list[str]) -> None:
    """The first child that matches, the next ones after ``continue``, else the route itself."""
    assert receivers == [route.receiver for route in routes_of(tree(TREE), labels)]


def test_the_tree_keeps_its_places() -> None:
    """A route knows where it stands and inherits its receiver."""
    routes = list(walk(tree(TREE)))

    assert ("route", "routes", 0, "routes", 2) == routes[4].loc
    assert "sales" == routes[4].receiver


def test_a_matcher_that_is_none_is_reported_with_its_place() -> None:
    """The route is there, and nothing more is said of it."""
    document = parse("a.yml", b"route: {receiver: a, routes: [{matchers: [team]}]}", None)

    root = read_tree(document)

    assert root is not None
    assert not root.children[0].sound
    (problem,) = document.problems
    assert problem.startswith("a.yml:1:43: route.routes[0].matchers[0]: expected a matcher")


def test_a_dollar_is_a_dollar_in_the_file_of_another() -> None:
    """Templates of Alertmanager are full of them."""
    document = parse("a.yml", b"route: {receiver: '${NAME} $$'}", None)

    root = read_tree(document)

    assert root is not None
    assert "${NAME} $$" == root.receiver


def test_keys_are_merged_as_in_the_file_of_another() -> None:
    """What stands there itself goes before what is merged, and the first before the next."""
    text = """
route:
  receiver: root
  routes:
    - &one {receiver: a, matchers: [x="1"], continue: true}
    - &two {receiver: b, group_wait: 0s}
    - {<<: *one, receiver: c}
    - {<<: [*two, *one]}
"""
    *_, third, fourth = walk(tree(text))

    assert ("c", True, ['x="1"']) == (
        third.receiver,
        third.goes_on,
        [*map(str, third.matchers)],
    )
    assert ("b", True, ['x="1"']) == (
        fourth.receiver,
        fourth.goes_on,
        [*map(str, fourth.matchers)],
    )
