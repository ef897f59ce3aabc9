"""Tests of the pass that tries a ladder of limits: what it says of each is what each does."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import pytest

from callmon.clock import SECOND
from callmon.config import Config, load_config
from callmon.engine import EngineSettings
from callmon.rules import Limits, Subject, SubjectKind, Threshold
from callmon.suggest.findings import DAY, WEEK, Finding, Verdict, Wanted
from callmon.suggest.trying import Tried, candidate, try_limits, undated
from callmon.trial import FileHistory, Span, run_trial
from tests.suggest.month import BEGIN, THRESHOLDS, site, waits_of

TWO_A_WEEK = Wanted(2, WEEK)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Return the configuration of a month of made-up calls."""
    return load_config(site(tmp_path_factory.mktemp("month")), {})


@pytest.fixture(scope="module")
def month(config: Config) -> Tried:
    """Return what is found of that month."""
    return tried(config)


def history(config: Config) -> FileHistory:
    """Return the month's log."""
    return FileHistory([config.files[0].with_name("queue_log")], "pbx")


def tried(config: Config, wanted: Wanted = TWO_A_WEEK, span: Span | None = None) -> Tried:
    """Return what is found for all thresholds."""
    found = try_limits(history(config), config, config.thresholds, wanted, span=span)
    assert found is not None
    return found


def finding(found: Tried, threshold: str, subject: str) -> Finding:
    """Return that of one threshold and subject."""
    (one,) = [
        one
        for one in found.findings
        if (one.threshold.name, one.subject.name) == (threshold, subject)
    ]
    return one


def with_limit(threshold: Threshold, limit: Fraction, clear: Fraction | None) -> Threshold:
    """Return *threshold* with one limit for all and no override."""
    limits = dataclasses.replace(threshold.limits, limit=limit, clear=clear)
    return dataclasses.replace(threshold, limits=limits, overrides=())


def test_each_limit_does_what_is_said_of_it(config: Config, month: Tried) -> None:
    """Tried alone, every limit fires at the instants that the one pass gave."""
    found = finding(month, "lost", "support")
    settings: EngineSettings = config.engine_settings()

    for rung in found.rungs:
        alone = with_limit(found.threshold, rung.limit, None)
        trial = run_trial(history(config), settings, [alone])
        assert trial is not None
        assert rung.fired == tuple(
            one.fired_at for one in trial.episodes if one.subject == found.subject
        )


def test_the_present_limits_are_tried_as_they_are(config: Config, month: Tried) -> None:
    """With overrides and dates."""
    trial = run_trial(history(config), config.engine_settings(), config.thresholds)

    assert trial is not None
    for one in month.findings:
        assert one.present.fired == tuple(
            episode.fired_at
            for episode in trial.episodes
            if (episode.threshold, episode.subject) == (one.threshold.name, one.subject)
        )


def test_days_of_their_own_keep_their_limits(month: Tried) -> None:
    """On the day of the fair it is 20m whatever is tried: nobody waits so long."""
    found = finding(month, "long_wait", "support")

    days = {str(day) for rung in found.rungs for day in rung.by_day(month.zone)}

    assert "2026-10-01" not in days
    assert "2026-10-02" in days


def test_what_is_found_depends_on_the_queue(month: Tried) -> None:
    """Many calls, promised more, hardly any, none at all."""
    verdicts = {
        one.subject.name: (one.verdict, one.days)
        for one in month.findings
        if one.threshold.name == "long_wait"
    }

    assert {
        "seldom": (Verdict.FEW_DAYS, 3),
        "silent": (Verdict.FEW_DAYS, 0),
        "support": (Verdict.CHANGE, 28),
        "vip": (Verdict.CHANGE, 28),
    } == verdicts


def test_no_limit_lies_below_what_is_promised(tmp_path: Path) -> None:
    """Callers answered in time are no reason to be called: nobody of vip within 10s."""
    text = THRESHOLDS.replace("above: 1m, clear: 30s", "above: 15s")
    config = load_config(site(tmp_path, days=6, thresholds=text), {})

    found = tried(config)

    least = {
        name: min(rung.limit for rung in finding(found, "long_wait", name).rungs)
        for name in ("support", "vip")
    }
    assert {"support": 45 * SECOND, "vip": 15 * SECOND} == least


def test_no_limit_is_four_times_as_sensitive(tmp_path: Path) -> None:
    """A quarter of the present one is the least: of 1m, 15s."""
    config = load_config(site(tmp_path, days=6), {})

    rungs = finding(tried(config), "long_wait", "vip").rungs

    assert 15 * SECOND == rungs[-1].limit
    assert 60 * SECOND in {rung.limit for rung in rungs}


def test_a_window_that_is_never_full_is_told(tmp_path: Path) -> None:
    """Then at_least decides, not the limit."""
    text = THRESHOLDS.replace("at_least: 3", "at_least: 300")
    config = load_config(site(tmp_path, days=6, thresholds=text), {})

    found = finding(tried(config), "lost", "support")

    assert (Verdict.SPARSE, 6, 0) == (found.verdict, found.days, found.full_days)


