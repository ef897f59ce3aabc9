"""Overrides without effect, and thresholds that fire together."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.calendars import Calendar, CalendarSpec
from callmon.clock import SECOND
from callmon.config import Config
from callmon.queues import GroupSettings, QueueSettings
from callmon.rules import (
    Direction,
    Limits,
    Override,
    Selector,
    Severity,
    Threshold,
)
from callmon.sense import Asked, examine
from callmon.sense.shadows import idle_overrides
from callmon.sense.subjects import configured, unlisted

HOUR = 3_600 * SECOND
MONDAY = 4 * 24 * HOUR
"""1970-01-05, midnight UTC."""

CALLMON = """
feeds: {pbx: {type: simulator}}
labels: [team]
defaults: {labels: {team: service}}
queues: {support: {}, vip: {labels: {team: sales}}, sales_north: {labels: {team: sales}}}
groups: {sales: {queues: [vip, sales_north], labels: {team: sales}}}
"""

CONFIG = Config(
    queues=(
        QueueSettings(name="aa", labels={"team": "x"}),
        QueueSettings(name="ac", labels={"team": "y"}),
        QueueSettings(name="b", labels={"team": "x"}),
    ),
    groups=(GroupSettings(name="aa", queues=("aa",), labels={"team": "y"}),),
    label_names=("team",),
    default_labels={"team": "x"},
)
EVERYBODY = [
    *configured(CONFIG),
    *(
        unlisted(CONFIG, name)
        for name in ("a", "ab", "aaa", "aba", "ba", "c", "abc", "cab", "acb")
    ),
]
MORNING = Calendar(
    CalendarSpec(name="morning", timezone="UTC", weekly=dict.fromkeys(range(7), ((0, 720),)))
)
EVENING = Calendar(
    CalendarSpec(name="evening", timezone="UTC", weekly=dict.fromkeys(range(7), ((600, 1320),)))
)
INSTANTS = [MONDAY + hour * HOUR for hour in (1, 11, 13, 23)]
"""In the morning alone, in both, in the evening alone, in neither."""

patterns = st.sampled_from(["*", "a*", "*b", "a?", "aa", "b", "c", "ab*", "[ab]"])
names = st.lists(patterns, max_size=2, unique=True).map(tuple)
selectors = st.builds(
    Selector,
    queues=names,
    groups=st.sampled_from([(), ("*",), ("aa",)]),
    where=st.sampled_from([{}, {}, {"team": "x"}, {"team": "y"}]),
)
overrides = st.builds(
    Override,
    select=st.none() | selectors,
    during=st.sampled_from([None, None, MORNING, EVENING]),
    limit=st.none() | st.sampled_from([Fraction(1), Fraction(2)]),
    clear=st.none() | st.just(Fraction(1)),
    hold=st.none() | st.sampled_from([0, SECOND]),
)
thresholds = st.builds(
    Threshold,
    name=st.just("t"),
    measure=st.just("waiting"),
    window=st.none(),
    severity=st.just(Severity.WARNING),
    select=selectors,
    limits=st.builds(
        Limits,
        direction=st.just(Direction.ABOVE),
        limit=st.sampled_from([Fraction(1), Fraction(2)]),
        clear=st.none() | st.just(Fraction(1)),
    ),
    overrides=st.lists(overrides, max_size=4).map(tuple),
)


def limits_of(threshold: Threshold) -> list[Limits | None]:
    """Return the limits for everybody at each instant."""
    rules = [threshold.rule_for(subject) for subject in EVERYBODY]
    return [rule.limits_at(at)[0] if rule else None for rule in rules for at in INSTANTS]


@given(thresholds)
def test_an_override_said_to_be_idle_never_changes_any_limit(threshold: Threshold) -> None:
    """Whoever it is about and whenever: without it everything is the same."""
    everything = limits_of(threshold)

    for position, _ in idle_overrides(CONFIG, threshold):
        others = list(threshold.overrides)
        del others[position]
        without = dataclasses.replace(threshold, overrides=tuple(others))
        assert everything == limits_of(without)


@given(thresholds)
def test_every_idle_override_of_known_subjects_is_found(threshold: Threshold) -> None:
    """With exact names only, an override that changes nothing for anybody is always told."""
    selects = [threshold.select, *(one.select for one in threshold.overrides)]
    written = {name for one in selects if one is not None for name in one.queues}
    if not written <= {"*", "aa", "b", "c"}:
        return

    told = {position for position, _ in idle_overrides(CONFIG, threshold)}
    everything = limits_of(threshold)
    for position in range(len(threshold.overrides)):
        others = list(threshold.overrides)
        del others[position]
        without = dataclasses.replace(threshold, overrides=tuple(others))
        assert (everything == limits_of(without)) == (position in told)


def warnings_of(folder: Path, thresholds: str) -> list[str]:
    """Return what is found in *thresholds*, without the file's name."""
    (folder / "callmon.yml").write_text(CALLMON)
    (folder / "thresholds.yml").write_text(f"thresholds:\n{thresholds}")
    found = examine(Asked(config=folder / "callmon.yml"), {}, 1_790_000_000 * SECOND)
    return [text.removeprefix(f"{folder}/thresholds.yml:") for text in found.problems]


