"""Tests of the grammar: every form, and what is said of sentences that are none."""

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.alerts import Ended
from callmon.clock import SECOND
from callmon.events import Device, Outcome
from callmon.rules import Severity
from callmon.scenario.sentences import FORMS, read_sentence
from callmon.scenario.slots import SentenceError
from callmon.scenario.steps import (
    AgentActs,
    AgentDoes,
    AlertTurns,
    Begins,
    Clause,
    Comparison,
    FeedTurns,
    Figures,
    Joins,
    Leaves,
    Moment,
    NothingFires,
    NothingStands,
    Of,
    Reads,
    Refused,
    Reports,
    Rings,
    SourceRestarts,
    Stands,
    StopsTalking,
    Then,
    Turn,
    When,
    Who,
    Word,
)
from callmon.thresholds import State
from tests.docs_blocks import ROOT

TEN = Moment(36_000 * SECOND)
HALF_PAST = Moment(37_800 * SECOND)


def caller(name: str = "7", at: int = 16) -> Who:
    """Return the one caller of a sentence that begins with ``at 10:00``."""
    return Who((Word(name, at),))


OF = Of(Word("long_wait", 9), Word("support", 19))
WAITING = Of(Word("waiting", 9), Word("support", 17))

MEANINGS = {
    "caller 7 joins support": Joins(who=caller(), queue=Word("support", 24)),
    "caller 7 joins support and hangs up after 10s": Joins(
        who=caller(),
        queue=Word("support", 24),
        then=Then(after=10 * SECOND, outcome=Outcome.ABANDONED),
    ),
    "3 callers join support and are answered after 5s by Ann and talk for 1m": Joins(
        who=Who(unnamed=3),
        queue=Word("support", 24),
        then=Then(
            after=5 * SECOND, outcome=Outcome.ANSWERED, agent=Word("Ann", 61), talk=60 * SECOND
        ),
    ),
    "a caller joins 'sales north'": Joins(who=Who(unnamed=1), queue=Word("sales north", 24)),
    "callers 1 to 3 join support": Joins(
        who=Who((Word("1", 17), Word("2", 17), Word("3", 17))), queue=Word("support", 29)
    ),
    "caller 7 is answered": Leaves(who=caller(), outcome=Outcome.ANSWERED),
    "caller 7 is answered in support by Ann and talks for 5s": Leaves(
        who=caller(),
        outcome=Outcome.ANSWERED,
        queue=Word("support", 33),
        agent=Word("Ann", 44),
        talk=5 * SECOND,
    ),
    "caller 7 hangs up": Leaves(who=caller(), outcome=Outcome.ABANDONED),
    "caller 7 times out": Leaves(who=caller(), outcome=Outcome.TIMEOUT),
    "caller 7 presses a key": Leaves(who=caller(), outcome=Outcome.KEY_EXIT),
    "caller 7 finds no agent": Leaves(who=caller(), outcome=Outcome.EMPTY),
    "caller 7 cannot be connected": Leaves(who=caller(), outcome=Outcome.FAILED),
    "caller 7 is redirected": Leaves(who=caller(), outcome=Outcome.REDIRECTED),
    "caller 7 is withdrawn": Leaves(who=caller(), outcome=Outcome.WITHDRAWN),
    "caller 7 is moved to billing": Leaves(
        who=caller(), outcome=Outcome.REDIRECTED, to=Word("billing", 30)
    ),
    "5 callers in support hang up": Leaves(
        who=Who(unnamed=5), outcome=Outcome.ABANDONED, queue=Word("support", 22)
    ),
    "caller 7 stops talking": StopsTalking(who=caller()),
    "agent Ann logs in to support, billing": AgentActs(
        agents=(Word("Ann", 15),),
        does=AgentDoes.LOGS_IN,
        queues=(Word("support", 30), Word("billing", 39)),
    ),
    "agent Ann logs in to 客服、销售": AgentActs(
        agents=(Word("Ann", 15),),
        does=AgentDoes.LOGS_IN,
        queues=(Word("客服", 30), Word("销售", 33)),
    ),
    "agents 1 to 2 log out": AgentActs(
        agents=(Word("1", 16), Word("2", 16)), does=AgentDoes.LOGS_OUT
    ),
    "agent Ann pauses for lunch": AgentActs(
        agents=(Word("Ann", 15),), does=AgentDoes.PAUSES, reason="lunch"
    ),
    "agent Ann comes back": AgentActs(agents=(Word("Ann", 15),), does=AgentDoes.COMES_BACK),
    "agent Ann is busy": AgentActs(
        agents=(Word("Ann", 15),), does=AgentDoes.TURNS, device=Device.BUSY
    ),
    "agent Ann wraps up for 30s": AgentActs(
        agents=(Word("Ann", 15),), does=AgentDoes.WRAPS_UP, wrapup=30 * SECOND
    ),
    "3 callers are refused by support": Refused(
        who=Who(unnamed=3), queue=Word("support", 34), reason="full"
    ),
    "caller 7 is refused by support because it is empty": Refused(
        who=caller(), queue=Word("support", 32), reason="join_empty"
    ),
    "caller 7 rings at Ann": Rings(who=caller(), agent=Word("Ann", 27)),
    "caller 7 rings in support at Ann for 15s in vain": Rings(
        who=caller(), agent=Word("Ann", 38), queue=Word("support", 27), ring=15 * SECOND
    ),
    "queue support reports 3 waiting, longest wait 45s and 2 free": Reports(
        queue=Word("support", 15),
        figures=Figures({"waiting": 3, "longest_wait": 45 * SECOND, "available": 2}),
    ),
    "queue support reports 9 answered, talk 1h, no others": Reports(
        queue=Word("support", 15),
        figures=Figures(
            {
                "answered": 9,
                "abandoned": 0,
                "timeout": 0,
                "key_exit": 0,
                "empty": 0,
                "failed": 0,
                "short_abandoned": 0,
                "talk": 3_600 * SECOND,
            }
        ),
    ),
    "queue support reports nobody waiting, longest wait unknown, and agents unknown": Reports(
        queue=Word("support", 15), figures=Figures({"waiting": 0}, ("longest_wait", "agents"))
    ),
    "feed pbx goes blind": FeedTurns(feed=Word("pbx", 14), up=False),
    "feed pbx comes back": FeedTurns(feed=Word("pbx", 14), up=True),
    "source pbx restarts": SourceRestarts(source=Word("pbx", 16)),
    "the day begins": Begins(),
    "long_wait(support) fires": AlertTurns(of=OF, turn=Turn.FIRED),
    "long_wait(support) fires again warning": AlertTurns(
        of=OF, turn=Turn.FIRED, severity=Severity.WARNING
    ),
    "long_wait(support) escalates to critical": AlertTurns(
        of=OF, turn=Turn.ESCALATED, severity=Severity.CRITICAL
    ),
    "long_wait(support) ends recovered": AlertTurns(
        of=OF, turn=Turn.ENDED, ended=Ended.RECOVERED
    ),
    "long_wait(support) does not fire": AlertTurns(of=OF, turn=Turn.FIRED, never=True),
    "long_wait(support) does not escalate": AlertTurns(of=OF, turn=Turn.ESCALATED, never=True),
    "long_wait(support) does not end": AlertTurns(of=OF, turn=Turn.ENDED, never=True),
    "nothing fires": NothingFires(other=False),
    "nothing else fires": NothingFires(other=True),
    "nothing is firing": NothingStands(),
    "long_wait(support) is pending": Stands(of=OF, state=State.PENDING),
    "long_wait(support) is firing critical": Stands(
        of=OF, state=State.FIRING, severity=Severity.CRITICAL
    ),
    "waiting(support) is 3": Reads(of=WAITING, comparison=Comparison.IS, value=Word("3", 29)),
    "waiting(support) is above 3": Reads(
        of=WAITING, comparison=Comparison.ABOVE, value=Word("3", 35)
    ),
    "waiting(support) is at least 3": Reads(
        of=WAITING, comparison=Comparison.AT_LEAST, value=Word("3", 38)
    ),
    "waiting(support) is at most 3": Reads(
        of=WAITING, comparison=Comparison.AT_MOST, value=Word("3", 37)
    ),
    "waiting(support) is absent": Reads(of=WAITING, comparison=Comparison.ABSENT),
    "answer_rate（group all_lines，15m）is about 33.3 %": Reads(
        of=Of(Word("answer_rate", 9), Word("all_lines", 27), "group", Word("15m", 37)),
        comparison=Comparison.ABOUT,
        value=Word("33.3%", 50),
    ),
}


