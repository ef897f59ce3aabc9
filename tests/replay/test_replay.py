"""Tests of ``callmon replay``: what it reads, how it divides, what it shows."""

import contextlib
import gzip
import json
import os
import statistics
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND, Micros
from callmon.engine import EngineSettings
from callmon.errors import FeedError
from callmon.events import Outcome
from callmon.queues import Formula, GroupSettings, QueueSettings, Targets, WindowSpec
from callmon.replay import (
    DAY,
    Cohort,
    Division,
    NothingFoundError,
    Played,
    ReplayRequest,
    TalliedState,
    WrongRequestError,
    make_report,
    period_length,
    play,
    replay_text,
    report_settings,
)
from callmon.replay.figures import interpolated, read_figures
from callmon.replay.tally import Period, Periods, divide
from callmon.rules import SubjectKind
from callmon.sinks.prometheus import exposition

UTC = ZoneInfo("UTC")
START = 1_600_041_600
"""2020-09-14T00:00:00Z."""

LONG = 12
"""Seconds that a made-up day of calls lasts: instants are to collide."""


def line(at: int, call: str, verb: str, *data: object, queue: str = "sales") -> str:
    """Return a line of a queue_log, *at* seconds after ``START``."""
    fields = (START + at, call, queue, "NONE", verb, *data)
    return "|".join(map(str, fields)) + "\n"


