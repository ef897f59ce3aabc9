"""Tests of the tutorials: what they show is what happens."""

import gzip
import re
from pathlib import Path

import pytest
import yaml

import callmon
from callmon.clock import SECOND, Micros
from scripts.write_sample_log import SAMPLE, sample_lines
from scripts.write_tutorial import PAGES, Step, agrees, performed, sessions, steps
from tests.acceptance.driver import Daemon, LeapingClock, sample

PACKAGE = Path(callmon.__file__).parent
ENGLISH, CHINESE = PAGES
OTHERS = [
    page
    for page in sorted(ENGLISH.parent.glob("*.md"))
    if page not in PAGES and sessions(page.read_text())
]
SITE = {"callmon.yml", "thresholds.yml"}
SMALL = 300_000
START: Micros = 1_795_000_000 * SECOND


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_print_what_the_page_shows(page: Path) -> None:
    """Whoever types along sees the same; `scripts/write_tutorial.py` writes it anew."""
    shown = steps(page.read_text())

    for expected, found in zip(shown, performed(shown), strict=True):
        if not agrees(expected.text, found.text):
            assert expected == found


def test_both_languages_do_the_same() -> None:
    """The same files in the same order, the same commands, and as many headings."""
    english, chinese = (page.read_text() for page in PAGES)

    assert [_done(step) for step in steps(english)] == [_done(step) for step in steps(chinese)]
    assert len(re.findall("^## ", english, re.MULTILINE)) == len(
        re.findall("^## ", chinese, re.MULTILINE)
    )


def _done(step: Step) -> tuple[str, object]:
    return step.file, yaml.load(step.text, yaml.BaseLoader) if step.file else step.command


def test_lines_may_be_left_out_but_not_changed() -> None:
    """The marks of what is left out stand for whole lines; how long it took does not count."""
    printed = "a\nb\nc 12 ms\n"

    assert agrees(printed, printed)
    assert agrees("a\n…\nc 3.5 ms\n", printed)
    assert agrees("…\n", printed)
    assert not agrees("a\n…\nb\n", printed)
    assert not agrees("a\nc 12 ms\n", printed)
    assert not agrees("", printed)


def test_the_sample_is_what_its_script_makes() -> None:
    """Four weeks, the same each time, and small enough to be carried along."""
    made = list(sample_lines())

    with gzip.open(SAMPLE, "rt") as file:
        assert file.read().splitlines() == made
    assert SAMPLE.stat().st_size < SMALL


@pytest.mark.anyio
async def test_a_running_callmon_takes_the_attempt_by_itself(tmp_path: Path) -> None:
    """What the last chapter says: copied over the file in force, it is in force."""
    operators, _, first, *_, attempt = [
        step.text for step in steps(ENGLISH.read_text()) if step.file and step.file != "try.yml"
    ]
    log = tmp_path / "queue_log"
    log.touch()
    operators = operators.replace("/var/log/asterisk/queue_log", str(log))
    operators = operators.replace("directory: state", f"directory: {tmp_path / 'state'}")
    path = tmp_path / "callmon.yml"
    path.write_text(f"{operators}server: {{ listen: '127.0.0.1:0' }}\n")
    thresholds = path.with_name("thresholds.yml")
    thresholds.write_text(first)
    async with Daemon(path, LeapingClock(START)) as daemon:
        app = daemon.app
        assert app is not None
        before = app.config.thresholds

        thresholds.write_text(attempt)
        for second in range(1, 10):
            await daemon.leap(START + second * SECOND)
        await daemon.until(lambda: app.config.thresholds != before, "it is in force")

        page = await daemon.get("/metrics")
    assert 1 == sample(page, "callmon_config_last_reload_successful")
    assert {"opening_hours"} == set(app.config.calendars)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_the_log_says_is_named_rightly(page: Path) -> None:
    """An administrator looks for these words in the log."""
    app = (PACKAGE / "app.py").read_text()

    named = re.findall(r"`(config\.\w+)`", page.read_text())

    assert ["config.reloaded", "config.refused"] == named
    assert [] == [name for name in named if f'"{name}"' not in app]


@pytest.mark.parametrize("page", OTHERS, ids=lambda page: page.name)
def test_other_pages_show_what_is_printed_of_the_sample(page: Path) -> None:
    """They go on from the tutorial's first thresholds, with the same log."""
    files = {step.file: step for step in steps(ENGLISH.read_text()) if step.file in SITE}
    shown = sessions(page.read_text())

    found = performed([*files.values(), *shown])[len(files) :]

    for expected, printed in zip(shown, found, strict=True):
        if expected.text and not agrees(expected.text, printed.text):
            assert expected == printed
