"""Figures as people read them, and the summaries of alerts."""

from datetime import UTC
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND
from callmon.measures import MEASURES, Unit
from callmon.rules import Severity
from callmon.wording import (
    DEFAULT_SUMMARIES,
    PLACEHOLDERS,
    SEVERITIES,
    WEEKDAYS,
    Language,
    agents_text,
    default_summary,
    expand,
    format_duration,
    format_instant,
    format_value,
    format_window,
    template_labels,
    template_problems,
    waiting_text,
)

CHINESE = Language.CHINESE


@pytest.mark.parametrize("language", list(Language))
def test_every_language_has_every_severity_and_weekday(language: Language) -> None:
    """Each by a word of its own."""
    assert list(Severity) == list(SEVERITIES[language])
    assert len(Severity) == len(set(SEVERITIES[language].values()))
    assert 7 == len(set(WEEKDAYS[language]))


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        ("0", "0 s", "0 秒"),
        ("0.25", "250 ms", "250 毫秒"),
        ("45", "45 s", "45 秒"),
        ("59.999999", "59 s", "59 秒"),
        ("60", "1 min", "1 分钟"),
        ("192", "3 min 12 s", "3 分 12 秒"),
        ("179.9", "2 min 59 s", "2 分 59 秒"),
        ("3600", "1 h", "1 小时"),
        ("3900", "1 h 05 min", "1 小时 05 分"),
        ("93600", "1 d 02 h", "1 天 02 小时"),
        ("-5", "-5 s", "-5 秒"),
    ],
)
def test_durations_are_said_in_their_two_largest_units(
    seconds: str, english: str, chinese: str
) -> None:
    """Cut, never rounded up: nothing reads like a limit it has not reached."""
    length = int(Fraction(seconds) * SECOND)

    assert english == format_duration(length)
    assert chinese == format_duration(length, CHINESE)


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        (Unit.RATIO, Fraction(214, 1000), "21.4 %"),
        (Unit.RATIO, Fraction(1, 5), "20 %"),
        (Unit.RATIO, Fraction(2001, 10_000), "20.01 %"),
        (Unit.RATIO, Fraction(19_996, 100_000), "19.99 %"),
        (Unit.RATIO, Fraction(99_999, 100_000), "99.99 %"),
        (Unit.RATIO, Fraction(9_995, 10_000), "99.95 %"),
        (Unit.RATIO, Fraction(1, 3), "33.3 %"),
        (Unit.RATIO, Fraction(-1, 2000), "-0.05 %"),
        (Unit.RATIO, Fraction(0), "0 %"),
        (Unit.RATIO, Fraction(1), "100 %"),
        (Unit.SECONDS, Fraction(192 * SECOND), "3 min 12 s"),
        (Unit.SECONDS, Fraction(137 * SECOND, 3), "45 s"),
        (Unit.CONTACTS, Fraction(7), "7"),
        (Unit.CONTACTS, Fraction(5, 2), "2.5"),
        (Unit.RATIO, None, "–"),
    ],
)
def test_values_are_said_in_their_unit(unit: Unit, value: Fraction | None, text: str) -> None:
    """A whole percentage is exact: what is a little more or less has two decimals."""
    assert text == format_value(unit, value)


@pytest.mark.parametrize(
    ("window", "english", "chinese"),
    [
        ("15m", "15 min", "15 分钟"),
        ("1h30m", "1 h 30 min", "1 小时 30 分"),
        ("90s", "1 min 30 s", "1 分 30 秒"),
        ("2d", "2 d", "2 天"),
        ("today", "today", "今天"),
        ("since lunch", "since lunch", "since lunch"),
    ],
)
def test_windows_are_said_like_durations(window: str, english: str, chinese: str) -> None:
    """What is no window is left as it is."""
    assert (english, chinese) == (format_window(window), format_window(window, CHINESE))


def test_instants_are_said_by_the_clock_on_the_wall() -> None:
    """With the date, and how far that is from UTC: CST names two continents' times."""
    at = 1_795_314_725 * SECOND + 999_999

    assert "2026-11-22 02:32:05 UTC" == format_instant(at, UTC)
    assert "2026-11-21 20:32:05 UTC-6" == format_instant(at, ZoneInfo("America/Chicago"))
    assert "2026-11-21 23:02:05 UTC-3:30" == format_instant(at, ZoneInfo("America/St_Johns"))
    assert "2026-11-22 08:02:05 UTC+5:30" == format_instant(at, ZoneInfo("Asia/Kolkata"))
    assert "2026-11-22 10:32:05 UTC+8" == format_instant(at, ZoneInfo("Asia/Shanghai"))


