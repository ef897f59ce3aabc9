"""Tests of what a backtest says in sentences."""

from callmon.backtest.outcome import Backtest, Difference
from callmon.backtest.verdict import extreme_texts, pages_text, times_text, verdict_texts
from callmon.clock import SECOND
from callmon.wording import Language
from tests.backtest.pasts import DAY, HOUR, MINUTE, SINCE, backtest, episode, line

ENGLISH, CHINESE = Language.ENGLISH, Language.CHINESE

OFTEN = [
    episode(SINCE + DAY, 30 * SECOND),
    episode(SINCE + DAY + 2 * MINUTE),
    *(episode(SINCE + number * DAY) for number in range(2, 28)),
]


def compared(before: int, after: int) -> Backtest:
    """Return a backtest of two files that fired so often."""
    many, few = OFTEN[:before], OFTEN[:after]
    difference = Difference(key=OFTEN[0].key, kept=after, gone=tuple(many[after:]), new=())
    return backtest([line(few)], present=[line(many)], differences=[difference])


def test_how_often_and_how_much_of_it_is_noise() -> None:
    """The first sentence is of pages, the second of noise."""
    assert [
        "In 28 days thresholds.yml would have paged somebody 28 times, 1 a day.",
        (
            "It fired 28 times; 1 (4 %) was over within a minute, 1 (4 %) fired again"
            " within five minutes of the end of the one before."
        ),
    ] == verdict_texts(backtest([line(OFTEN)]), ENGLISH)
    assert [
        "28 天内，thresholds.yml 会发出通知 28 次，平均每天 1 次。",
        "共触发 28 次：1 次（4 %）在一分钟内结束，1 次（4 %）在上一次结束后五分钟内再次触发。",
    ] == verdict_texts(backtest([line(OFTEN)]), CHINESE)


def test_nothing_is_told_as_nothing() -> None:
    """Nobody was paged: no share of nothing, no rate."""
    past = backtest([line([])])

    assert ["In 28 days thresholds.yml would have paged nobody."] == verdict_texts(
        past, ENGLISH
    )
    assert ["28 天内，thresholds.yml 不会发出任何通知。"] == verdict_texts(past, CHINESE)
    assert [] == list(extreme_texts(past, ENGLISH))


def test_without_noise_it_says_so() -> None:
    """Two kinds of noise that did not happen are one short sentence."""
    assert (
        "It fired once; none was over within a minute, none fired again within five."
        == verdict_texts(backtest([line(OFTEN[:1:-1][:1])]), ENGLISH)[1]
    )


def test_the_present_file_is_compared() -> None:
    """Less, more, as often; from nobody there is no share."""
    said = {
        (before, after): verdict_texts(compared(before, after), ENGLISH)[0].partition(". ")[2]
        for before, after in ((20, 5), (5, 20), (5, 5), (0, 5), (5, 0))
    }

    file = "With the present file, thresholds.yml, it is"
    assert {
        (20, 5): f"{file} 20 times, 0.7 a day: the new one pages 75 % less.",
        (5, 20): f"{file} 5 times, 0.2 a day: the new one pages 300 % more.",
        (5, 5): f"{file} 5 times, 0.2 a day: the new one pages as often.",
        (0, 5): "The present file, thresholds.yml, would not.",
        (5, 0): f"{file} 5 times, 0.2 a day: the new one pages 100 % less.",
    } == said


def test_two_files_that_fire_alike() -> None:
    """Where no episode differs it is said, also that nobody is paged by either."""
    same = backtest([line(OFTEN)], present=[line(OFTEN)])
    nobody = backtest([line([])], present=[line([])])

    assert verdict_texts(same, ENGLISH)[0].endswith("Nothing would have fired differently.")
    assert (
        "In 28 days candidate.yml would have paged nobody."
        " The present file, thresholds.yml, would not. Nothing would have fired differently."
    ) == verdict_texts(nobody, ENGLISH)[0]


def test_the_worst_day_is_of_more_than_one() -> None:
    """Of a single day it is not said that it was the worst."""
    short = backtest([line(OFTEN[:1])], since=SINCE + DAY, until=SINCE + DAY + 2 * HOUR)

    assert ["Noisiest: long_wait for support, 1 of 1 (100 %)."] == list(
        extreme_texts(short, ENGLISH)
    )
    assert "2 h" in verdict_texts(short, ENGLISH)[0]
    assert "a day" not in verdict_texts(short, ENGLISH)[0]


def test_one_is_one() -> None:
    """Once, not 1 times; many have their commas."""
    assert ["once", "2 times", "12,345 times"] == [
        times_text(count, ENGLISH) for count in (1, 2, 12_345)
    ]
    assert ["1 page", "0 pages"] == [pages_text(count, ENGLISH) for count in (1, 0)]
