"""Tests of the YAML in the pages: it loads, and what it says of thresholds is what happens."""

import re
import shutil
from pathlib import Path

import pytest

from callmon.cli import main
from callmon.config import load_config
from scripts.write_tutorial import PAGES
from tests.docs_blocks import ROOT, SCENARIOS, Example, Kind, examples, site

SESSIONS = {str(page.relative_to(ROOT)) for page in PAGES}
"""Pages whose examples stand in for each other: tests/test_docs_tutorial.py tries them."""

EXAMPLES = examples()
WITH_THRESHOLDS = [example for example in EXAMPLES if example.thresholds]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.identity)
def test_examples_load(example: Example, tmp_path: Path) -> None:
    """Nobody copies a mistake out of a page."""
    config = load_config(site(example, tmp_path), {})

    assert example.thresholds == [
        threshold.name
        for threshold in config.thresholds
        if threshold.name in example.thresholds
    ]


def test_every_kind_of_example_is_found() -> None:
    """A page that is written in another way would go untried."""
    assert set(Kind) == {example.kind for example in EXAMPLES}


@pytest.mark.parametrize("example", WITH_THRESHOLDS, ids=lambda example: example.identity)
def test_examples_of_thresholds_do_what_their_scenarios_say(
    example: Example, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is tried by `callmon test`, on calls that make each of its thresholds fire."""
    site(example, tmp_path)
    tried = tmp_path / example.scenarios.name
    shutil.copy(example.scenarios, tried)

    code = main(["test", str(tried)])

    assert 0 == code, capsys.readouterr().out
    fires = set(re.findall(r"(\w+)\(\S+\) fires", tried.read_text()))
    assert set(example.thresholds) == fires


def test_every_file_of_scenarios_is_of_an_example() -> None:
    """What tries an example that is gone tries nothing."""
    assert {example.scenarios for example in WITH_THRESHOLDS} == set(SCENARIOS.glob("*.yml"))


def test_examples_of_scenarios_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a page says that happens does, with the thresholds that we ship."""
    for name in ("callmon.yml", "thresholds.yml"):
        shutil.copy(ROOT / "config" / name, tmp_path)
    tried = tmp_path / "tried.yml"
    for example in EXAMPLES:
        if example.kind is Kind.SCENARIOS and example.page not in SESSIONS:
            tried.write_text(example.text)

            code = main(["test", str(tried), "-c", str(tmp_path / "callmon.yml")])

            assert 0 == code, (example.identity, capsys.readouterr().out)
