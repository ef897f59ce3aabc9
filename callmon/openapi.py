"""What callmon answers over HTTP, as an OpenAPI document. Pure.

The answers are those of ``callmon.answers`` and ``callmon.board_view``, the measures those
of the registry: what is said here of a field is what stands there.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from callmon.alert_views import LIMIT, LIMIT_AT_MOST, PERIOD
from callmon.alerts import Ended
from callmon.answers import (
    AlertsView,
    FeedView,
    HistoryView,
    LiveMeasures,
    QueuesView,
    StatusView,
    WindowMeasures,
)
from callmon.board import Level
from callmon.board_view import BoardView, LiveFigures, TodayFigures, WindowFigures
from callmon.measures import MEASURES, Measure, Unit
from callmon.rules import Direction, Severity, SubjectKind
from callmon.thresholds import State

__all__ = ["document"]

Node = dict[str, Any]

_ANSWERS: Final = (BoardView, QueuesView, AlertsView, HistoryView, StatusView, FeedView)
_FIGURES: Final = (LiveMeasures, WindowMeasures, LiveFigures, WindowFigures, TodayFigures)
_ENUMS: Final[tuple[type[StrEnum], ...]] = (
    Direction,
    Ended,
    Level,
    Severity,
    State,
    SubjectKind,
)

_ABOUT: Final = """\
Names are those of the measures: the same as in thresholds.yml, on /metrics and on the boards.
Durations are seconds, ratios 0 to 1, instants RFC 3339 in UTC. null means that it is not \
known, or that there was no contact to measure; it never means 0.

What stands here stays: names, units and meanings of /api/v1/ do not change. There may come \
more fields and more words in an enumeration; a program must bear with those it does not know.

Where there is a GET, HEAD does as well. Refusals are a line of plain text."""

_UNITS: Final = {
    Unit.CONTACTS: "Contacts",
    Unit.AGENTS: "Agents",
    Unit.SECONDS: "Seconds",
    Unit.RATIO: "Ratio, 0 to 1",
}

_FORBIDDEN: Final = (
    "A client certificate is none of client_allowed_sans; or /-/ was asked by another site's "
    "page, or from another machine while web-config.yml has no users."
)

_REFUSALS: Final[Mapping[str, tuple[int, str]]] = {
    "Wrong": (400, "A parameter, or what should be loaded, is wrong: the text says which."),
    "Stranger": (401, "web-config.yml has users, and this is none of them."),
    "Forbidden": (403, _FORBIDDEN),
    "Missing": (404, "There is no such thing."),
    "Busy": (503, "Too many ask at once, or it cannot be told now: the text says why."),
}

_LABELS: Final = {
    "name": "labels",
    "in": "query",
    "description": "Only queues and groups with these static labels, by the names that the "
    "configuration gives them: team=sales&site=hz. Several values of one label: any of them.",
    "style": "form",
    "explode": True,
    "schema": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "string"}},
    },
}


def document(version: str) -> Node:
    """Return the document of callmon *version*."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "callmon",
            "summary": "Queues of a call centre: who waits, how long, and what stands.",
            "description": _ABOUT,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
            "version": version,
        },
        "security": [{"password": []}, {"certificate": []}, {}],
        "tags": [
            {"name": "state", "description": "What is known of queues and alerts."},
            {"name": "daemon", "description": "How callmon itself is."},
        ],
        "paths": _state() | _daemon(),
        "components": {
            "schemas": _schemas(),
            "responses": {
                name: {"description": about, "content": _text()}
                for name, (_, about) in _REFUSALS.items()
            },
            "securitySchemes": {
                "password": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "Where web-config.yml has basic_auth_users.",
                },
                "certificate": {
                    "type": "mutualTLS",
                    "description": "Where web-config.yml asks for client certificates.",
                },
            },
        },
    }


# ---- addresses --------------------------------------------------------------------------


def _state() -> Node:
    return {
        "/api/v1/board": _get(
            "board",
            "Every queue and group with what a wallboard shows, the worst first.",
            _json(BoardView),
            parameters=[_window(), _show(), _LABELS],
            about="An unknown window or show is as if it was not there, as on the wallboard; a "
            "label that nobody has leaves no row.",
        ),
        "/api/v1/queues": _get(
            "queues",
            "Every queue and group with all its measures over all windows.",
            _json(QueuesView),
        ),
        "/api/v1/alerts": _get(
            "alerts",
            "The alerts that stand, whom they reach, and where every threshold stands.",
            _json(AlertsView),
        ),
        "/api/v1/alerts/history": _get(
            "alert_history",
            "Alerts that stood at any time between two instants, and what became of them.",
            _json(HistoryView),
            parameters=_history(),
            refusals=("Wrong",),
        ),
        "/events": _get(
            "events",
            "The stream that keeps a page of the wallboard fresh.",
            {"description": "Frames until one side goes.", "content": _text("event-stream")},
            parameters=[_subject(), _window(), _show(), _language(), _LABELS],
            about="Server-sent events called frame; data is a JSON object. The first is the "
            "whole picture, later ones what has changed, at least one every 2 s. It is made "
            "for the page, texts included, and changes with it: programs ask /api/v1/board.",
        ),
    }


