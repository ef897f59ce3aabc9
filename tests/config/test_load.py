"""Both files as administrators write them, right and wrong."""

import os
import re
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from callmon.clock import SECOND
from callmon.config import (
    Config,
    StormSettings,
    load_config,
    load_thresholds,
    printed,
    signature,
)
from callmon.config.nodes import parse
from callmon.config.section import Section
from callmon.config.sections import CallmonFile
from callmon.config.threshold_sections import ThresholdsFile
from callmon.errors import ConfigError
from callmon.journal.entries import Retention
from callmon.queues import Formula, Overflow
from callmon.rules import Direction
from callmon.wording import Language

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "config"
BAD = HERE / "bad"
GOOD = HERE / "good"


@pytest.fixture(name="config")
def _config() -> Config:
    return load_config(GOOD / "callmon.yml", {})


def problems_of(path: Path, config: Config) -> list[str]:
    """Return what is wrong with one of our bad files, by its name."""
    is_callmon = path.name.startswith("callmon")
    with pytest.raises(ConfigError) as caught:
        load_config(path, {}) if is_callmon else load_thresholds(path, {}, config)
    return [problem.replace(f"{BAD}{os.sep}", "") for problem in caught.value.problems]


@pytest.mark.parametrize("path", sorted(BAD.glob("*-*.yml")), ids=lambda path: str(path.stem))
def test_a_wrong_file_gives_the_message_in_its_first_line(path: Path, config: Config) -> None:
    """Each file has one mistake and gets one message, with its place and its cure."""
    expected = path.read_text().partition("\n")[0].removeprefix("# ")

    assert [expected] == problems_of(path, config)


def test_there_are_at_least_thirty_wrong_files() -> None:
    """The collection does not shrink unseen."""
    assert len(list(BAD.glob("*-*.yml"))) >= 100


def test_fourteen_mistakes_are_shown_in_one_pass(config: Config) -> None:
    """Every mistake of a file is reported at once, in file order."""
    path = BAD / "fourteen_mistakes.yml"

    assert path.with_suffix(".txt").read_text().splitlines() == problems_of(path, config)


def test_a_mistake_does_not_move_those_after_it(config: Config, tmp_path: Path) -> None:
    """An entry that is no section at all leaves the places of the next ones right."""
    path = tmp_path / "t.yml"
    path.write_text("thresholds:\n- text\n- {name: a, measure: longest_wait, above: 3}\n")

    with pytest.raises(ConfigError) as caught:
        load_thresholds(path, {}, config)

    first, second = caught.value.problems
    assert first.startswith(f"{path}:2:3: thresholds[0]: ")
    assert second.startswith(f"{path}:3:43: thresholds[1].above: a duration needs a unit")


def test_a_file_that_is_the_other_one_is_one_problem(config: Config, tmp_path: Path) -> None:
    """Whoever takes one for the other is told so, not of each of its keys."""
    (tmp_path / "thresholds.yml").write_text("thresholds: [{name: a}]\n")
    (tmp_path / "callmon.yml").write_text("feeds: {log: {type: queue_log, path: q}}\n")

    with pytest.raises(ConfigError) as no_config:
        load_config(tmp_path / "thresholds.yml", {})
    with pytest.raises(ConfigError) as no_thresholds:
        load_thresholds(tmp_path / "callmon.yml", {}, config)

    assert "found a thresholds.yml" in no_config.value.problems[0]
    assert "found a callmon.yml: name it by -c" in no_thresholds.value.problems[0]


