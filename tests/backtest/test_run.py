"""Tests of what is lived through: both files in one pass, and what was asked for of it."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from callmon.backtest import BacktestRequest, Found, live_through
from callmon.backtest.counts import DAY, covered
from callmon.backtest.outcome import Side
from callmon.clock import SECOND
from callmon.errors import ConfigError
from callmon.replay import NothingFoundError, WrongRequestError
from callmon.wording import Language

STAMP = 1_600_000_000
CALLMON_YML = """\
thresholds: thresholds.yml
feeds: {log: {type: queue_log, path: queue_log}}
queues: {sales: {}, support: {}, quiet: {}}
groups: {all: {queues: ["*"]}}
storage: {directory: state}
alerting: {storm: {alerts: 2, within: 1h, hold: 5m}}
"""
PRESENT = """\
thresholds:
  - {name: long_wait, measure: longest_wait, above: 60s, keep: 0s, severity: warning}
  - {name: lost, measure: abandoned, window: 5m, above: 0, keep: 0s, severity: info}
"""
CANDIDATE = """\
thresholds:
  - {name: lost, measure: abandoned, window: 5m, above: 0, keep: 0s, severity: info}
  - {name: long_wait, measure: longest_wait, above: 90s, keep: 0s, severity: warning}
"""


def log_lines() -> Iterator[str]:
    """Yield a log: who waits 40, 80 and 120 s in two queues, and gives up then."""
    for number, queue in enumerate(("sales", "support")):
        for place, wait in enumerate((40, 80, 120)):
            at = STAMP + 1_000 * place + 10 * number
            yield f"{at}|{at}.1|{queue}|NONE|ENTERQUEUE|||1"
            yield f"{at + wait}|{at}.1|{queue}|NONE|ABANDON|1|1|{wait}"


@contextlib.contextmanager
def quiet(_length: int) -> Iterator[Callable[[int], None]]:
    """Show no progress."""
    yield lambda _read: None


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a folder with a configuration and a log."""
    (tmp_path / "callmon.yml").write_text(CALLMON_YML)
    (tmp_path / "thresholds.yml").write_text(PRESENT)
    (tmp_path / "candidate.yml").write_text(CANDIDATE)
    lines = sorted(log_lines(), key=lambda line: int(line.partition("|")[0]))
    (tmp_path / "queue_log").write_text("".join(f"{line}\n" for line in lines))
    return tmp_path


def found(site: Path, *, candidate: bool = True, **asked: object) -> Found:
    """Return the backtest of the candidate, or of the present file."""
    request = BacktestRequest(
        config=site / "callmon.yml",
        candidate=site / "candidate.yml" if candidate else None,
        logs=[site / "queue_log"],
        **asked,  # type: ignore[arg-type]  # by name
    )
    return live_through(request, {}, quiet)


def counts(side: Side | None) -> dict[str, int]:
    """Return how often each threshold fired for each subject."""
    assert side is not None
    return {
        f"{line.threshold.name} {line.subject.name}": len(line.episodes) for line in side.lines
    }


def test_both_files_are_lived_through(site: Path) -> None:
    """Thresholds of one name apart; each side in the order of its file."""
    backtest = found(site).backtest

    assert {
        "lost sales": 3,
        "lost support": 3,
        "long_wait sales": 1,
        "long_wait support": 1,
    } == counts(backtest.candidate)
    assert ["lost", "lost", "long_wait", "long_wait"] == [
        line.threshold.name for line in backtest.candidate.lines
    ]
    assert backtest.present is not None
    assert {
        "long_wait sales": 2,
        "long_wait support": 2,
        "lost sales": 3,
        "lost support": 3,
    } == counts(backtest.present)
    assert {"long_wait"} == {
        line.key.threshold for line in backtest.present.lines if len(line.episodes) == 2
    }
    assert [(1, 1, 0), (1, 1, 0)] == [
        (each.kept, len(each.gone), len(each.new)) for each in backtest.differences
    ]
    assert {"long_wait"} == {each.key.threshold for each in backtest.differences}


