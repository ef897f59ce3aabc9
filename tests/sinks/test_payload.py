"""Alerts in the words of Alertmanager."""

import dataclasses
from datetime import UTC
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.alerts import Alert, Ended
from callmon.clock import SECOND
from callmon.rules import Direction, Severity, Subject, SubjectKind
from callmon.sinks.payload import (
    Style,
    annotations_of,
    content_of,
    in_all_languages,
    parse_rfc3339,
    postable,
    rfc3339,
    summary_of,
)
from callmon.wording import Language

PLAIN = Style(zone=UTC)
START = 1_795_314_725 * SECOND


def an_alert(**changes: Any) -> Alert:
    """Return an alert about a group's abandonment, with *changes*."""
    alert: dict[str, Any] = {
        "threshold": "high_abandonment",
        "subject": Subject(kind=SubjectKind.GROUP, name="sales & more", labels={"site": "b"}),
        "severity": Severity.CRITICAL,
        "measure": "abandonment_rate",
        "window": "15m",
        "direction": Direction.ABOVE,
        "limit": Fraction(1, 5),
        "since": START,
        "fired_at": START,
        "raised_at": START,
        "value": Fraction(214, 1000),
        "peak": Fraction(1, 4),
    }
    return Alert(**(alert | changes))


def test_labels_are_who_and_what_and_nothing_that_changes() -> None:
    """External labels are added as Prometheus does it: the alert's own win."""
    style = Style(zone=UTC, external_labels={"site": "ignored", "region": "eu"})

    content = content_of(an_alert(), style)

    own = {
        "threshold": "high_abandonment",
        "group": "sales & more",
        "severity": "critical",
        "site": "b",
    }
    assert own == dict(content.metric_labels)
    assert own | {"region": "eu", "alertname": "QueueThresholdBreached"} == dict(content.labels)
    later = an_alert(value=Fraction(1), peak=Fraction(1), ended=Ended.CLOSED, ended_at=START)
    assert content.labels == content_of(later, style).labels


def test_an_empty_label_is_no_label() -> None:
    """Alertmanager drops it; the metric must not differ from the alert."""
    subject = Subject(kind=SubjectKind.QUEUE, name="support", labels={"team": ""})

    content = content_of(
        an_alert(subject=subject), Style(zone=UTC, external_labels={"region": ""})
    )

    own = ["queue", "severity", "threshold"]
    assert own == [name for name, _ in content.metric_labels]
    assert ["alertname", *own] == [name for name, _ in content.labels]


def test_the_shift_on_duty_is_a_label_where_there_is_one() -> None:
    """So that the night goes to whoever has it."""
    day, none = content_of(an_alert(shift="day"), PLAIN), content_of(an_alert(), PLAIN)

    assert ("day", "day") == tuple(
        dict(labels)["shift"] for labels in (day.labels, day.metric_labels)
    )
    assert "shift" not in dict(none.labels)


def test_annotations_are_figures_as_people_write_them() -> None:
    """With the link to the board at that group, and the runbook."""
    style = Style(zone=UTC, wallboard_url="http://board.example/x")
    alert = an_alert(runbook="http://wiki.example/a", summary="{group}: {value}, {label:site}")

    annotations = content_of(alert, style).annotations

    expected = {
        "summary": "sales & more: 21.4 %, b",
        "value": "21.4 %",
        "peak": "25 %",
        "limit": "20 %",
        "direction": "above",
        "window": "15 min",
        "measure": "abandonment_rate",
        "since": "2026-11-22 02:32:05 UTC",
        "runbook": "http://wiki.example/a",
        "wallboard": "http://board.example/x?group=sales%20%26%20more",
    }
    assert expected == annotations


BOTH = Style(zone=UTC, languages=(Language.ENGLISH, Language.CHINESE))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (Language.ENGLISH, "sales & more: 21.4 % of callers hung up (15 min; limit 20 %)"),
        (Language.CHINESE, "sales & more：放弃率 21.4 %（15 分钟；限值 20 %）"),
    ],
)
def test_without_a_summary_the_measure_has_one(language: Language, text: str) -> None:
    """In the language asked for, or else in the first one of the house."""
    assert text == summary_of(an_alert(), Style(zone=UTC, languages=(language,)))
    assert text == summary_of(an_alert(), PLAIN, language)


