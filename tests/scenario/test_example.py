"""The scenarios we ship, and those that ``callmon test --example`` writes, hold."""

from pathlib import Path

import pytest

from callmon.config import load_config
from callmon.measures import MEASURES
from callmon.scenario import Request, example_of, run_scenarios, try_scenarios
from callmon.testing import ManualClock
from callmon.wording import Language
from tests.scenario.stages import NOON

CONFIG = Path(__file__).parents[2] / "config"
SHIPPED = sorted((CONFIG / "scenarios").glob("*.yml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_thresholds_do_what_the_scenarios_say(path: Path) -> None:
    """config/scenarios is tried with config/thresholds.yml as it is."""
    results = run_scenarios(path, {}, ManualClock())

    assert [] == [one for result in results for one in result.verdicts if not one.held]


def test_every_shipped_threshold_is_tried() -> None:
    """Each fires and ends in some scenario, and in another it does not fire."""
    config = load_config(CONFIG / "callmon.yml", {})
    text = "".join(path.read_text() for path in SHIPPED)

    for threshold in config.thresholds:
        assert f"{threshold.name}(" in text
    assert {threshold.name for threshold in config.thresholds} == {p.stem for p in SHIPPED}


def test_the_example_holds_as_it_is_written(tmp_path: Path) -> None:
    """Each threshold of the configuration fires in it, and what is written comes about."""
    text = example_of(CONFIG / "callmon.yml", {}, NOON)
    path = tmp_path / "example.yml"
    path.write_text(text)

    request = Request(files=[path], config=CONFIG / "callmon.yml")
    tested = try_scenarios(request, {}, ManualClock())

    assert tested.held, tested.text
    for threshold in load_config(CONFIG / "callmon.yml", {}).thresholds:
        assert f" {threshold.name}(" in text


def test_the_example_is_the_same_in_chinese_but_for_its_words(tmp_path: Path) -> None:
    """Names and comments are Chinese; the sentences are the same, and hold."""
    english = example_of(CONFIG / "callmon.yml", {}, NOON)
    chinese = example_of(CONFIG / "callmon.yml", {}, NOON, language=Language.CHINESE)
    path = tmp_path / "example.yml"
    path.write_text(chinese)

    assert try_scenarios(
        Request(files=[path], config=CONFIG / "callmon.yml"), {}, ManualClock()
    ).held
    assert _sentences(english) == _sentences(chinese)
    words = [line for line in chinese.splitlines() if line.startswith(("  - name:", "# "))]
    assert [] == [line for line in words[1:] if line.isascii()]


def _sentences(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("      - ")]


LIMITS = {
    "contacts": ("above: 3", "below: 2"),
    "agents": ("above: 3", "below: 2"),
    "seconds": ("above: 45s", "below: 20s"),
    "ratio": ("above: 30%", "below: 70%"),
}


@pytest.mark.parametrize("measure", MEASURES)
def test_an_example_of_any_measure_holds(tmp_path: Path, measure: str) -> None:
    """Where there is a story it comes true; where there is none, that is said."""
    found = MEASURES[measure]
    window = "" if found.over is None else "window: 10m, "
    thresholds = [
        f"  - {{name: t{n}, measure: {measure}, {window}{limit}, for: 10s}}\n"
        for n, limit in enumerate(LIMITS[found.unit.value])
    ]
    (tmp_path / "thresholds.yml").write_text("thresholds:\n" + "".join(thresholds))
    (tmp_path / "callmon.yml").write_text(
        "feeds: {pbx: {type: simulator}}\nthresholds: thresholds.yml\n"
        "storage: {directory: state}\nqueues: {support: {}, 'sales, north': {}}\n"
    )
    path = tmp_path / "example.yml"

    path.write_text(example_of(tmp_path / "callmon.yml", {}, NOON))

    text = path.read_text()
    assert 2 == text.count("- name: t") + text.count("# t")
    if "- name: t" in text:
        tested = try_scenarios(Request(files=[path]), {}, ManualClock())
        assert tested.held, tested.text + text