def test_a_callmon_yml_here_is_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that is looked into without -c has none, this one has."""
    (tmp_path / "callmon.yml").write_text("feeds: {}\n")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigError) as raised:
        load_config(Path("config/callmon.yml"), {})

    assert raised.value.problems[0].endswith("callmon.yml is in this folder: -c callmon.yml")


def test_both_files_are_checked_in_one_pass(tmp_path: Path) -> None:
    """A mistake in callmon.yml does not hide those in thresholds.yml, nor its syntax errors."""
    callmon_yml = tmp_path / "callmon.yml"
    (tmp_path / "thresholds.yml").write_text("thresholds: [{name: a}]\n")

    for text, first in (("feeds: {}\n", ":1:1: feeds:"), ("feeds: [\n", ":2:1: ")):
        callmon_yml.write_text(text)
        with pytest.raises(ConfigError) as caught:
            load_config(callmon_yml, {})

        assert f"{callmon_yml}{first}" in caught.value.problems[0]
        assert ["thresholds[0]"] * 2 == [
            problem.split(": ")[1] for problem in caught.value.problems[1:]
        ]


@pytest.mark.parametrize("path", sorted(GOOD.glob("callmon*.yml")), ids=lambda path: path.stem)
def test_a_good_file_loads_and_equals_itself(path: Path) -> None:
    """Reading the same files again gives an equal configuration: nothing to reload."""
    assert load_config(path, {}) == load_config(path, {})


@pytest.mark.parametrize(
    "path", sorted(GOOD.glob("thresholds*.yml")), ids=lambda path: path.stem
)
def test_good_thresholds_load(path: Path, config: Config) -> None:
    """The collection of good files has no mistake."""
    assert load_thresholds(path, {}, config).thresholds


def test_the_full_files_mean_what_they_say() -> None:
    """A value of each kind arrives where it belongs, in its inner unit."""
    config = load_config(GOOD / "callmon-full.yml", {})
    support, vip, billing, west = config.queues
    everything, *_, below, number = config.thresholds
    override = everything.overrides[0]

    assert (("main", "401"), ("simulated", "support")) == support.origins
    assert ("America/New_York", 10 * SECOND, 0, Formula.ANSWERED_ONLY, Overflow.MISSED) == (
        support.timezone,
        support.targets.within,
        support.targets.short_abandon,
        support.targets.formula,
        support.targets.overflow,
    )
    assert (("*", "0402"), ("*", "VIP")) == vip.origins
    assert ((), "Asia/Shanghai", 30 * SECOND) == (
        billing.origins,
        billing.timezone,
        billing.targets.within,
    )
    assert (("*", "west"), ("*", "WEST")) == west.origins
    assert "UTC" == config.groups[0].timezone
    assert GOOD / "callmon-minimal.yml" in config.files
    assert GOOD / "state" == config.storage_directory
    assert 30 == config.agent_limit
    assert ("::1", 9877) == (config.server.host, config.server.port)
    assert ["https://one.example:9093/alertmanager", "http://two.example:9093"] == [
        peer.url for peer in config.alertmanagers
    ]
    assert "Europe/Berlin" == config.calendars["night"].spec.timezone
    assert [(300 * SECOND, "warning"), (600 * SECOND, "critical")] == [
        (step.after, step.severity) for step in everything.escalate
    ]
    assert (Fraction(1, 5), Fraction(3, 20), 30, 1.96) == (
        everything.limits.limit,
        everything.limits.clear,
        everything.limits.at_least,
        everything.limits.confidence,
    )
    assert (Direction.BELOW, Fraction(1, 20), 0, 0, 0) == (
        override.direction,
        override.limit,
        override.hold,
        override.keep,
        override.at_least,
    )
    assert ("today", 20, 0) == (below.window, below.limits.at_least, below.limits.keep)
    assert ("0401", ("vip",), 120 * SECOND) == (
        number.name,
        number.select.queues,
        number.limits.keep,
    )
    assert ["5m", "15m", "1h30m", "today"] == [spec.name for spec in config.windows]


def test_shifts_mean_what_they_say() -> None:
    """Every threshold knows who is on duty, in the order of the file."""
    config = load_config(GOOD / "callmon-full.yml", {})

    day, night = config.calendars["day"], config.calendars["night"]
    assert {(("day", day), ("夜班", night))} == {one.shifts for one in config.thresholds}


def test_night_is_whenever_the_file_says_so() -> None:
    """In the example the hours run over midnight, and lunch is nobody's."""
    threshold, *_ = load_config(EXAMPLES / "callmon.yml", {}).thresholds
    zone = ZoneInfo("Asia/Shanghai")

    seen = {
        text: threshold.shift_at(
            int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * SECOND
        )
        for text in (
            *("2026-11-27 08:59:59", "2026-11-27 09:00", "2026-11-27 12:30"),
            *("2026-11-27 17:59:59", "2026-11-27 18:00", "2026-11-28 03:00"),
            *("2026-11-28 12:00", "2026-11-29 00:00"),
        )
    }

    assert ["night", "day", None, "day", "night", "night", None, "night"] == [*seen.values()]