@pytest.mark.parametrize("named", [None, "thresholds.yml"])
def test_the_present_file_alone_has_nothing_beside_it(site: Path, named: str | None) -> None:
    """Also when it is named."""
    request = BacktestRequest(
        config=site / "callmon.yml",
        candidate=None if named is None else site / named,
        logs=[site / "queue_log"],
    )

    backtest = live_through(request, {}, quiet).backtest

    assert (None, ()) == (backtest.present, backtest.differences)
    assert str(site / "thresholds.yml") == backtest.candidate.name


def test_only_what_was_asked_for_is_told(site: Path) -> None:
    """One queue and one threshold, by name or glob."""
    backtest = found(site, queues=["sal*"], thresholds=["long_*"]).backtest

    assert {"long_wait sales": 1} == counts(backtest.candidate)
    assert ["sales"] == [subject.name for subject in backtest.subjects]


def test_a_length_counts_back_from_the_end(site: Path) -> None:
    """Of a log, too, whose end is known only when it is read."""
    backtest = found(site, since="10m").backtest

    assert 600_000_000 == backtest.until - backtest.since
    assert 1 == counts(backtest.candidate)["lost sales"]


@pytest.mark.parametrize(
    ("asked", "events", "lead"),
    [
        ({}, 12, 0),
        ({"since": "10m"}, 4, 8),
        ({"since": "2020-09-13T12:43:20"}, 8, 4),
        ({"since": "2020-09-13T12:43:21"}, 7, 5),
        ({"since": "2020-09-13T12:43:20", "until": "2020-09-13T12:43:30"}, 2, 4),
    ],
)
def test_events_are_those_of_the_span(
    site: Path, asked: dict[str, Any], events: int, lead: int
) -> None:
    """What was read of before is told apart: both ends of the span are in it."""
    backtest = found(site, **asked).backtest

    assert (events, lead) == (backtest.events, backtest.lead)


@pytest.mark.parametrize("name", ["since", "until"])
def test_a_time_that_the_clocks_skip_is_a_mistake(site: Path, name: str) -> None:
    """Nobody knows whether an hour more or less was meant."""
    (site / "callmon.yml").write_text(f"{CALLMON_YML}timezone: Europe/Berlin\n")

    with pytest.raises(WrongRequestError) as raised:
        found(site, **{name: "2020-03-29T02:30"})  # type: ignore[arg-type]  # by name

    assert (
        f"--{name}: there is no 02:30 on 2020-03-29 in Europe/Berlin:"
        " clocks go from 02:00 to 03:00" == str(raised.value)
    )


def test_a_sweep_is_of_the_candidate(site: Path) -> None:
    """Each limit in the same pass; the side itself does not change."""
    result = found(site, sweep="long_wait:above=30s..150s/30s")

    both, sales, support = result.sweeps
    assert [6, 4, 2, 0, 0] == [point.episodes for point in both.points]
    assert [3, 2, 1, 0, 0] == [point.episodes for point in sales.points]
    assert sales.points == support.points
    assert 1 == counts(result.backtest.candidate)["long_wait sales"]


def test_remarks_tell_what_one_must_know(site: Path) -> None:
    """Queues without a call, and how many pages a storm would have kept back."""
    remarks = found(site).backtest.remarks

    assert "no call in these queues of callmon.yml: quiet" == remarks[0]
    assert "on 1 day alerts would have come in storms" in remarks[1]


def test_remarks_are_in_the_language_asked_for(site: Path) -> None:
    """Nobody who asked for Chinese is told the doubts in English."""
    remarks = found(site, language=Language.CHINESE, since="2020-01-01").backtest.remarks

    assert 3 == len(remarks)
    assert remarks[0].startswith("2020-09-13 12:26")
    assert "callmon.yml 中的这些队列没有来电：quiet" == remarks[1]
    assert remarks[2].startswith("有 1 天会出现告警风暴")


