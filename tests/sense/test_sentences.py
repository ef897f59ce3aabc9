"""What would wake whom and when, in sentences of two languages."""

from pathlib import Path

import pytest

from callmon.calendars import Calendar, CalendarSpec
from callmon.clock import SECOND
from callmon.config import load_config
from callmon.measures import MEASURES
from callmon.rules import Direction
from callmon.sense import Asked, examine
from callmon.sense.opening import hours_text
from callmon.sense.phrases import CLAUSES, WORDS, clause
from callmon.wording import Language

NOW = 1_794_000_000 * SECOND
"""2026-11-06."""
HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "config" / "callmon.yml"


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("en", "vip"),
        ("zh-CN", "vip"),
        ("en", "sales"),
        ("zh-CN", "sales"),
        ("zh-CN", "walk_ins"),
    ],
)
def test_the_shipped_files_are_told_as_people_say_it(language: str, name: str) -> None:
    """Read them aloud before changing them: ``tests/sense/told``."""
    asked = Asked(config=EXAMPLE, explain=name, language=Language(language))
    environ: dict[str, str] = {"STATE_DIRECTORY": str(HERE / "nowhere")}

    lines = examine(asked, environ, NOW).text

    expected = HERE / "told" / f"{name}.{language}.txt"
    assert expected.read_text(encoding="utf-8").splitlines() == list(lines)


def test_a_bare_number_keeps_its_distance_in_chinese(tmp_path: Path) -> None:
    """Where nothing stands between the limit and what comes after it, but for minutes."""
    (tmp_path / "callmon.yml").write_text("feeds: {pbx: {type: simulator}}\n")
    (tmp_path / "thresholds.yml").write_text(
        "thresholds:\n"
        "  - {name: a, measure: waiting, above: 9, keep: 0s}\n"
        "  - {name: b, measure: answer_rate, window: 15m, below: 80%}\n"
        "  - {name: c, measure: longest_wait, above: 3m, keep: 0s}\n"
    )
    asked = Asked(config=tmp_path / "callmon.yml", explain="support", language=Language.CHINESE)

    told = [line.strip() for line in examine(asked, {}, NOW).text if "结束" in line]

    assert [
        "数值不高于 9 后，告警结束。",
        "数值不低于 80 % 后，告警结束。",
        "数值不高于 3 分钟后，告警结束。",
    ] == told


def test_every_measure_has_its_clauses() -> None:
    """On either side of the limit, in both languages; nothing is left in braces."""
    assert set(MEASURES) == set(CLAUSES)
    for measure in MEASURES.values():
        for language in Language:
            texts = {
                clause(measure.name, direction, language).format(
                    limit="[L]", span="[S]", target="[T]"
                )
                for direction in Direction
            }
            assert 2 == len(texts)
            assert all("[L]" in text for text in texts)
            assert all(("[S]" in text) == measure.windowed for text in texts)


def test_all_words_are_there_in_both_languages() -> None:
    """A missing one would be a traceback in the middle of a sentence."""
    assert all(set(Language) == set(words) for words in WORDS.values())


@pytest.mark.parametrize(
    ("keys", "english", "chinese"),
    [
        (
            'weekly: {mon-fri: ["09:00-12:00", "13:00-18:00"], sat: "10:00-16:00"}',
            "Mon–Fri 09:00–12:00 and 13:00–18:00, Sat 10:00–16:00",
            "周一至周五 09:00–12:00、13:00–18:00，周六 10:00–16:00",
        ),
        ('weekly: {mon-sun: "00:00-24:00"}', "every day all day", "每天 全天"),
        ("holidays: DE", "every day all day, closed on public holidays of DE", None),
        ("dates: [2026-11-10..2026-11-12]", "2026-11-10 to 2026-11-12", None),
        ("dates: [2025-11-10, 2026-11-10]", "2026-11-10", "2026-11-10"),
        ("dates: [2025-11-10]", "never", "从不"),
        (
            'weekly: {mon: "09:00-18:00"}, special: {2026-12-31: closed, 2025-12-31: closed}',
            "Mon 09:00–18:00, other hours on 2026-12-31",
            "周一 09:00–18:00，2026-12-31 另有安排",
        ),
        (
            'weekly: {mon: "09:00-18:00"}, special: {2026-12-30: closed, 2026-12-31: closed}',
            "Mon 09:00–18:00, other hours on 2026-12-30, 2026-12-31",
            "周一 09:00–18:00，2026-12-30、2026-12-31 另有安排",
        ),
    ],
)
def test_opening_hours_are_told(
    tmp_path: Path, keys: str, english: str, chinese: str | None
) -> None:
    """Days with equal hours together; dates that are over left out."""
    (tmp_path / "callmon.yml").write_text("feeds: {pbx: {type: simulator}}\n")
    (tmp_path / "thresholds.yml").write_text(f"calendars: {{day: {{{keys}}}}}\n")
    calendar = load_config(tmp_path / "callmon.yml", {}).calendars["day"]

    assert english == hours_text(calendar, Language.ENGLISH, NOW)
    if chinese is not None:
        assert chinese == hours_text(calendar, Language.CHINESE, NOW)


def test_a_calendar_without_anything_is_always_open() -> None:
    """That is what the engine takes it for."""
    calendar = Calendar(CalendarSpec(name="always", timezone="UTC"))

    assert calendar.is_open(NOW)
    assert "every day all day" == hours_text(calendar, Language.ENGLISH, NOW)