@pytest.mark.parametrize(
    ("overrides", "warning"),
    [
        ("- {queues: [vip], above: 5}", ""),
        ("- {queues: [vip], above: 5}\n      - {queues: [vip], for: 5m}", ""),
        ("- {queues: [vip], above: 5}\n      - {queues: all, for: 5m}", ""),
        (
            "- {queues: [vip], above: 5}\n      - {queues: all, above: 7}",
            (
                "6:9: thresholds[0].overrides[0]: warning: this override has no effect: the one"
                " at line 7 comes later and sets the same for all of them"
            ),
        ),
        (
            "- {queues: [vip], above: 5}\n      - {where: {team: sales}, above: 7}",
            "this override has no effect: the one at line 7",
        ),
        ("- {queues: [vip], above: 5}\n      - {where: {team: service}, above: 7}", ""),
        ('- {queues: ["s*"], above: 5}\n      - {queues: ["sa*"], above: 7}', ""),
        (
            (
                '- {queues: ["s*"], above: 5, for: 9s}\n      - {queues: ["s*"], above: 7}\n'
                "      - {queues: all, for: 8s}"
            ),
            "those at lines 7 and 8 come later and set the same",
        ),
        (
            "- {queues: [vip], above: 10}",
            "overrides[0]: warning: this override changes nothing",
        ),
        ("- {queues: [vip], keep: 2m}", "overrides[0]: warning: this override changes nothing"),
        ("- {groups: [sales], above: 5}", "overrides[0]: warning: this override is for nobody"),
        (
            "- {where: {team: none}, above: 5}",
            "overrides[0]: warning: this override is for nob",
        ),
    ],
)
def test_overrides_without_effect_are_told(
    tmp_path: Path, overrides: str, warning: str
) -> None:
    """Which one wins, where it stands, and what to do."""
    entry = (
        f"  - name: a\n    measure: waiting\n    above: 10\n    overrides:\n      {overrides}\n"
    )

    found = [text for text in warnings_of(tmp_path, entry) if "override" in text]

    found = [text for text in found if "nobody has" not in text]
    assert bool(warning) == bool(found), found
    assert all(warning in text for text in found)


def test_patterns_that_no_name_can_match_both_are_told_apart(tmp_path: Path) -> None:
    """A queue that begins with v does not begin with s, whatever turns up."""
    head = "  - {name: a, measure: waiting, above: 9, queues: ['s*'], overrides: "

    (warning,) = warnings_of(tmp_path, f"{head}[{{above: 5, queues: ['v*']}}]}}\n")
    assert "overrides[0]: warning: this override is for nobody" in warning
    assert [] == warnings_of(tmp_path, f"{head}[{{above: 5, queues: ['s*h']}}]}}\n")


A = "  - {name: a, measure: waiting, above: 10, for: 1m, severity: critical}\n"


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (
            "above: 10, for: 1m, severity: critical",
            "warning: it fires whenever 'a' (line 2) does",
        ),
        ("above: 10, for: 1m", "only the severity differs: keep the higher one, or use esc"),
        ("above: 12, for: 2m", "info: whenever it fires, 'a' (line 2) has fired with the same"),
        (
            "above: 8, for: 1m, severity: critical",
            "info: whenever 'a' (line 2) fires, this one",
        ),
        ("above: 8, for: 1m", ""),
        ("above: 12, for: 30s", ""),
        ("above: 12, for: 2m, queues: [vip]", ""),
        ("below: 1, for: 1m, severity: critical", "good news"),
    ],
)
def test_thresholds_that_tell_nothing_new_are_told(
    tmp_path: Path, second: str, message: str
) -> None:
    """One breach should not be two alerts, unless the second one is worse."""
    found = warnings_of(tmp_path, f"{A}  - {{name: b, measure: waiting, {second}}}\n")

    assert bool(message) == bool(found)
    assert all(message in text for text in found)


B = "  - {name: a, measure: service_level, window: 1h, below: 80%, at_least: 9}\n"


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ("below: 70%, at_least: 9", True),
        ("below: 70%, at_least: 8", False),
        ("below: 70%, at_least: 10, for: 1m", True),
        ("below: 90%, at_least: 9", True),
        ("below: 90%, at_least: 10", False),
        ("below: 90%, at_least: 8", True),
        ("below: 70%, at_least: 9, confidence: 95%", True),
        ("below: 90%, at_least: 9, confidence: 95%", False),
    ],
)
def test_the_looser_of_two_speaks_for_the_stricter(
    tmp_path: Path, second: str, told: bool
) -> None:
    """Only if nothing keeps it from firing while the stricter one fires."""
    entry = f"  - {{name: b, measure: service_level, window: 1h, {second}}}\n"

    found = warnings_of(tmp_path, f"{B}{entry}")

    assert told == any("tells nothing new" in text for text in found)