def test_a_window_is_full_with_at_least_so_many(tmp_path: Path) -> None:
    """Not with one fewer, and one more is not needed."""
    ends = sorted(
        day * 86_400 + number * 900 + waits_of(day, number)["support"]
        for day in range(6)
        for number in range(10)
    )
    most = max(sum(end - 3_600 < other <= end for other in ends) for end in ends)

    def days(at_least: int) -> int:
        folder = tmp_path / str(at_least)
        folder.mkdir()
        text = THRESHOLDS.replace("at_least: 3", f"at_least: {at_least}")
        config = load_config(site(folder, days=6, thresholds=text), {})
        return finding(tried(config), "lost", "support").full_days

    assert days(most) > 0
    assert 0 == days(most + 1)


def test_a_window_that_is_always_full_is_full_each_day(tmp_path: Path) -> None:
    """Also where it never is not, by night neither: each day counts."""
    text = THRESHOLDS.replace("window: 1h", "window: 24h").replace("at_least: 3", "at_least: 1")
    config = load_config(site(tmp_path, days=8, thresholds=text), {})

    found = finding(tried(config), "lost", "support")

    assert (8, 8) == (found.days, found.full_days)
    assert Verdict.SPARSE is not found.verdict


def test_a_day_that_is_cut_counts_from_there_on(config: Config) -> None:
    """What happened on the first day of a span, before its next call, is in it, too."""
    found = tried(config, span=Span(back=10 * DAY + DAY // 2))

    one = finding(found, "long_wait", "support")
    assert found.span.since <= one.whole.since < one.whole.since + 1 <= min(one.present.fired)
    for rung in one.rungs:
        assert len(rung.fired) == one.whole.count(rung.fired)


def test_a_span_that_is_not_over_yet_ends_with_the_history(
    config: Config, month: Tried
) -> None:
    """Days to come have no calls: they would make every rate smaller."""
    found = tried(config, span=Span(until=month.span.until + 60 * DAY))

    ours, theirs = (finding(each, "lost", "support") for each in (found, month))
    assert (theirs.whole, theirs.days) == (ours.whole, ours.days)


def test_an_alert_that_stands_at_the_beginning_is_of_before(
    config: Config, month: Tried
) -> None:
    """It fired before the span, nobody is called by it in the span."""
    fired = finding(month, "long_wait", "support").rungs[-1].fired
    first = next(at for at in fired if at > fired[0] + 3 * DAY)

    found = tried(config, span=Span(since=first + 1, until=first + 12 * DAY))

    assert fired[fired.index(first) + 1] == (
        min(finding(found, "long_wait", "support").rungs[-1].fired)
    )


def test_an_override_keeps_the_proportion_of_its_own_clear(config: Config) -> None:
    """That of vip ends at half its limit, that of all others at two thirds."""
    minute = Fraction(60 * SECOND)
    tried_out = candidate(config.thresholds[0], 6 * minute)

    clears = [
        undated(tried_out, Subject(kind=SubjectKind.QUEUE, name=name)).clear
        for name in ("vip", "support")
    ]

    assert [3 * minute, 4 * minute] == clears


def test_an_override_that_turns_around_is_left_alone(tmp_path: Path) -> None:
    """A limit below here and above there has no common ladder."""
    text = THRESHOLDS.replace("above: 1m, clear: 30s", "below: 1m")
    config = load_config(site(tmp_path, days=6, thresholds=text), {})

    assert Verdict.MIXED is finding(tried(config), "long_wait", "vip").verdict


def test_the_limit_is_learnt_from_the_first_days(month: Tried) -> None:
    """And tried on the others: 28 days are 19 and 9."""
    found = finding(month, "long_wait", "vip")

    assert found.after is not None
    assert (found.learnt.until, found.whole.until) == (found.after.since, found.after.until)
    assert 19 == (found.after.since - BEGIN * SECOND) // DAY


def test_part_of_the_history_may_be_learnt_from(config: Config) -> None:
    """Nothing before the span counts; fewer days keep none apart."""
    found = tried(config, span=Span(back=10 * DAY))

    one = finding(found, "long_wait", "support")
    assert one.after is None
    assert min(one.present.fired) >= found.span.since
    assert 10 * DAY >= found.span.length - 1


def test_limits_without_a_date_are_those_of_the_last_override(config: Config) -> None:
    """As the file says it for an ordinary day."""
    threshold = config.thresholds[0]

    def limits(name: str) -> Limits:
        return undated(threshold, Subject(kind=SubjectKind.QUEUE, name=name))

    minute = Fraction(60 * SECOND)
    assert [minute, 3 * minute] == [limits(name).limit for name in ("vip", "other")]
    assert [minute / 2, 2 * minute] == [limits(name).clear for name in ("vip", "other")]
