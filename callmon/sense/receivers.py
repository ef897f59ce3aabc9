"""What is odd about an alertmanager.yml, as far as callmon's alerts are concerned.

What Alertmanager itself refuses, ``amtool check-config`` says better. Here: routes that no
alert of callmon's reaches, receivers that nobody is sent to, and hours that swallow an end.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from callmon.config import Config
from callmon.config.problems import Level, did_you_mean, nearest
from callmon.rules import Severity
from callmon.sense.emitted import ANY_QUEUE, RULES, Emitted, emitted, own_labels
from callmon.sense.matchers import Matcher
from callmon.sense.routing import Route, routes_of, walk
from callmon.sense.texts import say

if TYPE_CHECKING:
    from callmon.config.nodes import Data, Document, Loc

__all__ = ["warn_of_routes"]

MAX_TOLD = 5
"""Label sets that end at the root: more are counted."""

_OF_SERVERS = frozenset({"instance", "job", "replica", "prometheus", "cluster", "feed"})
"""Labels that Prometheus adds to alerts of its own; nobody here knows their values."""


def warn_of_routes(config: Config, document: "Document", root: Route) -> None:
    """Warn of what callmon's alerts do in the tree, or never do."""
    _Tree(config, document, root).look()


class _Tree:
    """A routing tree, and the alerts that go down it."""

    def __init__(self, config: Config, document: "Document", root: Route) -> None:
        self._config = config
        self._document = document
        self._root = root
        matchers = [one for route in walk(root) for one in route.matchers]
        names = {one.label for one in matchers} | {"severity", "shift", *config.label_names}
        self._alerts = _apart(emitted(config, matchers), names)
        self._of_queues = [one for one in self._alerts if one.labels["alertname"] not in RULES]
        self._known = own_labels(config)
        self._came = [routes_of(root, alert.labels) for alert in self._alerts]
        self._above = dict(_lines(root, ()))

    def look(self) -> None:
        """Warn of everything."""
        self._check_receivers()
        reached = self._reached()
        for route in walk(self._root):
            if route is self._root or not route.sound:
                continue
            if id(route) in reached:
                if route.muted is not None:
                    self._warn_muted(route)
            elif not self._unreached_above(route, reached):
                self._tell_unreached(route)
        self._tell_default()

    def _reached(self) -> set[int]:
        """Return the routes that an alert comes to, on its way down included."""
        reached: set[int] = set()
        for routes in self._came:
            for route in routes:
                reached |= {id(route), *map(id, self._above[route.loc])}
        # An anchor (&duty) stands in many places of the tree: one that is reached will do.
        places = {self._at(route) for route in walk(self._root) if id(route) in reached}
        return reached | {id(one) for one in walk(self._root) if self._at(one) in places}

    def _at(self, route: Route) -> tuple[int, int]:
        mark = self._document.marks[route.loc]
        return mark.line, mark.column

    def _unreached_above(self, route: Route, reached: set[int]) -> bool:
        """Tell whether a route above was told already: it has the same reason."""
        above = self._above[route.loc]
        return any(one is not self._root and id(one) not in reached for one in above)

    def _tell_unreached(self, route: Route) -> None:
        if any(matcher.label in _OF_SERVERS for matcher in route.matchers):
            return
        for matcher in route.matchers:
            if not any(matcher.matches(alert.labels) for alert in self._of_queues):
                self._tell_matcher(route, matcher)
                return
        if not route.matchers or not self._concerns(route):
            return
        mine = [alert.labels for alert in self._of_queues if route.matches(alert.labels)]
        loc = (
            (*route.loc, "matchers")
            if self._document.has(*route.loc, "matchers")
            else route.loc
        )
        if not mine:
            message = say("none_has_all")
        elif (thief := self._taken_by(route, mine)) is not None:
            message = say("taken", line=self._document.line_of(thief.loc))
        else:
            message = say("taken_by_another")
        self._document.warn(loc, message, key=True)

    def _concerns(self, route: Route) -> bool:
        """Tell whether *route* is about alerts of queues, not about those of others."""
        names = {"threshold", "queue", "group", "shift", "road", "severity"}
        names |= set(self._config.label_names)
        return any(one.label in names for one in route.matchers) or any(
            one.label == "alertname" for one in route.matchers
        )

    def _tell_matcher(self, route: Route, matcher: Matcher) -> None:
        """Say which condition no alert of callmon's meets."""
        loc = self._place(route, matcher)
        values = self._values(matcher.label)
        if matcher.label == "alertname" and nearest(matcher.value, (*values, *RULES)) is None:
            return  # an alert of somebody else's
        if matcher.label == "severity" and matcher.value in tuple(Severity):
            message = say("no_severity", severity=matcher.value)
            self._document.warn(loc, message, level=Level.INFO)
            return
        if not values:
            hint = did_you_mean(matcher.label, self._known)
            level = Level.WARNING if hint else Level.INFO
            message = say("no_label", label=matcher.label, hint=hint)
            self._document.warn(loc, message, level=level)
            return
        hint = did_you_mean(matcher.value, values)
        there = ", ".join(values[:MAX_TOLD]) + (", …" if len(values) > MAX_TOLD else "")
        hint = hint or say("values", label=matcher.label, values=there)
        self._document.warn(loc, say("no_value", matcher=matcher, hint=hint))

    def _place(self, route: Route, matcher: Matcher) -> tuple[str | int, ...]:
        for loc in self._document.marks:
            if loc[: len(route.loc)] == route.loc and loc[len(route.loc) :]:
                tail = loc[len(route.loc) :]
                in_list = tail[0] == "matchers" and matcher.label in self._document.found(loc)
                if in_list and (len(tail) > 1 or not self._document.has(*loc, 0)):
                    return loc
                if tail[0] in {"match", "match_re"} and tail[1:] == (matcher.label,):
                    return loc
        return route.loc

    def _values(self, label: str) -> list[str]:
        found = {alert.labels[label] for alert in self._of_queues if label in alert.labels}
        return sorted(found - {ANY_QUEUE})

    def _taken_by(self, route: Route, alerts: Sequence[Mapping[str, str]]) -> Route | None:
        """Return the route that an alert for *route* comes to instead."""
        above = set(map(id, self._above[route.loc]))
        for taker in (taker for one in alerts for taker in routes_of(self._root, one)):
            line = (*self._above[taker.loc], taker)
            return next((one for one in line if id(one) not in above), taker)
        return None

    def _warn_muted(self, route: Route) -> None:
        self._document.warn((*route.loc, str(route.muted)), say("muted"), key=True)

    def _check_receivers(self) -> None:
        data = self._document.data
        given = data.get("receivers") if isinstance(data, dict) else None
        listed = given if isinstance(given, list) else []
        receivers = {
            str(one["name"]): position
            for position, one in enumerate(listed)
            if isinstance(one, dict) and isinstance(one.get("name"), str)
        }
        used = set()
        for route in walk(self._root):
            used.add(route.receiver)
            if route.receiver not in receivers and self._document.has(*route.loc, "receiver"):
                hint = did_you_mean(route.receiver, receivers)
                message = say("no_receiver", name=route.receiver, hint=hint)
                self._document.report((*route.loc, "receiver"), message)
        for name, position in receivers.items():
            if name not in used:
                message = say("idle_receiver", name=name)
                self._document.warn(("receivers", position, "name"), message)
        self._check_dumb(receivers, listed)

    def _check_dumb(self, receivers: Mapping[str, int], given: "Sequence[Data]") -> None:
        """Warn of receivers of alerts of queues that tell nobody."""
        told = {
            route.receiver
            for alert, routes in zip(self._alerts, self._came, strict=True)
            if alert.threshold is not None
            for route in routes
        }
        for name, position in receivers.items():
            receiver = given[position]
            if name in told and isinstance(receiver, dict) and set(receiver) <= {"name"}:
                message = say("dumb_receiver", name=name)
                self._document.warn(("receivers", position, "name"), message)

    def _tell_default(self) -> None:
        """Tell which alerts no route is for."""
        lost: dict[str, None] = {}
        for alert, routes in zip(self._alerts, self._came, strict=True):
            if alert.threshold and routes == [self._root]:
                lost.setdefault(_few(alert, self._config))
        if not lost or not self._root.children:
            return
        told = "; ".join(list(lost)[:MAX_TOLD])
        more = len(lost) - MAX_TOLD
        message = say(
            "by_default",
            name=self._root.receiver,
            told=told,
            more=say("and_more", count=more) if more > 0 else "",
        )
        loc = ("route", "receiver")
        self._document.warn(loc, message, level=Level.INFO)


def _apart(alerts: Iterable[Emitted], names: set[str]) -> list[Emitted]:
    """Return one of all alerts that *names* do not tell apart."""
    found: dict[tuple[object, ...], Emitted] = {}
    for alert in alerts:
        key = *((name, alert.labels.get(name)) for name in names), alert.threshold is None
        found.setdefault(key, alert)
    return list(found.values())


def _few(alert: Emitted, config: Config) -> str:
    """Return an alert by what routes go by: severity, shift, static labels."""
    names = ("severity", "shift", *config.label_names)
    return " ".join(f"{name}={alert.labels[name]}" for name in names if name in alert.labels)


def _lines(route: Route, above: tuple[Route, ...]) -> "Iterator[tuple[Loc, tuple[Route, ...]]]":
    """Yield the place of every route, with those that lie above it, the root first."""
    yield route.loc, above
    for child in route.children:
        yield from _lines(child, (*above, route))
