"""Tests of thresholds.yml with suggested limits: it does what was promised, and is the old."""

import dataclasses
import datetime as dt
import re
from pathlib import Path

import pytest

from callmon.config import Config, load_config, load_thresholds
from callmon.rules import Subject
from callmon.suggest.findings import WEEK, Finding, Verdict, Wanted
from callmon.suggest.trying import Tried, try_limits, undated
from callmon.suggest.writing import WritingError, not_as_meant, rewritten
from callmon.trial import FileHistory, run_trial
from tests.suggest.month import THRESHOLDS, site

DAY = dt.date(2026, 11, 23)
WITHOUT_SILENT = "  silent: {}\n"


def config_of(folder: Path, thresholds: str = THRESHOLDS) -> Config:
    """Return the configuration of a fortnight."""
    callmon_yml = site(folder, days=15, thresholds=thresholds)
    callmon_yml.write_text(callmon_yml.read_text().replace(WITHOUT_SILENT, ""))
    return load_config(callmon_yml, {})


def tried(config: Config, wanted: Wanted | None = None) -> Tried:
    """Return what is found for *config*."""
    history = FileHistory([config.files[0].with_name("queue_log")], "pbx")
    found = try_limits(history, config, config.thresholds, wanted or Wanted(2, WEEK))
    assert found is not None
    return found


def written(config: Config, found: Tried, *, whole: bool = True) -> str:
    """Return the new text."""
    text = config.files[1].read_bytes().decode()
    names = [one.name for one in config.thresholds]
    return rewritten(text, found.findings, names, DAY, whole=whole)


def changed(found: Tried) -> list[Finding]:
    """Return the findings, each with the fourth limit as its suggestion."""
    return [
        dataclasses.replace(one, choice=one.rungs[3], verdict=Verdict.CHANGE)
        for one in found.findings
    ]


def without_suggestions(text: str) -> str:
    """Return *text* without limits, and without the lines that a suggestion added."""
    lines = [
        line
        for line in text.splitlines(keepends=True)
        if not line.strip().startswith(("# suggested ", "- { queues: [support"))
    ]
    text = re.sub(r", overrides: \[.*\]", "", "".join(lines))
    return re.sub(r"(above|clear): '?[0-9][^ ,}']*", r"\1: ", text)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_file_does_what_is_promised(tmp_path: Path, end: str) -> None:
    """Lived through again, the new file fires as often as each suggestion said."""
    config = config_of(tmp_path, THRESHOLDS.replace("\n", end))
    found = tried(config)

    text = written(config, found)

    new = tmp_path / "new.yml"
    new.write_bytes(text.encode())
    thresholds = load_thresholds(new, {}, config).thresholds
    assert [] == list(not_as_meant(thresholds, found.findings))
    history = FileHistory([tmp_path / "queue_log"], "pbx")
    trial = run_trial(history, config.engine_settings(), thresholds)
    assert trial is not None
    assert any(one.changes for one in found.findings)
    for one in found.findings:
        promised = one.choice if one.changes and one.choice is not None else one.present
        assert promised.fired == tuple(
            episode.fired_at
            for episode in trial.episodes
            if (episode.threshold, episode.subject) == (one.threshold.name, one.subject)
        )


def test_everything_else_stays(tmp_path: Path) -> None:
    """Comments, quotes, spacing, order: only limits are others, and overrides are new."""
    config = config_of(tmp_path)

    text = written(config, tried(config))

    assert THRESHOLDS != text
    assert without_suggestions(THRESHOLDS) == without_suggestions(text)
    assert "name: long_wait # the first one\n" in text
    assert "      # they are promised more\n" in text


def test_each_change_says_why(tmp_path: Path) -> None:
    """By day, days, rate, and what was before."""
    config = config_of(tmp_path)

    text = written(config, tried(config))

    comments = [line.strip() for line in text.splitlines() if "# suggested" in line]
    pattern = r"# suggested 2026-11-23 from 15 days: .* a week \(was (3m|1m|20%): .*\)"
    assert comments
    assert [] == [line for line in comments if not re.fullmatch(pattern, line)]


def test_overrides_stand_before_those_of_dates(tmp_path: Path) -> None:
    """A later override wins: the day of the fair keeps its limit."""
    config = config_of(tmp_path)

    text = written(config, tried(config))

    overrides = [line for line in text.splitlines() if line.strip().startswith("- {")]
    assert "during: fair" in overrides[-1] or "during: fair" in overrides[-2]
    assert "queues: [support]" in overrides[0]


