"""The OpenAPI document is valid, up to date, and says all that is sent."""

import datetime as dt
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import openapi_spec_validator
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callmon import __version__
from callmon.alert_history import STORM_MEASURE
from callmon.alert_views import PARAMETERS, HistoryQuestion, history_view
from callmon.alerts import AlertStep, Ended, key_of
from callmon.answers import LiveMeasures, WindowMeasures
from callmon.board_view import LiveFigures, TodayFigures, WindowFigures, board_view
from callmon.clock import SECOND
from callmon.journal import AlertRecord, AlertStepRecord
from callmon.measures import MEASURES
from callmon.openapi import document
from callmon.rules import Direction, Severity, SubjectKind
from callmon.sinks.storm import STORM_KIND
from callmon.sinks.suppression import Suppression
from callmon.views import alerts_view, feed_view, queues_view, status_view
from callmon.wallboard.look import Show
from callmon.wording import Language
from tests.offices import MINUTE, START, Office

ROOT = Path(__file__).parent.parent
DOCUMENT = document("1")
SCHEMAS: Mapping[str, Any] = DOCUMENT["components"]["schemas"]


def closed() -> Mapping[str, Any]:
    """Return the schemas, but so that nothing may be there of which they say nothing.

    Nor may an alert be about two things, or about nothing; generators of clients do not
    understand it when a schema says so.
    """
    strict = {
        name: schema | ({"additionalProperties": False} if "properties" in schema else {})
        for name, schema in SCHEMAS.items()
    }
    about = [{"required": [kind]} for kind in ("queue", "group", "team")]
    for name in ("PastAlert", "StandingAlert", "ThresholdView"):
        strict[name] = strict[name] | {"oneOf": about}
    return strict


FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def is_instant(text: object) -> bool:
    """Tell whether *text* is an instant in UTC."""
    zone = dt.datetime.fromisoformat(str(text)).utcoffset()
    return str(text).endswith("Z") and zone == dt.timedelta(0)


def hold(view: object, name: str) -> None:
    """Hold what is sent of *view* against the schema *name*."""
    found = msgspec.json.decode(msgspec.json.encode(view))
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": closed()}}
    jsonschema.Draft202012Validator(schema, format_checker=FORMATS).validate(found)


def test_the_document_is_one() -> None:
    """By the specification, and every schema in it by that of schemas."""
    openapi_spec_validator.validate(DOCUMENT)
    for schema in SCHEMAS.values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_the_document_beside_the_page_is_up_to_date() -> None:
    """Write ``callmon schema api`` to docs/operators/openapi.json again after a change."""
    stored = (ROOT / "docs" / "operators" / "openapi.json").read_text()

    assert document(__version__) == json.loads(stored)


# ---- what is sent -----------------------------------------------------------------------

deeds = st.lists(
    st.sampled_from(["work", "work", "hurry", "vague", "centre", "hotline", "back", "silence"]),
    max_size=6,
)


@settings(max_examples=15)
@given(st.integers(0, 3), deeds)
def test_every_answer_is_as_described(seed: int, done: list[str]) -> None:
    """Blind, snapshots only, no calls, silenced, held: nothing comes that is not described."""
    office = Office(seed)
    monitor, audience = office.monitor, office.audience
    hold(queues_view(monitor), "QueuesView")
    monitor.begin()
    office.work(MINUTE)

    last = office.rows()
    for deed in done:
        match deed:
            case "work":
                office.work(5 * MINUTE)
            case "hurry":
                office.work(SECOND + 1)
            case "vague":
                office.work(SECOND, waiting=None)
            case "back":
                office.sees(office.centre)
                office.sees(office.hotline)
            case "silence":
                audience.silenced["long_wait"] = Suppression(
                    alertmanager="am:9093", kind="silenced", by="ana", until=START
                )
                standing = [watch.state.alerts() for watch in monitor.engine.watches()]
                audience.spoken_for = {key_of(alert) for alerts in standing for alert in alerts}
            case feed:
                office.sees(monitor.feeds[feed], "gone")
        hold(queues_view(monitor), "QueuesView")
        hold(alerts_view(monitor, audience), "AlertsView")
        hold(status_view(monitor, "1", ["feed centre: gone"]), "StatusView")
        hold(board_view(office.board(last=last)), "BoardView")
        for state in monitor.feeds.values():
            hold(feed_view(state), "FeedView")