@pytest.mark.parametrize("sentence", MEANINGS)
def test_each_form_means_what_it_says(sentence: str) -> None:
    """A sentence comes to one value, with the place of each name."""
    when, what = read_sentence(f"at 10:00 {sentence}")

    assert (When(Clause.AT, TEN), MEANINGS[sentence]) == (when, what)


@pytest.mark.parametrize(
    ("time", "when"),
    [
        ("at 9:30", When(Clause.AT, Moment(34_200 * SECOND))),
        ("at 10:00:00.5", When(Clause.AT, Moment(36_000 * SECOND + SECOND // 2))),
        ("at 24:00", When(Clause.AT, Moment(86_400 * SECOND))),
        ("on 2026-11-24 at 10:00", When(Clause.AT, TEN._replace(day=dt.date(2026, 11, 24)))),
        ("by 10:00", When(Clause.BY, TEN)),
        ("until 10:00", When(Clause.BY, TEN)),
        ("between 10:00 and 10:30", When(Clause.BETWEEN, TEN, HALF_PAST)),
        ("from 10:00 to 10:30", When(Clause.BETWEEN, TEN, HALF_PAST)),
    ],
)
def test_times_stand_before_or_behind(time: str, when: When) -> None:
    """At 10:00 nothing fires; nothing fires at 10:00."""
    if when.clause is Clause.AT:
        assert when == read_sentence(f"{time} nothing is firing")[0]
    assert when == read_sentence(f"{time} nothing fires")[0]
    assert when == read_sentence(f"nothing fires {time}")[0]


def test_callers_come_every_so_often() -> None:
    """Every 30 seconds somebody joins."""
    when, what = read_sentence("every 30s from 10:00 to 10:30 a caller joins support")

    assert When(Clause.EVERY, TEN, HALF_PAST, 30 * SECOND) == when
    assert isinstance(what, Joins)


WRONG = {
    "": (0, "expected 'on', 'at', 'by', 'between', 'from', 'every'"),
    "caller 7 joins support": (0, "'every', found 'caller'"),
    "at 1000 nothing fires": (3, "expected a time such as 10:03 or 10:03:30, found '1000'"),
    "at 10:60 nothing fires": (3, "expected a time such as 10:03 or 10:03:30, found '10:60'"),
    "on 2026-13-01 at 10:00 nothing fires": (3, "expected a day such as 2026-11-23"),
    "at 10:00": (8, "found the end of the sentence"),
    "at 10:00 caler 7 joins support": (9, "found 'caler'; did you mean 'caller'?"),
    "at 10:00 caller 7 jions support": (18, "found 'jions'; did you mean 'joins'?"),
    "at 10:00 caller joins support": (
        16,
        "expected the caller's name, found 'joins'; a name like that stands in quotes",
    ),
    "at 10:00 caller 7 joins": (23, "expected a queue, found the end of the sentence"),
    "at 10:00 caller 7 joins support soon": (32, "expected the end of the sentence"),
    "at 10:00 caller 7 hangs": (23, "expected 'up', found the end of the sentence"),
    "at 10:00 caller 7 joins support and hangs up after 5": (
        51,
        "expected a duration such as 30s or 5m, found '5'; write 5s for seconds or 5m",
    ),
    "at 10:00 callers 3 to 1 join support": (22, "expected a higher number, found '1'"),
    "at 10:00 0 callers join support": (9, "expected a number of callers"),
    "at 10:00 10001 callers join support": (9, "callers from 1 to 10000"),
    "at 10:00 long_wait fires": (9, "a threshold or measure such as long_wait(support)"),
    "at 10:00 long_wait fires info": (9, "write for which queue: long_wait(support)"),
    "at 10am nothing fires": (3, "did you mean '10:00'?"),
    "at 25:30:10 nothing fires": (3, "write the next date: on DATE at 01:30:10"),
    "at 10：00 nothing fires": (3, "did you mean '10:00'?"),
    "at 10:00 caller 7 enters support": (18, "did you mean 'joins'?"),
    "at 10:00 caller 7 abandons": (18, "did you mean 'hangs up'?"),
    "at 10:00 customer 7 joins support": (9, "did you mean 'caller'?"),
    "at 10:00 来电 7 进入 support": (9, "did you mean 'caller'?"),
    "at 10:00 caller 7 joins queue support": (30, "write the name of the queue alone"),
    "at 10:00 caller 7 joins support and hangs up after 5 minutes": (51, "mean '5m'?"),
    "at 10:00 long_wait(support) ends resolved": (33, "did you mean 'recovered'?"),
    "at 10:00 long_wait(support fires": (27, "expected ')', ',', found 'fires'"),
    "at 10:00 long_wait(support) fries": (28, "found 'fries'; did you mean 'fires'?"),
    "at 10:00 long_wait(support) fires warnign": (34, "did you mean 'warning'?"),
    "at 10:00 waiting(support) is many": (29, "expected a value such as 3, 45s or 20%"),
    "at 10:00 caller 7 refused by support": (18, "did you mean 'is refused by'?"),
    "at 10:00 caller 7 is refused by support because it is closed": (54, "'full', 'empty'"),
    "at 10:00 caller 7 rings Ann": (24, "expected 'in', 'at', found 'Ann'"),
    "at 10:00 caller 7 振铃 at Ann": (18, "did you mean 'rings'?"),
    "at 10:00 support reports 3 waiting": (9, "write: queue support reports"),
    "at 10:00 the queue support reports 3 waiting": (13, "leave out 'the'"),
    "at 10:00 queue support tells 3 waiting": (23, "did you mean 'reports'?"),
    "at 10:00 queue support reports many": (31, "expected a figure such as 3 waiting"),
    "at 10:00 queue support reports 3 wiating": (33, "did you mean 'waiting'?"),
    "at 10:00 queue support reports 3 queued": (33, "did you mean 'waiting'?"),
    "at 10:00 queue support reports longest 45s": (31, "did you mean 'longest wait'?"),
    "at 10:00 queue support reports longest wait 45": (44, "write 45s for seconds"),
    "at 10:00 queue support reports 3 waiting 4 talking": (
        41,
        "',', 'and', found '4'",
    ),
    "at 10:00 queue support reports 3 waiting, 4 waiting": (
        42,
        "expected a figure other than waiting, which is told already",
    ),
    "at 10:00 queue support reports 1000000000 waiting": (31, "a number of up to 100000"),
    "at 10:00 queue support reports 2 waiting, 100001 answered": (42, "up to 100000"),
    "at 10:00 queue support reports 5001 free": (31, "expected a number of up to 5000"),
    "at 10:00 queue support reports 3000 free and 2001 busy": (45, "up to 5000 agents in all"),
    "at 10:00 queue support reports agents unknown, 3 free": (47, "either counted or unknown"),
    "at 10:00 queue support reports talk 366d": (36, "expected a duration of up to 365d"),
    "at 10:00 queue support reports waiting 3": (39, "found '3'; write: 3 waiting"),
    "at 10:00 queue support reports waiting unknwon": (39, "did you mean 'unknown'?"),
    "at 10:00 queue support reports no other": (34, "found 'other'; did you mean 'others'?"),
    "at 10:00 queue support reports ３ waiting": (31, "did you mean '3'?"),
    "at 10:00 queue support reports 3 in queue": (33, "did you mean 'waiting'?"),
    "at 10:00 三 callers are refused by support": (9, "did you mean '3'?"),
    "at 10:00 3 callers are rejected by support": (23, "did you mean 'refused by'?"),
    "at 10:00 3 callers are refused from support": (31, "did you mean 'by'?"),
    "at 10:00 3 callers ring at Ann": (19, "one caller in a sentence: caller 7 rings at Ann"),
    "at 10:00 agent Ann is 空闲": (22, "did you mean 'free'?"),
    "at 10:00 feed pbx goes down": (23, "did you mean 'blind'?"),
    "at 10:00 long_wait(support) fires 严重": (34, "did you mean 'critical'?"),
    "at 10:00 long_wait(support) ends 已恢复": (33, "did you mean 'recovered'?"),
    "on 2026年11月24日 at 10:00 nothing fires": (3, "did you mean '2026-11-24'?"),
    "在 10:00 nothing fires": (0, "did you mean 'at'?"),
    "at 10:00 caller 7 rings on Ann": (24, "did you mean 'at'?"),
    "between 10:00 and 10:10 queue support reports 3 waiting": (0, "write at for one instant"),
    "every 1s from 00:00 to 24:00 queue support reports 3 waiting": (0, "10000 reports"),
    "by 10:00 caller 7 joins support": (0, "what happens has its instant: write at"),
    "by 10:00 waiting(support) is 3": (0, "how something stands is of one instant: write at"),
    "every 5s from 10:00 to 10:01 nothing fires": (0, "expected at, by or between"),
    "between 10:00 and 10:10 caller 7 joins support": (0, "only several callers are spread"),
    "between 10:10 and 10:00 nothing fires": (0, "expected the later of both times last"),
    "every 0s from 10:00 to 10:10 a caller joins support": (0, "expected a duration above 0"),
    "every 1s from 00:00 to 24:00 a caller joins support": (0, "no more than 10000 callers"),
    "every 5s from 10:00 to 10:10 caller 7 joins support": (0, "only callers without names"),
}


@pytest.mark.parametrize("sentence", WRONG)
def test_what_is_no_sentence_is_said_where_and_why(sentence: str) -> None:
    """The place is that of the first word that does not fit, the message has the cure."""
    at, message = WRONG[sentence]

    with pytest.raises(SentenceError) as raised:
        read_sentence(sentence)

    assert (at, True) == (raised.value.at, message in str(raised.value)), str(raised.value)


WORDS = [
    *sorted({word for form in FORMS for word in form.literals}),
    *("at", "by", "10:00", "24:00", "99:99", "7", "5s", "(", ")", ",", "support", "3%", "'"),
]


@given(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join) | st.text(max_size=30))
def test_anything_at_all_is_read_or_refused(sentence: str) -> None:
    """No text is met with anything but a meaning or a SentenceError inside the text."""
    refused: SentenceError | None = None
    try:
        read_sentence(sentence)
    except SentenceError as error:
        refused = error

    assert refused is None or 0 <= refused.at <= len(sentence)


def rows_of(heading: str) -> list[str]:
    """Return the first words in code of each row of the tables under *heading* of the page."""
    page = (ROOT / "docs/administrators/scenarios.md").read_text()
    part = page.split(f"# {heading}\n")[1].split("\n#")[0]
    return re.findall(r"^\| `([^`]+)`", part, re.MULTILINE)


def test_the_page_has_sentences_that_are_read() -> None:
    """What happens, what is reported, what is expected: nobody copies a mistake."""
    said = [each.replace("…", "caller 7", 1) for each in rows_of("What happens")]
    measure = "answer_rate(support, 15m)"
    said += [each.replace("…", measure, 1) for each in rows_of("What is expected")]
    reported = rows_of("Queues known by reports")
    said += [f"queue orders reports {figures}" for figures in reported]

    for sentence in said:
        read_sentence(f"at 10:00 {sentence}")
    assert len(said) > 30