def test_again_changes_nothing(tmp_path: Path) -> None:
    """What was suggested is about right the next time."""
    config = config_of(tmp_path)
    text = written(config, tried(config))
    again = tmp_path / "again"
    again.mkdir()
    second = config_of(again, text)

    assert text == written(second, tried(second))


def test_a_limit_of_all_changes_when_all_agree(tmp_path: Path) -> None:
    """Then no override is needed; the clear goes along, and one alone in an override."""
    text = """\
thresholds:
  - name: lost
    measure: abandonment_rate
    window: 1h
    above: 1%
    clear: 1%
    at_least: 1
    queues: [support, vip]
    overrides: [{queues: [vip], clear: 1%}]
"""
    config = config_of(tmp_path, text)

    new = rewritten(text, changed(tried(config)), ["lost"], DAY, whole=True)

    assert "    above: 80%\n    clear: 80%\n" in new
    assert "overrides: [{queues: [vip], clear: 80%}]" in new


def test_of_some_queues_only_their_own_limits_change(tmp_path: Path) -> None:
    """The limit of others, who were not looked at, stays."""
    config = config_of(tmp_path)
    found = tried(config)
    some = [one for one in found.findings if one.subject.name == "vip"]

    new = rewritten(THRESHOLDS, some, ["long_wait", "lost"], DAY, whole=False)

    assert "    above: 3m   # by contract\n" in new
    assert "above: 20%, at_least: 3, overrides: [{ queues: [vip]" in new


def test_a_queue_is_named_whatever_it_is_called(tmp_path: Path) -> None:
    """Names are patterns in the file, and a dollar begins a variable there."""
    config = config_of(tmp_path)
    name = "a*[1] ${x}: 'b'"
    odd = [
        dataclasses.replace(one, subject=dataclasses.replace(one.subject, name=name))
        for one in changed(tried(config))
        if (one.threshold.name, one.subject.name) == ("long_wait", "support")
    ]

    new = tmp_path / "new.yml"
    new.write_text(rewritten(THRESHOLDS, odd, ["long_wait", "lost"], DAY, whole=False))

    threshold = load_thresholds(new, {}, config).thresholds[0]
    assert undated(threshold, odd[0].subject).limit == odd[0].rungs[3].limit
    others = [Subject(kind=odd[0].subject.kind, name=other) for other in ("ab1 x", "support")]
    assert [odd[0].limits.limit] * 2 == [undated(threshold, one).limit for one in others]


def test_what_cannot_be_changed_alone_is_refused(tmp_path: Path) -> None:
    """An alias means two places: the administrator decides."""
    text = """\
thresholds:
  - name: lost
    measure: abandonment_rate
    window: 1h
    at_least: 1
    queues: [support, vip]
    overrides: &same
      - {queues: [none], above: 90%}
    above: 1%
  - name: others
    measure: abandonment_rate
    window: 1h
    above: 90%
    queues: [seldom]
    overrides: *same
"""
    config = config_of(tmp_path, text)

    findings = changed(tried(config))

    with pytest.raises(
        WritingError, match=r"cannot write the suggestions: thresholds\[1\]\.overrides"
    ):
        rewritten(text, findings, ["lost", "others"], DAY, whole=False)


def test_a_real_month_does_what_is_promised(data: Path, tmp_path: Path) -> None:
    """Of a real call centre, with the shipped thresholds: every alert of the new file."""
    shipped = Path(__file__).parents[2] / "config" / "thresholds.yml"
    config = config_of(tmp_path, shipped.read_text().partition("  # Too many")[0])
    history = FileHistory([data / "anonymous_bank_1999_02" / "derived_queue_log.gz"], "pbx")
    found = try_limits(history, config, config.thresholds, Wanted(2, WEEK))
    assert found is not None

    text = written(config, found)

    new = tmp_path / "new.yml"
    new.write_text(text)
    thresholds = load_thresholds(new, {}, config).thresholds
    trial = run_trial(history, config.engine_settings(), thresholds)
    assert trial is not None
    assert len([one for one in found.findings if one.changes]) > 3
    for one in found.findings:
        promised = one.choice if one.changes and one.choice is not None else one.present
        fired = [
            episode.fired_at for episode in trial.episodes if episode.subject == one.subject
        ]
        assert list(promised.fired) == fired