def test_texts_come_in_the_languages_of_the_file() -> None:
    """The first is the main one; without the key there are both."""
    full = load_config(GOOD / "callmon-full.yml", {})
    plain = load_config(GOOD / "callmon-minimal.yml", {})

    assert (Language.CHINESE, Language.ENGLISH) == full.alerting.languages
    assert (Language.ENGLISH, Language.CHINESE) == plain.alerting.languages
    summaries = [(one.summary is None, one.summary_zh) for one in full.thresholds]
    assert (False, "{queue} 最近 {window} 放弃率达 {value}") == summaries[0]
    assert {(True, None)} == set(summaries[1:])


def test_what_a_storm_is_stands_in_the_file() -> None:
    """Numbers arrive in their inner units; without the section there are defaults."""
    full = load_config(GOOD / "callmon-full.yml", {})
    plain = load_config(GOOD / "callmon-minimal.yml", {})

    assert full.alerting.storm == StormSettings(
        alerts=5, within=30 * SECOND, hold=600 * SECOND, label="team"
    )
    assert plain.alerting.storm == StormSettings(
        alerts=10, within=60 * SECOND, hold=300 * SECOND, label="team"
    )


def test_calendars_mean_what_they_say() -> None:
    """Weekdays, hours over midnight, holidays and dates as the calendars take them."""
    calendars = load_config(GOOD / "callmon-full.yml", {}).calendars
    day, night, sale = (calendars[name].spec for name in ("day", "night", "sale"))

    assert {0, 1, 2} == {
        d
        for d, hours in day.weekly.items()
        if len(hours) == 2 and hours[0][1] == 720 and hours[1][0] == 780
    }
    assert (((540, 720), (720, 1440)), ()) == (day.weekly[3], day.weekly[5])
    assert (6, 1) == (len(day.add_holidays), len(day.remove_holidays))
    assert [((600, 720),), (), ()] == [day.special[d] for d in sorted(day.special)]
    assert ({4, 5, 6, 0}, "DE-BY") == (set(night.weekly), night.holidays)
    assert ((1320, 360),) == night.weekly[6]
    assert (date(2026, 11, 10), date(2026, 11, 12)) == sale.dates[0]
    assert (date(2027, 11, 11), date(2027, 11, 11)) == sale.dates[1]


@pytest.mark.parametrize(
    ("path", "model"),
    [("callmon-full.yml", CallmonFile), ("thresholds-full.yml", ThresholdsFile)],
)
def test_the_full_files_have_every_key(path: str, model: type[Section]) -> None:
    """A key that is added to the sections is tried here, too."""
    document = parse(path, (GOOD / path).read_bytes(), {})
    used = {str(part) for loc in document.marks for part in loc}

    assert set() == keys_of(model) - used


def keys_of(model: type[Section]) -> set[str]:
    """Return the keys of *model* and of the sections in it."""
    definitions = model.model_json_schema()
    sections = [definitions, *definitions["$defs"].values()]
    return {key for section in sections for key in section.get("properties", {})}


@pytest.mark.parametrize(
    ("page", "model"),
    [
        ("operators/configuration.md", CallmonFile),
        ("administrators/thresholds.md", ThresholdsFile),
    ],
)
def test_every_key_is_in_the_manual(page: str, model: type[Section]) -> None:
    """A key without a word in the reference does not exist for its users."""
    text = (EXAMPLES.parent / "docs" / page).read_text()

    assert set() == {key for key in keys_of(model) if f"`{key}`" not in text}


def test_the_examples_run() -> None:
    """The annotated examples load without a warning."""
    config = load_config(EXAMPLES / "callmon.yml", {})

    assert () == config.warnings
    assert [
        "long_wait",
        "high_abandonment",
        "low_service_level",
        "many_waiting",
    ] == [threshold.name for threshold in config.thresholds]


def test_what_the_examples_leave_out_runs_as_well(tmp_path: Path) -> None:
    """With the signs of comment taken away, feed and thresholds of agents have no mistake."""
    (tmp_path / "secret").write_text("hunter2\n")
    (tmp_path / "ca.pem").write_text("")
    for name in ("callmon.yml", "thresholds.yml"):
        text = (EXAMPLES / name).read_text()
        text = re.sub("^  # (?=pbx_live:|acd:|- name:|  )", "  ", text, flags=re.MULTILINE)
        text = re.sub("/etc/callmon/(?:ami-secret|mqtt-password)", "secret", text)
        text = text.replace("/etc/callmon/ca.pem", "ca.pem")
        (tmp_path / name).write_text(text)

    config = load_config(tmp_path / "callmon.yml", {})

    assert () == config.warnings
    assert ["pbx_log", "pbx_live", "acd"] == [feed.name for feed in config.feeds]
    assert ["nobody_free", "not_served"] == [each.name for each in config.thresholds[-2:]]


