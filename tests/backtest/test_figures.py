"""Tests of how the figures of a backtest are written."""

import dataclasses
from fractions import Fraction

import pytest

from callmon.backtest.figures import (
    condition_text,
    events_text,
    rate_text,
    share_text,
    span_text,
)
from callmon.rules import Direction
from callmon.wording import Language
from tests.backtest.pasts import DAY, HOUR, SINCE, backtest, threshold


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "–"),
        (0, 5, "0 %"),
        (1, 1_000, "<1 %"),
        (61, 684, "9 %"),
        (999, 1_000, ">99 %"),
        (5, 5, "100 %"),
        (9, 5, "180 %"),
    ],
)
def test_shares_do_not_round_to_none_or_all(part: int, whole: int, text: str) -> None:
    """Of nothing there is no share; a few are not none, most are not all."""
    assert text == share_text(part, whole)


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (None, "–"),
        (Fraction(0), "0"),
        (Fraction(1, 28), "<0.1"),
        (Fraction(7, 3), "2.3"),
        (Fraction(3), "3"),
        (Fraction(327, 10), "33"),
    ],
)
def test_rates_have_a_decimal_where_they_are_small(rate: Fraction | None, text: str) -> None:
    """Rare is not never, and nobody needs the tenths of thirty-three."""
    assert text == rate_text(rate)


def test_spans_are_told_in_days_once_they_are_long() -> None:
    """Four weeks are 28 days, also where hours are missing; a day and a half is not 2."""
    whole = backtest([], since=SINCE, until=SINCE + 28 * DAY)
    office = backtest([], since=SINCE + 9 * HOUR, until=SINCE + 27 * DAY + 17 * HOUR)
    short = backtest([], since=SINCE, until=SINCE + DAY + 12 * HOUR)

    assert ("28 days", "28 天") == tuple(span_text(whole, each) for each in Language)
    assert "28 days" == span_text(office, Language.ENGLISH)
    assert "1 d 12 h" == span_text(short, Language.ENGLISH)


def test_a_condition_is_told_as_it_is_read() -> None:
    """Measure, window, side, limit and how long."""
    of = threshold(
        measure="service_level", window="30m", limit=Fraction(4, 5), direction=Direction.BELOW
    )

    assert "service level over 30 min below 80 % for 30 s" == condition_text(
        of, of.limits, Language.ENGLISH
    )
    assert "服务水平（30 分钟） 低于 80 % 持续 30 秒" == condition_text(
        of, of.limits, Language.CHINESE
    )


def test_what_was_read_of_before_is_told_apart() -> None:
    """Only where there was anything; one event is one."""
    whole = backtest([])
    part = dataclasses.replace(whole, lead=4_567)

    assert "28 days, 12,345 events" == events_text(whole, Language.ENGLISH)
    one = dataclasses.replace(whole, events=1)
    assert "28 days, 1 event" == events_text(one, Language.ENGLISH)
    assert (
        "28 days, 12,345 events; 4,567 more from before were read, to know how things stood"
        == events_text(part, Language.ENGLISH)
    )
    assert (
        "28 天，12,345 个事件；另读取此前的 4,567 个事件，用于还原起始时的状态"
        == events_text(part, Language.CHINESE)
    )