def _daemon() -> Node:
    alive = {"description": "It lives.", "content": _text()}
    reloaded = {"description": "The new files are in force.", "content": _text()}
    return {
        "/api/v1/status": _get(
            "status", "How callmon and its feeds are.", _json(StatusView), tag="daemon"
        ),
        "/api/v1/openapi.json": _get(
            "openapi",
            "This document.",
            {"description": "OpenAPI 3.1.", "content": _content("application/json", "object")},
            tag="daemon",
        ),
        "/healthz": _get("alive", "Whether callmon lives.", alive, tag="daemon", guarded=False),
        "/readyz": _get(
            "ready",
            "Whether every feed sees and the journal can be written.",
            {"description": "It is ready.", "content": _text()},
            tag="daemon",
            about="503 says in plain text, a line each, what is missing.",
        ),
        "/metrics": _get(
            "metrics",
            "Everything for Prometheus.",
            {
                "description": "The exposition format that the Accept header asks for.",
                "content": _text() | _content("application/openmetrics-text", "string"),
            },
            tag="daemon",
        ),
        "/-/reload": {
            "post": _operation(
                "reload",
                "Read callmon.yml and thresholds.yml again; what is wrong changes nothing.",
                reloaded,
                tag="daemon",
                refusals=("Wrong",),
            )
        },
        "/-/debug/{feed}": _get(
            "debug",
            "One feed: how it is, how far it has read, and its last events without people.",
            _json(FeedView),
            tag="daemon",
            parameters=[_parameter("feed", "Its name in callmon.yml.", place="path")],
            refusals=("Missing",),
        ),
    }


def _get(name: str, summary: str, answer: Node, **more: Any) -> Node:
    return {"get": _operation(name, summary, answer, **more)}


def _operation(
    name: str,
    summary: str,
    answer: Node,
    *,
    tag: str = "state",
    about: str = "",
    parameters: Iterable[Node] = (),
    refusals: Iterable[str] = (),
    guarded: bool = True,
) -> Node:
    possible = ("Busy", *refusals, *(("Stranger", "Forbidden") if guarded else ()))
    refused = {_REFUSALS[kind][0]: kind for kind in possible}
    operation: Node = {"operationId": name, "tags": [tag], "summary": summary}
    if about:
        operation["description"] = about
    if parameters:
        operation["parameters"] = list(parameters)
    if not guarded:
        operation["security"] = []
    operation["responses"] = {"200": answer} | {
        str(status): {"$ref": f"#/components/responses/{refused[status]}"}
        for status in sorted(refused)
    }
    return operation


def _json(view: type[msgspec.Struct]) -> Node:
    schema = {"$ref": f"#/components/schemas/{view.__name__}"}
    return {
        "description": (view.__doc__ or "").partition("\n")[0],
        "content": {"application/json": {"schema": schema}},
    }


def _text(kind: str = "plain") -> Node:
    return _content(f"text/{kind}", "string")


def _content(media: str, kind: str) -> Node:
    return {media: {"schema": {"type": kind}}}


# ---- parameters -------------------------------------------------------------------------


def _parameter(name: str, about: str, *, place: str = "query", **schema: Any) -> Node:
    found: Node = {"name": name, "in": place, "description": about}
    if place == "path":
        found["required"] = True
    return found | {"schema": {"type": "string"} | schema}


def _window() -> Node:
    return _parameter(
        "window",
        "Over which window rates are taken: one of those configured; else the default.",
        examples=["15m", "today"],
    )


def _show() -> Node:
    return _parameter("show", "Which kinds.", enum=["queues", "groups", "all"], default="all")


def _subject() -> Node:
    return _parameter("subject", "Only the view of this one.", examples=["queue:support"])


def _language() -> Node:
    return _parameter("lang", "Of the texts; else by Accept-Language.", enum=["en", "zh-CN"])


def _history() -> list[Node]:
    moment = "A length like 24h before now, or an instant like 2026-11-22T18:00:00Z."
    return [
        _parameter("since", f"{moment} Alerts that stood later.", default=PERIOD),
        _parameter("until", f"{moment} Alerts that began earlier."),
        _parameter("queue", "Only of this queue; not together with group."),
        _parameter("group", "Only of this group; not together with queue."),
        _parameter("threshold", "Only of this threshold."),
        _parameter(
            "limit",
            "So many at most, the newest.",
            type="integer",
            minimum=1,
            maximum=LIMIT_AT_MOST,
            default=LIMIT,
        ),
    ]


# ---- schemas ----------------------------------------------------------------------------


def _schemas() -> Mapping[str, Node]:
    _, found = msgspec.json.schema_components(
        _ANSWERS, ref_template="#/components/schemas/{name}"
    )
    for schema in found.values():
        del schema["title"]  # again the name
    for kind in _ENUMS:
        if kind.__name__ in found:  # in an order that means something
            found[kind.__name__] |= {"type": "string", "enum": [word.value for word in kind]}
    for figures in _FIGURES:
        schema = found[figures.__name__]
        schema["properties"] = {name: _figure(MEASURES[name]) for name in schema["properties"]}
    return dict(sorted(found.items()))


def _figure(measure: Measure) -> Node:
    whole = measure.unit in {Unit.CONTACTS, Unit.AGENTS}
    null = "not known, or no contacts in the window" if measure.windowed else "not known"
    schema: Node = {
        "description": f"{measure.help} {_UNITS[measure.unit]}; null: {null}.",
        "type": ["integer" if whole else "number", "null"],
        "minimum": 0,
        "x-unit": measure.unit.value,
    }
    return schema | ({"maximum": 1} if measure.unit is Unit.RATIO else {})