@st.composite
def logs(draw: st.DrawFn) -> str:
    """Make up a log of a few calls in two queues, whose instants collide."""
    lines: list[tuple[int, str]] = []
    for number in range(draw(st.integers(0, 6))):
        call, queue = f"c{number}", draw(st.sampled_from(["sales", "support"]))
        joined, wait, talk = (draw(st.integers(0, LONG // 2)) for _ in range(3))
        left = joined + wait
        lines.append((joined, line(joined, call, "ENTERQUEUE", "", 1, 1, queue=queue)))
        end = draw(st.sampled_from(["CONNECT", "ABANDON", "EXITWITHTIMEOUT", ""]))
        if end == "CONNECT":
            lines.append((left, line(left, call, end, wait, "x", 1, queue=queue)))
            done = line(left + talk, call, "COMPLETEAGENT", wait, talk, 1, queue=queue)
            lines.append((left + talk, done))
        elif end:
            lines.append((left, line(left, call, end, 1, 1, wait, queue=queue)))
    return "".join(text for _, text in sorted(lines, key=lambda pair: pair[0]))


@contextlib.contextmanager
def quiet(_length: int) -> Iterator[Callable[[int], None]]:
    """Show no progress."""
    yield lambda _read: None


def written(folder: Path, text: str, name: str = "queue_log") -> Path:
    """Write a log and return its path."""
    path = folder / name
    path.write_text(text)
    return path


def played(*files: Path, until: Micros | None = None, targets: Targets | None = None) -> Played:
    """Play *files* in order to count."""
    settings = EngineSettings() if targets is None else EngineSettings(targets=targets)
    return play(
        files,
        report_settings(settings),
        source="pbx",
        until=until,
        subject_state=TalliedState,
    )


def total(play: Played) -> TalliedState:
    """Return the state of all queues together."""
    state = play.engine.subjects[SubjectKind.GROUP, "all"]
    assert isinstance(state, TalliedState)
    return state


def as_json(path: Path, **asked: Any) -> dict[str, Any]:
    """Return what ``callmon replay --format json`` prints."""
    request = ReplayRequest(files=(path,), output="json", **asked)
    shown: dict[str, Any] = json.loads(replay_text(request, {}, quiet))
    return shown


CALL = line(0, "c1", "ENTERQUEUE", "", 1, 1) + line(3, "c1", "ABANDON", 1, 1, 3)


# ---- reading ------------------------------------------------------------------------


def test_files_are_read_in_the_order_of_time(tmp_path: Path) -> None:
    """In whatever order they are given, plain or packed: a rotated log is one log."""
    late = written(tmp_path, line(3, "c1", "ABANDON", 1, 1, 3), "queue_log")
    early = tmp_path / "queue_log.1.gz"
    early.write_bytes(gzip.compress(line(0, "c1", "ENTERQUEUE", "", 1, 1).encode()))

    play = played(late, early)

    assert [early, late] == list(play.files)
    assert [(START * SECOND, (START + 3) * SECOND, Outcome.ABANDONED, 3 * SECOND)] == (
        total(play).visits
    )


def test_the_same_file_twice_is_refused(tmp_path: Path) -> None:
    """Under whatever name: a path, a link, a packed copy, a copy taken earlier."""
    path = written(tmp_path, CALL)
    os.link(path, tmp_path / "link")
    (tmp_path / "queue_log.gz").write_bytes(gzip.compress(CALL.encode()))
    written(tmp_path, CALL + line(9, "c2", "ENTERQUEUE", "", 1, 1), "later")

    for other in ("queue_log", "link", "queue_log.gz", "later"):
        with pytest.raises(WrongRequestError, match="expected each log once"):
            played(path, tmp_path / other)


def test_empty_files_are_no_copies(tmp_path: Path) -> None:
    """Rotation leaves empty files behind; there is nothing in them to be counted twice."""
    paths = [written(tmp_path, "", name) for name in ("a", "b")]

    assert 2 == played(*paths, written(tmp_path, CALL)).events


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """With its name and the reason."""
    damaged = tmp_path / "queue_log.gz"
    damaged.write_bytes(gzip.compress(CALL.encode())[:-9])

    for path in (damaged, tmp_path / "gone"):
        with pytest.raises(FeedError, match=str(path)):
            played(path)


def test_what_is_not_used_is_counted(tmp_path: Path) -> None:
    """Lines that cannot be understood, by reason, and events that the engine knows already."""
    end = line(3, "c1", "ABANDON", 1, 1, 3)
    again = CALL + "1600041604|c1|sales|NONE|RINGCANCELED|1\n" + end + "nonsense\n"

    play = played(written(tmp_path, again))

    assert {"decode: missing_fields": 1, "engine: duplicate": 1} == dict(play.dropped)
    assert 5 == play.lines
    assert 1 == total(play).outcome_total(Outcome.ABANDONED)


def test_until_is_the_state_after_that_instant(tmp_path: Path) -> None:
    """What happened at the instant itself has happened; what came later has not."""
    path = written(tmp_path, CALL)

    before = played(path, until=(START + 3) * SECOND - 1)
    at = played(path, until=(START + 3) * SECOND)

    assert ([START * SECOND], 1) == (total(before).starts, before.later)
    assert ([], 0) == (total(at).starts, at.later)
    assert (START + 3) * SECOND == at.engine.now


def test_progress_reaches_the_length_of_the_files(tmp_path: Path) -> None:
    """The bar ends full, with packed files too."""
    plain = written(tmp_path, CALL * 8_000)
    packed = tmp_path / "queue_log.1.gz"
    packed.write_bytes(gzip.compress(line(50, "c9", "ENTERQUEUE", "", 1, 1).encode()))
    steps: list[int] = []

    play([plain, packed], EngineSettings(), source="pbx", progress=steps.append)

    assert plain.stat().st_size + packed.stat().st_size == sum(steps)
    assert len(steps) > 2


# ---- counting -----------------------------------------------------------------------


@given(logs(), st.sampled_from(Cohort), st.sampled_from([None, 2, 3, 60]), st.integers(0, LONG))
def test_periods_hold_what_a_naive_count_finds(
    tmp_path_factory: pytest.TempPathFactory,
    log: str,
    cohort: Cohort,
    length: int | None,
    since: int,
) -> None:
    """Each contact once, in the period of its arrival or its end, as often as it was there."""
    play = played(written(tmp_path_factory.mktemp("log"), log))
    first = (START + since) * SECOND
    periods = Periods(UTC, length and length * SECOND, Period(first, 1 << 62))
    if not play.events:
        return

    found = divide(total(play), cohort, periods)

    visits = total(play).visits
    moments = [visit.start if cohort is Cohort.ARRIVAL else visit.end for visit in visits]
    expected = Counter(
        (periods.of(at), visit.outcome)
        for at, visit in zip(moments, visits, strict=True)
        if at >= first
    )
    assert expected == Counter(
        {
            (period, outcome): count
            for period, counted in found.items()
            for outcome in Outcome
            if (count := counted.state.outcome_total(outcome))
        }
    )
    arrivals = [*(visit.start for visit in visits), *total(play).starts]
    assert sum(at >= first for at in arrivals) == sum(c.state.arrived for c in found.values())
    for period, counted in found.items():
        assert counted.most_waiting == _most_waiting(total(play), period), period


def _most_waiting(state: TalliedState, period: Period) -> int:
    """Count those who wait at every second, after everything of it, and before the first."""
    spans = [*((v.start, v.end) for v in state.visits), *((at, 1 << 63) for at in state.starts)]
    instants = [at * SECOND for at in range(START - 1, START + 3 * LONG)]
    inside = [at for at in instants if period.start <= at < period.end]
    return max(
        sum(start <= at < end for start, end in spans) for at in [inside[0] - 1, *inside]
    )


@given(logs(), st.sampled_from(Cohort))
def test_queues_and_periods_add_up(
    tmp_path_factory: pytest.TempPathFactory, log: str, cohort: Cohort
) -> None:
    """The total is the sum of its queues, and the whole the sum of its minutes."""
    play = played(written(tmp_path_factory.mktemp("log"), log))
    division = Division(zone=UTC, cohort=cohort, every=60 * SECOND)

    report = make_report(play, division)

    for name in ("arrived", "offered", "answered", "abandoned", "timeout", "lost"):
        whole = report.total.whole.contacts(name)
        assert whole == sum(one.whole.contacts(name) for one in report.queues)
        assert whole == sum(one.contacts(name) for one in report.total.periods.values())


@given(logs())
def test_both_cohorts_have_the_same_whole(
    tmp_path_factory: pytest.TempPathFactory, log: str
) -> None:
    """Over all of a log it does not matter which moment of a contact counts."""
    play = played(written(tmp_path_factory.mktemp("log"), log))

    by_end, by_arrival = (
        make_report(play, Division(zone=UTC, cohort=cohort)).total.whole.as_json()
        for cohort in Cohort
    )

    assert by_end == by_arrival


@given(logs())
def test_a_log_with_every_line_twice_counts_once(
    tmp_path_factory: pytest.TempPathFactory, log: str
) -> None:
    """Replaying, and replaying what was written twice, gives the same figures."""
    folder = tmp_path_factory.mktemp("log")
    twice = "".join(text * 2 for text in log.splitlines(keepends=True))
    division = Division(zone=UTC, every=60 * SECOND)

    once_shown, twice_shown = (
        make_report(played(written(folder, text)), division).total.as_json(division)
        for text in (log, twice)
    )

    assert once_shown == twice_shown


@given(logs())
def test_the_whole_is_what_the_engine_has(
    tmp_path_factory: pytest.TempPathFactory, log: str
) -> None:
    """Counted again from visits or by the engine's own counters: no difference."""
    play = played(written(tmp_path_factory.mktemp("log"), log))

    figures = make_report(play, Division(zone=UTC)).total.whole

    for outcome in Outcome:
        assert total(play).outcome_total(outcome) == figures.contacts(outcome.name.lower())
    assert total(play).arrived == figures.contacts("arrived")


def test_days_are_those_of_the_time_zone() -> None:
    """From midnight to midnight, also when a day has 25 hours; parts of it are equal."""
    zone = ZoneInfo("Europe/Berlin")
    always = Period(0, 1 << 62)
    noon = 1_603_620_000 * SECOND  # 2020-10-25T11:00+01:00, the day that ends summer time

    day = Periods(zone, DAY, always).of(noon)
    hours = {Periods(zone, DAY // 24, always).of(noon - n * DAY // 24) for n in range(9)}

    assert day is not None
    assert 25 * DAY // 24 == day.end - day.start
    assert 9 == len(hours)


@given(st.lists(st.integers(0, 9), min_size=2, max_size=9).map(sorted), st.integers(1, 99))
def test_interpolation_is_that_of_other_programs(values: list[int], percent: int) -> None:
    """Python's own "inclusive" method, which is numpy's and that of spreadsheets."""
    expected = statistics.quantiles(map(Fraction, values), n=100, method="inclusive")

    assert expected[percent - 1] == interpolated(values, percent)


def test_figures_of_nothing_are_none(tmp_path: Path) -> None:
    """A queue where nobody came has counts of 0 and no rates, waits or percentiles."""
    play = played(written(tmp_path, line(0, "c1", "ENTERQUEUE", "", 1, 1)))

    figures = make_report(play, Division(zone=UTC)).total.whole.as_json()

    assert (1, 0) == (figures["arrived"], figures["offered"])
    for name in ("answer_rate", "abandonment_rate", "average_wait", "p90_wait", "average_talk"):
        assert figures[name] is None
    assert {None} == set(figures["service_level"].values())
    assert {"count": 0} == figures["waits"]["answered"]


def test_unknown_waits_are_said(tmp_path: Path) -> None:
    """Who left after a wait that nobody can know is offered, and in no percentile."""
    state = total(played(written(tmp_path, CALL)))
    state.join(START * SECOND)
    state.leave((START + 9) * SECOND, START * SECOND, Outcome.ABANDONED, None)
    (counted,) = divide(state, Cohort.END, Periods(UTC, None, Period(0, 1 << 62))).values()

    figures = read_figures(counted)

    assert (2, 1) == (figures.contacts("abandoned"), figures.unknown_waits)
    assert [3 * SECOND] == figures.waits["abandoned"].values


# ---- asking -------------------------------------------------------------------------

CONFIG = """\
thresholds: thresholds.yml
timezone: Asia/Shanghai
feeds:
  one: {{type: queue_log, path: {folder}/one/queue_log, source: first}}
  two: {{type: queue_log, path: {folder}/two/queue_log, source: second}}
queues:
  service:
    from: [{{source: second, name: sales}}]
    service_level: {{within: 2s}}
groups:
  all: {{queues: [service]}}
storage: {{directory: {folder}}}
"""

THRESHOLD = """\
thresholds:
  - {name: many, measure: waiting, above: 0, severity: warning}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Write a configuration with two sources, each with a log beside its rotated ones."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    written(tmp_path / "two", CALL, "queue_log.1")
    written(tmp_path, THRESHOLD, "thresholds.yml")
    return written(tmp_path, CONFIG.format(folder=tmp_path), "callmon.yml")


def test_the_configuration_names_queues_and_targets(tmp_path: Path, config: Path) -> None:
    """The source is the one whose log, or a rotated piece of it, is replayed."""
    path = tmp_path / "two" / "queue_log.1"

    shown = as_json(path, config=config, until="2020-09-14T08:01")

    assert ["service"] == list(shown["queues"])
    assert 2 == shown["queues"]["service"]["within_s"]
    assert "Asia/Shanghai" == shown["timezone"]
    assert 1 == shown["groups"]["all"]["abandoned"]
    assert 1 == shown["total"]["abandoned"]
    assert "2020-09-14T08:00:00+08:00" == shown["first_event"]


def test_groups_are_shown_with_all_queues_only(tmp_path: Path, config: Path) -> None:
    """A group counts all its queues, so it has no place in a report of some of them."""
    path = tmp_path / "two" / "queue_log.1"

    assert ["all"] == list(as_json(path, config=config)["groups"])
    assert [] == list(as_json(path, config=config, queues=("service",))["groups"])


def test_targets_of_the_command_line_win(tmp_path: Path, config: Path) -> None:
    """What would the figures have been with another target? For every queue and group."""
    path = tmp_path / "two" / "queue_log.1"

    shown = as_json(path, config=config, within=5 * SECOND, formula=Formula.ABANDONS_POSITIVE)

    for one in (shown["queues"]["service"], shown["groups"]["all"], shown["total"]):
        assert (5, "abandons_positive", 1) == (
            one["within_s"],
            one["formula"],
            one["abandoned_within"],
        )


def test_a_source_that_cannot_be_told_is_asked_for(tmp_path: Path, config: Path) -> None:
    """A log from elsewhere may be of either source: --source says of which."""
    path = written(tmp_path, CALL, "elsewhere")

    with pytest.raises(WrongRequestError, match="first, second: choose by --source"):
        as_json(path, config=config)
    assert 1 == as_json(path, config=config, source="second")["queues"]["service"]["offered"]
    assert 1 == as_json(path, config=config, source="first")["queues"]["sales@first"]["offered"]


def test_instants_are_local_unless_they_say_otherwise(tmp_path: Path) -> None:
    """``--until`` without an offset is in the time zone of the report."""
    path = written(tmp_path, CALL)

    for until, timezone in [
        ("2020-09-14T00:00:02", None),
        ("2020-09-14T08:00:02", "Asia/Shanghai"),
        ("2020-09-14T02:00:02+02:00", "Asia/Shanghai"),
        ("2020-09-14T00:00:02Z", "Asia/Shanghai"),
    ]:
        assert 1 == as_json(path, until=until, timezone=timezone)["total"]["waiting"]
    with pytest.raises(WrongRequestError, match="found 'now'"):
        as_json(path, until="now")


def test_since_counts_nothing_before(tmp_path: Path) -> None:
    """Who came before and left after counts by end, and not by arrival."""
    path = written(tmp_path, CALL)
    since = "2020-09-14T00:00:01"

    assert (0, 1) == tuple(
        as_json(path, since=since, cohort=cohort)["total"]["abandoned"]
        for cohort in (Cohort.ARRIVAL, Cohort.END)
    )


def test_the_first_period_begins_where_counting_does(tmp_path: Path) -> None:
    """A day of which the beginning is left out does not pretend to be whole."""
    shown = as_json(written(tmp_path, CALL), since="2020-09-14T00:00:01", every=DAY)

    (period,) = shown["total"]["periods"]
    assert ("2020-09-14T00:00:01+00:00", "2020-09-15T00:00:00+00:00") == (
        period["from"],
        period["to"],
    )


def test_only_the_wanted_queues_are_shown(tmp_path: Path) -> None:
    """In the total, too; spelt as callmon or as the log has them."""
    other = line(4, "c2", "ENTERQUEUE", "", 1, 1, queue="Other")
    path = written(tmp_path, CALL + other)

    shown = as_json(path, queues=("OTHER",))

    assert ["other"] == list(shown["queues"])
    assert (1, 0) == (shown["total"]["arrived"], shown["total"]["abandoned"])
    with pytest.raises(NothingFoundError, match="did you mean 'other'"):
        as_json(path, queues=("othre",))


def test_json_has_quotients_whole(tmp_path: Path) -> None:
    """Both parts of a quotient stand there, so that any digit can be had."""
    three = "".join(
        line(n, f"c{n}", "ENTERQUEUE", "", 1, 1) + line(n, f"c{n}", verb, *data)
        for n, (verb, *data) in enumerate(
            [("CONNECT", 1, "x", 1), ("CONNECT", 1, "y", 1), ("ABANDON", 1, 1, 2)]
        )
    )

    shown = as_json(written(tmp_path, three))["total"]

    assert {"value": 1 / 3, "numerator": 1, "denominator": 3, "contacts": 3} == (
        shown["abandonment_rate"]
    )
    assert {
        "value": 1.0,
        "numerator": 2 * SECOND,
        "denominator": 2 * SECOND,
        "contacts": 2,
    } == shown["average_wait"]


def test_metrics_are_those_of_the_daemon(tmp_path: Path, config: Path) -> None:
    """With a configuration: its queues, groups, windows and thresholds, and nothing else."""
    path = tmp_path / "two" / "queue_log.1"
    request = ReplayRequest(
        files=(path,), output="metrics", config=config, until="2020-09-14T08:00:02"
    )

    text = replay_text(request, {}, quiet)

    assert 'callmon_queue_waiting_contacts{queue="service"} 1\n' in text
    assert 'callmon_queue_window_arrived_contacts{queue="service",window="today"} 1\n' in text
    assert 'callmon_group_waiting_contacts{group="all"} 1\n' in text
    assert 1 == text.count("\ncallmon_threshold_firing{")
    assert 'window="all"' not in text


def test_metrics_without_a_configuration_have_the_whole(tmp_path: Path) -> None:
    """The whole log is the window, called ``all``."""
    path = written(tmp_path, CALL)
    settings = EngineSettings(windows=(WindowSpec(name="all"),))
    engine = play([path], settings, source="pbx").engine

    text = replay_text(ReplayRequest(files=(path,), output="metrics"), {}, quiet)

    expected = exposition(engine.states(), (), engine.now, windows=("all",)).decode()
    assert expected == text
    assert 'callmon_queue_abandonment_ratio{queue="sales",window="all"} 1.0\n' in text


def test_the_total_leaves_configured_groups_alone() -> None:
    """A group that is called as the total would be keeps its name and its queues."""
    group = GroupSettings(name="all", queues=("sales",))
    settings = EngineSettings(queues=(QueueSettings(name="sales"),), groups=(group,))

    groups = report_settings(settings).groups

    assert group == groups[0]
    assert ("all*", ("*",)) == (groups[1].name, groups[1].queues)


@pytest.mark.parametrize(
    ("text", "seconds"), [("day", 86_400), ("hour", 3_600), ("30m", 1_800), ("1d", 86_400)]
)
def test_periods_divide_a_day(text: str, seconds: int) -> None:
    """Words or durations."""
    assert seconds * SECOND == period_length(text)


@pytest.mark.parametrize("text", ["7h", "1s", "0s", "2d", "week", ""])
def test_other_periods_are_refused(text: str) -> None:
    """Days would begin in the middle of a period, or there would be no end of periods."""
    with pytest.raises(ValueError, match="expected"):
        period_length(text)
