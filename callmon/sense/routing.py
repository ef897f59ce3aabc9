"""The routing tree of an alertmanager.yml: which receivers an alert comes to.

Source: Alertmanager's ``dispatch/route.go``. An alert goes down the tree depth first. Of the
children of a route it takes the first that matches, and goes on to the next ones after a
route with ``continue: true``; where no child matches, the route itself has it. The root
takes everything. Tried against ``amtool config routes test``.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from callmon.config.problems import Level
from callmon.sense.matchers import Matcher, Operator, WrongMatcherError, parsed
from callmon.sense.texts import say

if TYPE_CHECKING:
    from callmon.config.nodes import Data, Document, Loc

__all__ = ["Route", "read_tree", "routes_of", "walk"]

_TRUE = {"true", "yes", "on", "y"}
"""Go's YAML reads booleans by YAML 1.1."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Route:
    """One node of the tree."""

    loc: "Loc"
    receiver: str  #: its own, or that of the route above
    matchers: tuple[Matcher, ...] = ()
    goes_on: bool = False  #: ``continue``
    children: tuple["Route", ...] = ()
    muted: str | None = None  #: the key that limits it to times
    sound: bool = True  #: False: a matcher cannot be read here
    _asking: Mapping[str, Mapping[str, Sequence[int]]] = dataclasses.field(
        init=False, repr=False
    )
    _others: Sequence[int] = dataclasses.field(init=False, repr=False)

    def __post_init__(self) -> None:
        """File the children that ask for one value of a label: there may be one per queue."""
        asking: dict[str, dict[str, list[int]]] = {}
        others: list[int] = []
        for place, child in enumerate(self.children):
            asked = next((one for one in child.matchers if one.operator == "="), None)
            if asked is None:
                others.append(place)
            else:
                asking.setdefault(asked.label, {}).setdefault(asked.value, []).append(place)
        object.__setattr__(self, "_asking", asking)
        object.__setattr__(self, "_others", others)

    def candidates(self, labels: Mapping[str, str]) -> Iterator["Route"]:
        """Yield the children that may match *labels*, in order: no other one does."""
        asked = (of.get(labels.get(label, ""), ()) for label, of in self._asking.items())
        for place in sorted(itertools.chain(self._others, *asked)):
            yield self.children[place]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether an alert with *labels* comes here, if it comes this way."""
        return all(one.matches(labels) for one in self.matchers)


def walk(route: Route) -> Iterator[Route]:
    """Yield *route* and all routes below it, in file order."""
    yield route
    for child in route.children:
        yield from walk(child)


def routes_of(route: Route, labels: Mapping[str, str]) -> list[Route]:
    """Return the routes whose receivers are told of an alert with *labels*, in order."""
    if not route.matches(labels):
        return []
    found: list[Route] = []
    for child in route.candidates(labels):
        below = routes_of(child, labels)
        found += below
        if below and not child.goes_on:
            break
    return found or [route]


def read_tree(document: "Document") -> Route | None:
    """Return the tree in *document*, reporting what cannot be read; None: there is none."""
    data = document.data
    root = data.get("route") if isinstance(data, dict) else None
    if not isinstance(root, dict):
        document.report(("route",), say("no_route"), key=True)
        return None
    return _route(document, ("route",), root, "")


def _route(document: "Document", loc: "Loc", data: "dict[str, Data]", inherited: str) -> Route:
    receiver = data.get("receiver")
    named = receiver if isinstance(receiver, str) else inherited
    own, sound = _matchers(document, loc, data)
    below = data.get("routes")
    muted = ("mute_time_intervals", "active_time_intervals")
    return Route(
        loc=loc,
        receiver=named,
        matchers=own,
        goes_on=str(data.get("continue", "false")).lower() in _TRUE,
        children=tuple(
            _route(document, (*loc, "routes", position), child, named)
            for position, child in enumerate(below if isinstance(below, list) else ())
            if isinstance(child, dict)
        ),
        muted=next((key for key in muted if data.get(key)), None),
        sound=sound,
    )


def _matchers(
    document: "Document", loc: "Loc", data: "dict[str, Data]"
) -> tuple[tuple[Matcher, ...], bool]:
    found: list[Matcher] = []
    sound = True
    for place, texts in _texts(loc, data):
        try:
            found += parsed(texts) if isinstance(texts, str) else [texts]
        except WrongMatcherError:
            expected, found_there = say("matcher"), document.found(place)
            document.report(place, say("no_matcher", expected=expected, found=found_there))
            sound = False
    strange = next((one for one in found if not one.readable), None)
    if strange is not None:
        message = say("untried", matcher=strange)
        document.warn((*loc, "matchers"), message, key=True, level=Level.INFO)
    return tuple(found), sound and strange is None


def _texts(loc: "Loc", data: "dict[str, Data]") -> "Iterator[tuple[Loc, str | Matcher]]":
    """Yield every condition with its place: as text, or in the old form as a matcher."""
    given = data.get("matchers")
    if isinstance(given, str):
        yield (*loc, "matchers"), given
    for position, text in enumerate(given if isinstance(given, list) else ()):
        if isinstance(text, str):
            yield (*loc, "matchers", position), text
    forms: tuple[tuple[str, Operator], ...] = (("match", "="), ("match_re", "=~"))
    for key, operator in forms:
        old = data.get(key)
        for label, value in old.items() if isinstance(old, dict) else ():
            if isinstance(value, str):
                yield (*loc, key, label), Matcher(label=label, operator=operator, value=value)
