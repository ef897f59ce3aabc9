"""Tests of the parts of the page beside its pictures."""

from callmon.backtest.outcome import Difference
from callmon.backtest.sections import CHANGES_SHOWN, sections_of
from callmon.clock import SECOND
from callmon.wording import Language
from tests.backtest.pasts import (
    DAY,
    HOUR,
    SINCE,
    at,
    backtest,
    duty,
    episode,
    line,
    queue,
)

ENGLISH = Language.ENGLISH


def test_the_head_says_what_was_tried_on_what() -> None:
    """History, span with its zone, events; a hole; both files."""
    past = backtest([line([])], present=[line([])], first=SINCE + DAY, timezone="Asia/Shanghai")

    assert [
        ("Past", "queue_log"),
        ("", "2026-03-02 08:00 to 2026-03-30 08:00 Asia/Shanghai"),
        ("", "27 days, 12,345 events"),
        ("", "Nothing is known of the time before 2026-03-03 08:00."),
        ("File", "candidate.yml"),
        ("Present file", "thresholds.yml"),
    ] == sections_of(past, ENGLISH).head


def test_cards_show_what_is_to_be_seen_first() -> None:
    """Pages, noise, the noisiest and the worst day; without noise none of it is marked."""
    loud = backtest([line([episode(SINCE + DAY, 30 * SECOND), episode(SINCE + 2 * DAY)])])
    calm = backtest([line([])])

    assert [
        ("Pages", "2", "0.1 a day", False),
        ("Noise", "50 %", "1 of 2 that fired", True),
        ("Noisiest", "long_wait · support", "1 of 2 that fired", True),
        ("Worst day", "Tue 2026-03-03", "1 page", False),
    ] == [
        (card.title, card.figure, card.detail, card.noisy)
        for card in sections_of(loud, ENGLISH).cards
    ]
    assert [("0", False), ("–", False)] == [
        (card.figure, card.noisy) for card in sections_of(calm, ENGLISH).cards
    ]


def test_heat_is_by_weekday_and_hour() -> None:
    """The hour with the most has the strongest colour, one page has the weakest."""
    monday, friday = at("2026-03-02T10:15:00"), at("2026-03-06T16:59:59")
    episodes = [episode(monday), *(episode(friday + week * 7 * DAY) for week in range(4))]
    other = queue("other")
    twice = [episode(friday - HOUR // 2, subject=other), episode(friday, subject=other)]
    lines = [line(episodes), line(twice, subject=other)]

    heat = dict(sections_of(backtest(lines), ENGLISH).heat)

    assert (1, 1) == (heat["Mon"][10].pages, heat["Mon"][10].level)
    assert (6, 5) == (heat["Fri"][16].pages, heat["Fri"][16].level)
    assert "Fri 16:00: 6 pages" == heat["Fri"][16].title
    assert 7 == sum(cell.pages for row in heat.values() for cell in row)
    assert {0} == {cell.level for cell in heat["Sun"]}


def test_shifts_of_both_files_stand_below_each_other() -> None:
    """Mean per turn, and the worst turn with its day; one never on duty has no mean."""
    duties = [
        duty("day", turns=20, calls=30, most=4, most_at=SINCE + DAY),
        duty(None, turns=0),
    ]
    past = backtest([line([])], present=[line([])], duties=duties)

    assert [
        ("day", "present", "1.5", "4", "Tue 2026-03-03", "37.5%", "100%"),
        ("day", "candidate", "1.5", "4", "Tue 2026-03-03", "37.5%", "100%"),
        ("no shift", "present", "–", "0", "", "0%", "0%"),
        ("no shift", "candidate", "–", "0", "", "0%", "0%"),
    ] == [
        (row.shift, row.file, row.mean, row.most, row.most_on, row.bar, row.most_bar)
        for row in sections_of(past, ENGLISH).duties
    ]


def test_without_shifts_it_is_all_day() -> None:
    """Where none is configured nobody is missing one."""
    past = backtest([line([])], duties=[duty(calls=3)])

    assert ["all day"] == [row.shift for row in sections_of(past, ENGLISH).duties]


def test_only_what_fired_has_a_row() -> None:
    """With two files both rows stand, also where one of them is silent."""
    calm = queue("calm")
    past = backtest(
        [line([]), line([], subject=calm)],
        present=[line([episode(SINCE)]), line([], subject=calm)],
    )

    assert [("support", "present", 1, "10 min"), ("support", "candidate", 0, "–")] == [
        (row.subject, row.file, row.episodes, row.longest)
        for row in sections_of(past, ENGLISH).lines
    ]


def test_changes_are_capped() -> None:
    """The first few, and how many more there are."""
    gone = tuple(episode(SINCE + number * HOUR) for number in range(CHANGES_SHOWN + 2))
    difference = Difference(key=gone[0].key, kept=1, gone=gone, new=())
    past = backtest([line([])], present=[line(gone)], differences=[difference])

    (change,) = sections_of(past, ENGLISH).changes

    assert (CHANGES_SHOWN, 2, 0) == (len(change.gone_at), change.gone_more, change.new_more)
    assert "2026-03-02 00:00" == change.gone_at[0]