def test_what_is_stored_is_kept_as_long_as_the_file_says() -> None:
    """Days arrive as microseconds; without the section there are defaults."""
    day = 86_400 * SECOND

    assert Retention(events=35 * day, intervals=1_100 * day, alerts=400 * day) == (
        load_config(GOOD / "callmon-minimal.yml", {}).retention
    )
    assert Retention(events=10 * day, intervals=500 * day, alerts=300 * day) == (
        load_config(GOOD / "callmon-full.yml", {}).retention
    )


def test_any_change_of_a_value_changes_the_configuration(tmp_path: Path) -> None:
    """A reload sees by comparison that a limit, a calendar or a secret differs."""
    callmon_yml, thresholds_yml = tmp_path / "callmon.yml", tmp_path / "thresholds.yml"
    callmon = (
        "feeds: {pbx: {type: queue_log, path: q}}\n"
        "alertmanagers: [{url: 'http://a', basic_auth: {username: u, password: one}}]\n"
    )
    thresholds = (
        "thresholds: [{name: a, measure: longest_wait, above: 3m, active: day}]\n"
        "calendars: {day: {weekly: {mon: '09:00-18:00'}}}\n"
        "shifts: {early: day}\n"
    )
    callmon_yml.write_text(callmon)
    thresholds_yml.write_text(thresholds)
    before = load_config(callmon_yml, {})

    for path, old, new in (
        (callmon_yml, "one", "two"),
        (thresholds_yml, "3m", "4m"),
        (thresholds_yml, "18:00", "17:00"),
        (thresholds_yml, "early", "late"),
    ):
        text = path.read_text()
        path.write_text(text.replace(old, new))

        assert before != load_config(callmon_yml, {})
        path.write_text(text)
    assert before == load_config(callmon_yml, {})


def test_windows_of_thresholds_join_the_configured_ones(tmp_path: Path) -> None:
    """An administrator may use a window the operator did not list; equal ones are one."""
    (tmp_path / "callmon.yml").write_text(
        "feeds: {pbx: {type: queue_log, path: q}}\nwindows: [900s]\nexported_windows: [15m]\n"
    )
    (tmp_path / "thresholds.yml").write_text(
        "thresholds: [{name: a, measure: abandoned, window: 10m, above: 3}]\n"
    )

    config = load_config(tmp_path / "callmon.yml", {})

    assert [("10m", 600 * SECOND), ("15m", 900 * SECOND), ("today", None)] == [
        (spec.name, spec.length) for spec in config.windows
    ]
    assert ("15m",) == config.exported_windows


def test_names_stay_as_written(tmp_path: Path) -> None:
    """Queues called 0401, 1e3, no or 12:30 keep their names, quoted or not."""
    (tmp_path / "thresholds.yml").write_text("thresholds: []\n")
    (tmp_path / "callmon.yml").write_text(
        "feeds: {pbx: {type: queue_log, path: q}}\n"
        "queues: {0401: {}, 1e3: {}, no: {}, '12:30': {}, 客服: {names: [0402, 0x10]}}\n"
    )

    queues = load_config(tmp_path / "callmon.yml", {}).queues

    assert ["0401", "1e3", "no", "12:30", "客服"] == [queue.name for queue in queues]
    assert (("*", "0402"), ("*", "0x10")) == queues[-1].origins


def test_a_name_with_a_source_maps_to_that_source(tmp_path: Path) -> None:
    """Labels may be given to the queue that callmon itself calls name@source."""
    (tmp_path / "thresholds.yml").write_text("thresholds: []\n")
    (tmp_path / "callmon.yml").write_text(
        "feeds:\n  a: {type: queue_log, path: a}\n  b: {type: queue_log, path: b}\n"
        "queues: {support@b: {}, support@c: {}}\n"
    )

    queues = load_config(tmp_path / "callmon.yml", {}).queues

    assert [(("b", "support"),), ()] == [queue.origins for queue in queues]