def test_templates_are_expanded() -> None:
    """Names, labels and doubled braces; a label the subject has not is nothing."""
    text = expand(
        "{queue}: { value } {{of}} {label:team}{label:site}!",
        {"queue": "support", "value": "21.4 %", "label:team": "blue"},
    )

    assert "support: 21.4 % {of} blue!" == text


@pytest.mark.parametrize(
    ("template", "problems"),
    [
        ("{queue}: {value} {label:team}", []),
        ("no braces at all", []),
        ("{{literally}}", []),
        ("{vlaue} is bad", ["found {vlaue}; did you mean {value}?"]),
        ("{} {label:}", ["found {}", "found {label:}"]),
        ("{queue: {value}", ["found a lone {"]),
        ("100 %}", ["found a lone }"]),
    ],
)
def test_mistakes_in_templates_are_named(template: str, problems: list[str]) -> None:
    """Each with what was expected and what was found, and a near word where there is one."""
    found = template_problems(template)

    assert len(problems) == len(found)
    assert all(text.endswith(end) for text, end in zip(found, problems, strict=True))


def test_the_labels_a_template_needs_are_known() -> None:
    """So that configuration can refuse those no queue has."""
    assert ("team", "site") == template_labels("{label:team} {queue} {{x}} { label:site }")


@given(st.text(alphabet="{}:ab lequ\n", max_size=12))
def test_what_has_no_problem_can_be_expanded(template: str) -> None:
    """A template that was accepted never fails at the moment of the breach."""
    if not template_problems(template):
        expand(template, dict.fromkeys(PLACEHOLDERS, "x"))


def test_every_measure_has_a_summary_of_its_own() -> None:
    """In both languages, with the value and the limit, and the window where there is one."""
    assert set(MEASURES) == set(DEFAULT_SUMMARIES)
    for name, summaries in DEFAULT_SUMMARIES.items():
        assert set(Language) == set(summaries)
        for template in summaries.values():
            assert () == template_problems(template)
            assert all(part in template for part in ("{subject}", "{value}", "{limit}"))
            assert MEASURES[name].windowed == ("{window}" in template)


@pytest.mark.parametrize(
    ("measure", "value", "text"),
    [
        ("waiting", Fraction(1), "{subject}: {value} caller waiting (limit {limit})"),
        ("waiting", Fraction(2), "{subject}: {value} callers waiting (limit {limit})"),
        ("waiting", Fraction(0), "{subject}: {value} callers waiting (limit {limit})"),
        ("agents_ringing", Fraction(1), "{subject}: {value} agent's phone ringing"),
        ("agents_paused", Fraction(1), "{subject}: {value} agent paused (limit {limit})"),
        ("failed", Fraction(1), "{subject}: {value} call failed ({window}; limit {limit})"),
        ("unserved", Fraction(1), "{subject}: {value} caller waiting while agents are free"),
        ("answer_rate", Fraction(1), "{subject}: {value} of callers answered ({window};"),
    ],
)
def test_one_is_not_many(measure: str, value: Fraction, text: str) -> None:
    """One caller, two callers."""
    assert default_summary(measure, value, Language.ENGLISH).startswith(text)
    assert DEFAULT_SUMMARIES[measure][CHINESE] == default_summary(measure, value, CHINESE)


def test_every_measure_that_counts_people_or_calls_has_a_singular() -> None:
    """And nothing else has: 100 % is no single caller."""
    different = {
        name
        for name in MEASURES
        if default_summary(name, Fraction(1), Language.ENGLISH)
        != default_summary(name, Fraction(2), Language.ENGLISH)
    }

    counted = {name for name in MEASURES if MEASURES[name].unit in (Unit.CONTACTS, Unit.AGENTS)}
    assert counted == different


def test_who_waits_and_who_works() -> None:
    """To stand behind a word for it, in either language."""
    assert ("3", "3 人") == (waiting_text(3), waiting_text(3, CHINESE))
    texts = agents_text(2, 7), agents_text(2, 7, CHINESE)
    assert ("2 available of 7", "在岗 7 人，空闲 2 人") == texts
