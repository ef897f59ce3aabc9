"""The likely cause of an alert, in words."""

from datetime import UTC
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.baseline import Usual
from callmon.causes import Gap, Present, cause_of, cause_text
from callmon.clock import SECOND
from callmon.wording import Language

MINUTE = 60 * SECOND
START = 1_795_314_725 * SECOND  # 02:32:05 UTC
USUAL = Usual(arrived=Fraction(35), staffed=Fraction(11), talk=Fraction(242 * SECOND))
GAP = Gap(feed="pbx_log", since=START, until=START + 4 * MINUTE)
NORMAL = Present(arrived=35, staffed=11, talk=Fraction(242 * SECOND))


def said(present: Present, usual: Usual = USUAL, language: Language = Language.ENGLISH) -> str:
    """Return the cause in words; nothing where there is none."""
    cause = cause_of(present, usual)
    return "" if cause is None else cause_text(cause, UTC, language)


@pytest.mark.parametrize(
    ("present", "english", "chinese"),
    [
        (
            Present(arrived=36, staffed=6),
            "staff 6 of usual 11; calls as usual",
            "在岗坐席 6 人，平时 11 人；来电如常",
        ),
        (
            Present(arrived=62, staffed=11, talk=Fraction(370 * SECOND)),
            (
                "calls 62 instead of the usual 35; calls last 6 min 10 s instead of 4 min 2 s;"
                " staff as usual"
            ),
            "来电 62 个，平时 35 个；平均通话 6 分 10 秒，平时 4 分 2 秒；坐席如常",
        ),
        (NORMAL, "calls, staff and talk time as usual", "来电、坐席和通话时长如常"),
        (Present(staffed=14), "staff 14 instead of the usual 11", "在岗坐席 14 人，平时 11 人"),
        (Present(arrived=35), "calls as usual", "来电如常"),
        (
            Present(arrived=3, staffed=11, gap=GAP),
            "feed pbx_log saw nothing from 02:32 to 02:36; staff as usual",
            "数据源 pbx_log 在 02:32 至 02:36 无数据；坐席如常",
        ),
        (Present(), "", ""),
    ],
)
def test_what_is_unusual_is_said_first(present: Present, english: str, chinese: str) -> None:
    """What is not known is left out; nobody was seen to come while a feed was blind."""
    assert english == said(present)
    assert chinese == said(present, language=Language.CHINESE)


@pytest.mark.parametrize(
    ("usual", "unusual"),
    [
        (Present(arrived=45), Present(arrived=46)),  # 1.3 times 35 is 45.5
        (Present(arrived=25), Present(arrived=24)),  # 0.7 times is 24.5
        (Present(staffed=9), Present(staffed=8)),  # 0.8 times 11 is 8.8
        (Present(staffed=13), Present(staffed=14)),  # 1.25 times is 13.75
        (Present(talk=Fraction(302 * SECOND)), Present(talk=Fraction(303 * SECOND))),
        (Present(talk=Fraction(182 * SECOND)), Present(talk=Fraction(181 * SECOND))),
    ],
)
def test_from_a_bound_on_a_figure_is_unusual(usual: Present, unusual: Present) -> None:
    """Just within it is not."""
    assert said(usual).endswith("as usual")
    assert "as usual" not in said(unusual)


@pytest.mark.parametrize(
    ("present", "usual", "unusual"),
    [
        (Present(arrived=13), Usual(arrived=Fraction(10)), False),  # by fewer than 5
        (Present(arrived=65), Usual(arrived=Fraction(50)), True),  # exactly 1.3 times
        (Present(arrived=35), Usual(arrived=Fraction(50)), True),  # exactly 0.7 times
        (Present(arrived=5), Usual(arrived=Fraction(0)), True),
        (Present(arrived=4), Usual(arrived=Fraction(0)), False),
        (Present(arrived=5), Usual(arrived=Fraction(10)), True),
        (Present(staffed=8), Usual(staffed=Fraction(10)), True),  # exactly 0.8 times
        (Present(staffed=5), Usual(staffed=Fraction(4)), True),  # exactly 1.25 times, by 1
        (Present(staffed=1), Usual(staffed=Fraction(3, 2)), False),  # by less than 1
        (Present(staffed=0), Usual(staffed=Fraction(0)), False),
        (Present(talk=Fraction(5)), Usual(talk=Fraction(4)), True),
        (Present(talk=Fraction(3)), Usual(talk=Fraction(4)), True),
    ],
)
def test_a_difference_has_to_be_worth_a_word(
    present: Present, usual: Usual, unusual: bool
) -> None:
    """Of calls five at least, of agents one."""
    assert unusual is ("as usual" not in said(present, usual))


def test_times_are_those_of_the_clock_on_the_wall() -> None:
    """To the second where the minute is the same."""
    short = Gap(feed="pbx", since=START, until=START + 20 * SECOND)
    cause = cause_of(Present(gap=short), Usual())

    assert cause is not None
    assert "feed pbx saw nothing from 10:32:05 to 10:32:25" == cause_text(
        cause, ZoneInfo("Asia/Shanghai")
    )


figures = st.none() | st.integers(0, 12)
fractions = st.none() | st.fractions(0, 12, max_denominator=3)
presents = st.builds(
    Present,
    arrived=figures,
    staffed=figures,
    talk=fractions,
    gap=st.sampled_from([None, GAP]),
)


@given(presents, st.builds(Usual, arrived=fractions, staffed=fractions, talk=fractions))
def test_each_known_figure_is_named_once_and_no_other(present: Present, usual: Usual) -> None:
    """In either language."""
    known = {
        "calls": None not in (present.arrived, usual.arrived) and present.gap is None,
        "staff": None not in (present.staffed, usual.staffed),
        "talk": None not in (present.talk, usual.talk),
    }

    texts = {language: said(present, usual, language) for language in Language}

    english, chinese = texts[Language.ENGLISH], texts[Language.CHINESE]
    assert known["staff"] == english.count("staff") == chinese.count("坐席")
    assert known["talk"] == english.count("talk time") + english.count("calls last")
    assert known["talk"] == chinese.count("通话")
    assert known["calls"] == english.replace("calls last", "").count("calls")
    assert known["calls"] == chinese.count("来电")
    assert (present.gap is not None) == ("saw nothing" in english) == ("无数据" in chinese)
