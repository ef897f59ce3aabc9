"""What people write who have not read the documentation, and what they meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.config.meant import (
    choice_meant,
    count_meant,
    country_meant,
    dates_meant,
    days_meant,
    duration_meant,
    hours_meant,
    measure_meant,
    narrow,
    share_meant,
)
from callmon.config.values import duration, ratio
from callmon.measures import MEASURES


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("3 minutes", "3m"),
        ("3min", "3m"),
        ("3 m", "3m"),
        ("3M", "3m"),
        ("180 sec", "180s"),
        ("1 hour 30 minutes", "1h30m"),
        ("1 hour and 30 minutes", "1h30m"),
        ("1,5 hours", "1.5h"),
        ("3分钟", "3m"),
        ("2小时30分", "2h30m"),
        ("３ｍｉｎ", "3m"),
        ("12:30", "12m30s"),
        ("03:00", "3m"),
        ("1:00:00", "1h"),
        ("00:00", None),
        ("3m;", "3m"),
        (">3m", "3m"),
        ("0m0m", None),
        ("5 calls", None),
        ("three minutes", None),
        ("minutes 3", None),
        ("", None),
    ],
)
def test_durations_as_people_write_them(text: str, meant: str | None) -> None:
    """Units in words, in Chinese, in capitals; minutes and seconds as on a clock."""
    assert meant == duration_meant(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("20 percent", "20%"),
        ("20percent", "20%"),
        ("20％", "20%"),
        ("%20", "20%"),
        ("0,2", "0.2"),
        ("2,5%", "2.5%"),
        ("百分之20", "20%"),
        ("20", None),
        ("20 calls", None),
        ("", None),
    ],
)
def test_shares_as_people_write_them(text: str, meant: str | None) -> None:
    """A bare number stays ambiguous: it may be one of a hundred or one of one."""
    assert meant == share_meant(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("9-18", "09:00-18:00"),
        ("9am-6pm", "09:00-18:00"),
        ("9 am to 6:30 pm", "09:00-18:30"),
        ("12am-12pm", "00:00-12:00"),
        ("09.00-18.00", "09:00-18:00"),
        ("0900-1800", "09:00-18:00"),
        ("09：00—18：00", "09:00-18:00"),
        ("09:00~18:00", "09:00-18:00"),
        ("9至18", "09:00-18:00"),
        ("上午9点到下午6点半", "09:00-18:30"),
        ("9点整—18点30分", "09:00-18:30"),
        ("上午9:00至下午6:30", "09:00-18:30"),
        ("下午6点至晚上12点", "18:00-24:00"),
        ("下午6点至晚上12点半", "18:00-00:30"),
        ("18:00-25:00", "18:00-01:00"),
        ("9-99", None),
        ("09:00", None),
        ("business_hours", None),
    ],
)
def test_hours_as_people_write_them(text: str, meant: str | None) -> None:
    """Dots, dashes of any width, am and pm, in Chinese, hours after midnight."""
    assert meant == hours_meant(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Monday-Friday", "mon-fri"),
        ("mon..fri", "mon-fri"),
        ("Mon to Fri", "mon-fri"),
        ("weekdays", "mon-fri"),
        ("1-5", "mon-fri"),
        ("周一至周五", "mon-fri"),
        ("星期六、星期日", "sat,sun"),
        ("Sat & Sun", "sat,sun"),
        ("每天", "mon-sun"),
        ("holidays", None),
    ],
)
def test_days_as_people_write_them(text: str, meant: str | None) -> None:
    """In full, in Chinese, by number."""
    assert meant == days_meant(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("SLA", "service_level"),
        ("queue length", "waiting"),
        ("放弃率", "abandonment_rate"),
        ("等待人数", "waiting"),
    ],
)
def test_measures_by_the_names_of_others(text: str, meant: str) -> None:
    """As other systems and Chinese reports call them."""
    assert meant == measure_meant(text)
    assert meant in MEASURES
    assert measure_meant("x") is None


@pytest.mark.parametrize(
    ("text", "meant"),
    [("20 calls", "20"), ("5个", "5"), (">5", "5"), ("5", None), ("20%", None)],
)
def test_counts_as_people_write_them(text: str, meant: str | None) -> None:
    """A number with what is counted behind it."""
    assert meant == count_meant(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-10 - 2026-11-12", "2026-11-10..2026-11-12"),
        ("2026/1/5", "2026-01-05"),
        ("2026年11月11日", "2026-11-11"),
        ("11/11/2026", None),
        ("2026-02-30", None),
        ("2026-11-10, 2026-11-12", None),
    ],
)
def test_dates_as_people_write_them(text: str, meant: str | None) -> None:
    """Year first; which of two others is the month nobody can know."""
    assert meant == dates_meant(text)


@pytest.mark.parametrize(("text", "meant"), [("China", "CN"), ("中国", "CN"), ("XX", None)])
def test_countries_by_their_names(text: str, meant: str | None) -> None:
    """Of those whose public holidays people ask for."""
    assert meant == country_meant(text)


@pytest.mark.parametrize(
    ("text", "meant"), [("严重", "critical"), ("High", "critical"), ("odd", None)]
)
def test_severities_by_the_names_of_others(text: str, meant: str | None) -> None:
    """As ticket systems and Chinese reports call them."""
    assert meant == choice_meant(text)


def test_wide_punctuation_has_a_narrow_form() -> None:
    """What a Chinese input method types for brackets, quotes, commas and blanks."""
    assert "[\"vip\",'a'] - 20%;" == narrow("【“vip”，‘a’］　— ２０％；")


@given(st.text("3509m s:,.分%至-", max_size=8))
def test_what_is_proposed_can_be_written(text: str) -> None:
    """A proposal that is refused in its turn would lead nowhere."""
    length, share = duration_meant(text), share_meant(text)

    assert length is None or duration(length) >= 0
    if share is not None and float(share.rstrip("%")) <= 100:
        assert 0 <= ratio(share) <= 1