def test_secrets_come_from_files_and_the_environment(tmp_path: Path) -> None:
    """A secret is read without its line end, and never printed."""
    (tmp_path / "thresholds.yml").write_text("thresholds: []\n")
    (tmp_path / "secret").write_text(" from a file \r\n")
    (tmp_path / "callmon.yml").write_text(
        "feeds: {pbx: {type: queue_log, path: '${LOG:-queue_log}'}}\n"
        "alertmanagers:\n"
        "  - {url: 'http://a', basic_auth: {username: $$u, password_file: secret}}\n"
        "  - {url: 'http://b', basic_auth: {username: u, password: '${PASSWORD}'}}\n"
    )

    config = load_config(tmp_path / "callmon.yml", {"PASSWORD": "a: [*b"})

    users = [peer.basic_auth for peer in config.alertmanagers]
    assert [("$u", " from a file "), ("u", "a: [*b")] == [
        (user.username, user.password.reveal()) for user in users if user is not None
    ]
    assert tmp_path / "queue_log" == getattr(config.feeds[0], "path", None)
    for secret in ("from a file", "[*b"):
        assert secret not in repr(config)
        assert secret not in f"{users[0]} {users[1]}"


def test_problems_never_repeat_a_secret(tmp_path: Path) -> None:
    """Neither a message nor the source line under it shows what may be a password."""
    (tmp_path / "thresholds.yml").write_text("thresholds: []\n")
    (tmp_path / "callmon.yml").write_text(
        "feeds: {pbx: {type: queue_log, path: q}}\n"
        "alertmanagers:\n"
        "  - url: http://me:hunter2@b:9093\n"
        "  - url: http://a\n"
        "    basic_auth: {username: u, password: [hunter2]}\n"
        "  - {url: http://c, passwort: hunter2}\n"
        "  - {url: '${URL}'}\n"
        "  - url: http://d\n"
        "    basic_auth:\n"
        "      username: u\n"
        "      password:\n"
        "        - hunter2\n"
    )

    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "callmon.yml", {"URL": "hunter2"})

    assert 5 == len(caught.value.problems)
    assert "hunter2" not in "\n".join(printed(caught.value.problems))


def test_doubtful_names_are_warnings(config: Config, tmp_path: Path) -> None:
    """A queue that is not listed may be found later; a nearly right name is pointed out."""
    path = tmp_path / "t.yml"
    path.write_text(
        "thresholds:\n"
        "  - {name: a, measure: longest_wait, above: 3m, queues: [vpi, Other, sales_*, vip]}\n"
        "  - {name: b, measure: longest_wait, above: 3m, where: {team: sale}}\n"
    )

    settings = load_thresholds(path, {}, config)

    first, second, third = settings.warnings
    place = f"{path}:2:58: thresholds[0].queues[0]: warning: "
    assert f"{place}queue 'vpi' is not listed in callmon.yml; did you mean 'vip'?" == first
    assert "queue 'Other' is not listed in callmon.yml; queues not listed" in second
    assert third.endswith(": warning: nobody has team 'sale'; did you mean 'sales'?")


def test_a_file_that_is_not_there_is_one_problem(tmp_path: Path) -> None:
    """The daemon says which file it cannot read, and why."""
    path = tmp_path / "callmon.yml"

    with pytest.raises(ConfigError) as caught:
        load_config(path, {})

    assert (f"{path}:1:1: cannot read the file: No such file or directory",) == (
        caught.value.problems
    )


def test_the_signature_sees_every_kind_of_change(tmp_path: Path) -> None:
    """Writing, replacing, removing and re-linking a file all change its signature."""
    path, other = tmp_path / "a.yml", tmp_path / "b.yml"
    seen = [signature(path)]
    path.write_text("1")
    seen.append(signature(path))
    path.write_text("22")
    seen.append(signature(path))
    other.write_text("33")
    other.replace(path)
    seen.append(signature(path))
    path.unlink()
    other.write_text("33")
    path.symlink_to(other)
    seen.append(signature(path))

    assert len(seen) == len(set(seen))
    assert seen[-1] == signature(path)


def test_a_mistake_in_the_thresholds_is_none_in_feeds(tmp_path: Path) -> None:
    """A calendar that is there, and wrong, is not called unknown where a feed names it."""
    callmon = tmp_path / "callmon.yml"
    callmon.write_text(
        "feeds: {pbx: {type: queue_log, path: log, silence: {after: 1h, during: open}}}\n"
    )
    for wrong in ('calendars: {open: {weekly: {mon: "9-18"}}}', "calendars：{}\nshifts: {}"):
        (tmp_path / "thresholds.yml").write_text(wrong)

        with pytest.raises(ConfigError) as caught:
            load_config(callmon, {})

        assert ["thresholds.yml"] == [
            problem.rpartition("/")[2].partition(":")[0] for problem in caught.value.problems
        ]
