"""Limits that are allowed and hardly meant."""

from pathlib import Path

import pytest

from callmon.config import load_config
from callmon.config.odd_limits import GOOD_WHEN_HIGH, GOOD_WHEN_LOW
from callmon.measures import MEASURES


def warnings_of(folder: Path, *entries: str) -> list[str]:
    """Return what is said of thresholds with these keys, without place and level."""
    (folder / "callmon.yml").write_text("feeds: {pbx: {type: simulator}}\n")
    listed = "".join(f"  - {{name: t{n}, {entry}}}\n" for n, entry in enumerate(entries))
    (folder / "thresholds.yml").write_text(f"thresholds:\n{listed}")
    config = load_config(folder / "callmon.yml", {})
    return [text.partition("thresholds[0].")[2] for text in config.warnings]


@pytest.mark.parametrize(
    ("entry", "warning"),
    [
        ("measure: longest_wait, above: 3m", ""),
        ("measure: longest_wait, below: 3m", "below: warning: longest_wait below 3m is good"),
        ("measure: longest_wait, below: 3m", "; did you mean 'above: 3m'?"),
        ("measure: waiting, below: 5", "; did you mean 'above: 5'?"),
        ("measure: abandonment_rate, window: 5m, below: 20%", "did you mean 'above: 20%'?"),
        ("measure: service_level, window: 5m, above: 80%", "; did you mean 'below: 80%'?"),
        ("measure: service_level, window: 5m, below: 80%", ""),
        ("measure: service_level, window: 5m, below: 100%", "below: warning: one caller is"),
        ("measure: abandonment_rate, window: 5m, above: 0%", "above: warning: one caller is"),
        ("measure: p90_wait, window: 5m, above: 0s", "above: warning: one caller is enough"),
        ("measure: abandoned, window: 5m, above: 0", ""),
        ("measure: arrived, window: 5m, below: 5", ""),
        ("measure: arrived, window: 5m, above: 5", ""),
        ("measure: arrived, window: 5m, below: 5, at_least: 4", ""),
        (
            "measure: arrived, window: 5m, below: 5, at_least: 5",
            "at_least: warning: with 5 or more there are never fewer than 5",
        ),
        ("measure: longest_wait, above: 3ms", "3ms is less than a second; did you mean '3m'?"),
        ("measure: longest_wait, above: 0.5s", "above: warning: 0.5s is less than a second"),
        ("measure: longest_wait, above: 26h", "can hardly ever fire; did you mean '26m'?"),
        ("measure: average_talk, window: 1h, above: 1d", "average_talk never comes to 1d"),
        ("measure: longest_wait, above: 23h", ""),
        ("measure: overflow_rate, window: 5m, above: 0.2%", "; did you mean '20%'?"),
        ("measure: overflow_rate, window: 5m, above: 0.05%", ""),
        ("measure: overflow_rate, window: 5m, above: 0.2", ""),
        (
            "measure: waiting, above: 9, overrides: [{queues: [a], below: 3}]",
            "overrides[0].below: warning: waiting below 3 is good news",
        ),
        ("measure: waiting, above: 9, summary: “much”", "summary: warning: these wide quotes"),
        ("measure: waiting, above: 9, summary: 称“久”等", ""),
    ],
)
def test_what_is_hardly_meant_is_told(tmp_path: Path, entry: str, warning: str) -> None:
    """The wrong side, the wrong unit, a limit that everything or nothing passes."""
    warnings = warnings_of(tmp_path, entry)

    assert bool(warning) == bool(warnings)
    assert all(warning in text for text in warnings)


def test_only_measures_are_judged() -> None:
    """A name in the lists that no measure has would never be seen."""
    assert set(MEASURES) >= GOOD_WHEN_HIGH | GOOD_WHEN_LOW
    assert not GOOD_WHEN_HIGH & GOOD_WHEN_LOW