moments = st.integers(START, START + 3)
values = st.sampled_from([0.0, 0.25, 3.0, 1e6, 1.5e6])
records = st.builds(
    AlertRecord,
    threshold=st.just("long_wait"),
    kind=st.sampled_from([*SubjectKind, STORM_KIND]),
    subject=st.just("客服"),
    severity=st.sampled_from(Severity),
    fired_at=moments,
    since=moments,
    measure=st.sampled_from(["longest_wait", "answer_rate", STORM_MEASURE]),
    window=st.sampled_from([None, "15m"]),
    direction=st.sampled_from(Direction),
    limit=values,
    value=values,
    peak=values,
    ended_at=st.none() | moments,
    ended=st.none() | st.sampled_from(Ended),
    raised_at=st.none() | moments,
    shift=st.sampled_from([None, "night"]),
    labels=st.sampled_from(["{}", '{"team": "vip"}']),
    cause=st.sampled_from([None, "few agents"]),
)
steps = st.builds(
    AlertStepRecord,
    threshold=st.just("long_wait"),
    kind=st.just("queue"),
    subject=st.just("客服"),
    severity=st.just("warning"),
    fired_at=moments,
    step=st.sampled_from(AlertStep),
    at=moments,
    detail=st.sampled_from(["", "am:9093"]),
)


@given(
    st.lists(st.tuples(records, st.lists(steps, max_size=3)), max_size=2),
    st.none() | moments,
    st.booleans(),
)
def test_the_history_is_as_described(
    found: list[tuple[AlertRecord, list[AlertStepRecord]]], until: int | None, more: bool
) -> None:
    """Standing, ended, told, missed, of a measure that is gone: all of it is described."""
    question = HistoryQuestion(at=START, since=START, until=until)

    hold(history_view(found, question, more=more), "HistoryView")


def test_a_doubtful_answer_is_noticed() -> None:
    """The check above would find a field too many, a number as text, and a local time."""
    good = msgspec.to_builtins(status_view(Office().monitor, "1", []))
    hold(good, "StatusView")

    for wrong in ({"more": 1}, {"version": 1}, {"at": "2026-11-23T02:00:00"}):
        with pytest.raises(jsonschema.ValidationError):
            hold(good | wrong, "StatusView")


def test_the_example_of_the_page_is_a_row() -> None:
    """What it shows of one is called so, and could be; it may leave out the rest."""
    page = (ROOT / "docs" / "operators" / "api.md").read_text()
    (example,) = re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    some = {
        name: {key: value for key, value in schema.items() if key != "required"}
        for name, schema in closed().items()
    }
    schema = {"$ref": "#/components/schemas/BoardRow", "components": {"schemas": some}}

    jsonschema.Draft202012Validator(schema, format_checker=FORMATS).validate(
        json.loads(example)
    )


# ---- words ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "figures", [LiveMeasures, WindowMeasures, LiveFigures, WindowFigures, TodayFigures]
)
def test_measures_are_described_as_in_the_registry(figures: type[msgspec.Struct]) -> None:
    """By their names, with their help and their unit; each may be unknown."""
    properties = SCHEMAS[figures.__name__]["properties"]

    assert [*figures.__struct_fields__] == [*properties]
    for name, schema in properties.items():
        assert schema["description"].startswith(MEASURES[name].help)
        assert MEASURES[name].unit.value == schema["x-unit"]
        assert "null" in schema["type"]


def parameters(path: str) -> Mapping[str, Any]:
    """Return the schemas of the parameters at *path*, by name."""
    found = DOCUMENT["paths"][path]["get"]["parameters"]
    return {parameter["name"]: parameter["schema"] for parameter in found}


def test_parameters_are_those_that_are_understood() -> None:
    """Those of the history, and of the board what a look understands."""
    assert {*PARAMETERS} == {*parameters("/api/v1/alerts/history")}
    board, events = parameters("/api/v1/board"), parameters("/events")
    assert {"window", "show", "labels"} == {*board}
    assert {"subject", "lang"} == {*events} - {*board}
    assert {*Show} == {*board["show"]["enum"]}
    assert {*Language} == {*events["lang"]["enum"]}


@pytest.mark.parametrize("path", [*DOCUMENT["paths"]])
def test_every_address_says_who_is_refused(path: str) -> None:
    """Only what needs no password goes without 401."""
    for operation in DOCUMENT["paths"][path].values():
        assert ("401" in operation["responses"]) == (path != "/healthz")
        assert "503" in operation["responses"]