def test_what_was_not_used_is_told_in_the_language_asked_for(site: Path) -> None:
    """Why, and how often: in English by the names that metrics have."""
    log = site / "queue_log"
    first = log.read_text().splitlines()[0]
    log.write_text(log.read_text() + f"{first}\n1600009999|x\n1600009999|1|sales|NONE|DANCE\n")

    told = [found(site, language=each).backtest.remarks for each in Language]
    english, chinese = (next(each for each in remarks if "1" in each) for remarks in told)

    assert english == (
        "not used: decode: missing_fields 1, decode: unknown_verb 1, engine: duplicate 1"
    )
    assert chinese == (
        "未采用的记录：字段缺失 1 条（解析）、未知类型 1 条（解析）、重复 1 条（处理）"
    )


def test_a_past_without_agents_says_nothing_of_them(site: Path) -> None:
    """That a threshold of them never fired is no good news: it never had a value."""
    of_agents = "  - {name: few, measure: agents_available, below: 1, severity: info}\n"
    (site / "candidate.yml").write_text(CANDIDATE + of_agents)

    found_in = found(site).backtest

    assert "nothing is told of agents in this past: never a value for few" in found_in.remarks
    assert 0 == counts(found_in.candidate)["few sales"]


def test_a_file_without_thresholds_is_told(site: Path) -> None:
    """That nobody would have been paged is no praise of it."""
    (site / "candidate.yml").write_text("# soon\n")

    remarks = found(site).backtest.remarks

    assert any(remark.endswith("candidate.yml has no thresholds yet") for remark in remarks)


def test_a_file_that_is_no_log_is_told(site: Path) -> None:
    """That nothing happened is not all that is wrong with it."""
    (site / "queue_log").write_text("feeds: {}\n")

    with pytest.raises(NothingFoundError, match="expected a queue_log of Asterisk"):
        found(site)


def test_a_hole_before_is_told(site: Path) -> None:
    """What is asked for from before the first event is not known."""
    remarks = found(site, since="2020-01-01").backtest.remarks

    assert remarks[0].startswith("nothing is known from before 2020-09-13 12:26")


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"queues": ["sale"]}, NothingFoundError, "did you mean 'sales'?"),
        ({"until": "2019-01-01"}, NothingFoundError, "queue_log in that time"),
        ({"source": "lag"}, WrongRequestError, "callmon.yml; did you mean 'log'?"),
        ({"thresholds": ["los"]}, WrongRequestError, "did you mean 'lost'?"),
        ({"sweep": "long:above=1m..2m/1m"}, WrongRequestError, "--sweep: no threshold"),
        ({"since": "now"}, WrongRequestError, "--since: expected a duration"),
        ({"until": "5m"}, WrongRequestError, "--until: expected an instant"),
    ],
)
def test_what_makes_no_sense_is_refused(
    site: Path, asked: dict[str, object], error: type[Exception], message: str
) -> None:
    """With what was expected instead."""
    with pytest.raises(error) as refused:
        found(site, **asked)  # type: ignore[arg-type]  # by name

    assert message in str(refused.value)


def test_a_candidate_with_mistakes_is_not_tried(site: Path) -> None:
    """They are those that check finds, with their places in that file."""
    (site / "candidate.yml").write_text(CANDIDATE.replace("90s", "90"))

    with pytest.raises(ConfigError) as refused:
        found(site)

    assert "candidate.yml:3:" in str(refused.value)


def test_what_is_known_is_what_rates_are_of(site: Path) -> None:
    """Asked for from long before to long after the log: neither is calm, and it is told."""
    asked = found(
        site, since="2020-01-01", until="2020-12-31", sweep="long_wait:above=60s..90s/30s"
    )

    backtest, sweep = asked.backtest, asked.sweeps[0]
    assert 2_130 * SECOND == covered(backtest) == sweep.days * DAY
    assert [1] == [duty.turns for duty in backtest.candidate.duties]
    first, last = backtest.remarks[:2]
    assert first.startswith("nothing is known from before 2020-09-13 12:26:40")
    assert last.startswith("nothing is known from after 2020-09-13 13:02:10")