@pytest.mark.parametrize(
    ("summaries", "english", "chinese"),
    [
        ({"summary": "high: {value}"}, "high: 25 %", "high: 25 %"),
        ({"summary": "high: {value}", "summary_zh": "高：{value}"}, "high: 25 %", "高：25 %"),
        (
            {"summary_zh": "高：{window}"},
            "sales & more: 25 % of callers hung up (15 min; limit 20 %)",
            "高：15 分钟",
        ),
    ],
)
def test_a_chinese_text_has_the_chinese_summary(
    summaries: dict[str, str], english: str, chinese: str
) -> None:
    """Without one the administrator's other words are better than none of his."""
    alert = an_alert(value=Fraction(1, 4), **summaries)

    texts = [summary_of(alert, PLAIN, language) for language in Language]

    assert [english, chinese] == texts


def test_further_languages_have_names_of_their_own() -> None:
    """The first one has the plain names; what needs no words is said once."""
    alert = an_alert(ended=Ended.RECOVERED, ended_at=START, runbook="http://wiki.example/a")
    one = annotations_of(alert, PLAIN)

    both = annotations_of(alert, BOTH)
    turned = annotations_of(alert, dataclasses.replace(BOTH, languages=BOTH.languages[::-1]))

    suffixed = {"summary", "value", "limit", "window", "peak", "ended"}
    assert one == {name: text for name, text in both.items() if not name.endswith("_zh")}
    assert {f"{name}_zh" for name in suffixed} == both.keys() - one.keys()
    assert {f"{name}_en" for name in suffixed} == turned.keys() - one.keys()
    assert all(both[f"{name}_zh"] == turned[name] for name in suffixed)
    assert all(both[name] == turned[f"{name}_en"] for name in suffixed)
    assert ("15 min", "15 分钟") == (both["window"], both["window_zh"])


def test_what_is_empty_is_no_annotation() -> None:
    """In no language."""
    texts: dict[Language, dict[str, str | None]] = {
        Language.ENGLISH: {"value": "3", "cause": None},
        Language.CHINESE: {"value": "", "cause": "来电如常"},
    }

    assert {"value": "3", "cause_zh": "来电如常"} == in_all_languages(BOTH, texts.__getitem__)


@pytest.mark.parametrize("ended", Ended)
@pytest.mark.parametrize("language", Language)
def test_an_end_says_why(ended: Ended, language: Language) -> None:
    """Closing time is not called a recovery."""
    over = an_alert(ended=ended, ended_at=START)

    text = content_of(over, Style(zone=UTC, languages=(language,))).annotations["ended"]

    assert (ended is Ended.RECOVERED) == (text in ("recovered", "已恢复"))


def test_start_and_end_are_always_both_given() -> None:
    """A clock that was set back: an end then must not wait until the start has come."""
    content = content_of(an_alert(), PLAIN)

    alert = postable(content, {"waiting": "3"}, START - SECOND)

    assert "2026-11-22T02:32:04.000000Z" == alert["startsAt"] == alert["endsAt"]
    assert "3" == alert["annotations"]["waiting"]
    assert "generatorURL" not in alert


@given(st.integers(-(10**15), 10**16))
def test_instants_survive_the_way_there_and_back(at: int) -> None:
    """To the microsecond."""
    assert at == parse_rfc3339(rfc3339(at))


@pytest.mark.parametrize("text", ["2026-11-22T10:32:05.123+08:00", "2026-11-22T02:32:05.123Z"])
def test_instants_are_read_in_any_zone(text: str) -> None:
    """An Alertmanager gives the time of its start in the zone of its machine."""
    assert START + 123_000 == parse_rfc3339(text)


@pytest.mark.parametrize("text", ["yesterday", "2026-11-22T02:32:05", ""])
def test_what_is_no_instant_is_refused(text: str) -> None:
    """Without a zone it names none."""
    with pytest.raises(ValueError, match=r"zone|isoformat"):
        parse_rfc3339(text)


def test_what_is_over_says_how_bad_it_was() -> None:
    """Not that a caller has been waiting for 0 s."""
    alert = an_alert(value=Fraction(0), peak=Fraction(2, 5), ended=Ended.RECOVERED)

    texts = annotations_of(alert, PLAIN)

    assert texts["summary"].startswith("sales & more: 40 % of callers")
    assert ("0 %", "40 %") == (texts["value"], texts["peak"])
