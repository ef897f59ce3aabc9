"""The sentences of a scenario: every form there is, and what each of them means. Pure.

A sentence says when, and then what happens or what is expected. The forms below are the
whole grammar; ``docs/administrators/scenarios.md`` has an example of each.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from callmon.config.problems import MAX_LISTED, nearest
from callmon.events import Device, Outcome
from callmon.scenario.matching import (
    END_OF_SENTENCE,
    Form,
    Furthest,
    MissError,
    compiled,
    matched,
    words_of,
)
from callmon.scenario.slips import meant_by
from callmon.scenario.slots import MAX_CALLERS, RESERVED, SLOTS, SentenceError
from callmon.scenario.steps import (
    Action,
    AgentActs,
    AgentDoes,
    AlertTurns,
    Begins,
    Clause,
    Comparison,
    Expectation,
    FeedTurns,
    Joins,
    Leaves,
    Moment,
    NothingFires,
    NothingStands,
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

__all__ = ["FORMS", "place_of_time", "read_sentence"]

# ---- when ----------------------------------------------------------------------------


def _when(clause: Clause) -> Callable[[Mapping[str, Any]], When]:
    def build(taken: Mapping[str, Any]) -> When:
        day = taken.get("date")
        end = taken.get("end")
        return When(
            clause,
            Moment(taken["time"], day),
            None if end is None else Moment(end, day),
            taken.get("duration"),
        )

    return build


_HEADS: Final = (
    compiled("[on {date}] at {time}", _when(Clause.AT)),
    compiled("[on {date}] by|until {time}", _when(Clause.BY)),
    compiled("[on {date}] between {time} and {end}", _when(Clause.BETWEEN)),
    compiled("[on {date}] from {time} to {end}", _when(Clause.BETWEEN)),
    compiled("[on {date}] every {duration} from {time} to {end}", _when(Clause.EVERY)),
    compiled("[on {date}] every {duration} between {time} and {end}", _when(Clause.EVERY)),
)

# ---- what happens --------------------------------------------------------------------

_NAMED: Final = ("caller {who}", "callers {numbers}")
_ANY: Final = ("a|one caller", "{count} callers|caller")

_OUTCOMES: Final[Mapping[str, Outcome]] = {
    "is|are answered": Outcome.ANSWERED,
    "hangs|hang up": Outcome.ABANDONED,
    "times|time out": Outcome.TIMEOUT,
    "presses|press a key": Outcome.KEY_EXIT,
    "finds|find no agent": Outcome.EMPTY,
    "cannot be connected": Outcome.FAILED,
    "is|are redirected": Outcome.REDIRECTED,
    "is|are withdrawn": Outcome.WITHDRAWN,
}
_BY_AGENT: Final = " [by {agent}] [and talks|talk for {talk}]"


def _who(taken: Mapping[str, Any]) -> Who:
    for slot in ("who", "numbers", "count"):
        if slot in taken:
            who: Who = taken[slot]
            return who
    return Who(unnamed=1)


def _joins(outcome: Outcome | None) -> Callable[[Mapping[str, Any]], Joins]:
    def build(taken: Mapping[str, Any]) -> Joins:
        then = None
        if outcome is not None:
            agent, talk = taken.get("agent"), taken.get("talk")
            then = Then(after=taken["duration"], outcome=outcome, agent=agent, talk=talk)
        return Joins(who=_who(taken), queue=taken["queue"], then=then)

    return build


def _leaves(outcome: Outcome) -> Callable[[Mapping[str, Any]], Leaves]:
    def build(taken: Mapping[str, Any]) -> Leaves:
        others = {name: taken.get(name) for name in ("queue", "agent", "talk", "to")}
        return Leaves(who=_who(taken), outcome=outcome, **others)

    return build


def _refused(taken: Mapping[str, Any]) -> Refused:
    return Refused(who=_who(taken), queue=taken["queue"], reason=taken.get("refusal", "full"))


def _rings(taken: Mapping[str, Any]) -> Rings:
    queue, ring = taken.get("queue"), taken.get("ring")
    return Rings(who=_who(taken), agent=taken["agent"], queue=queue, ring=ring)


def _reports(taken: Mapping[str, Any]) -> Reports:
    return Reports(queue=taken["queue"], figures=taken["figures"])


def _stops_talking(taken: Mapping[str, Any]) -> StopsTalking:
    return StopsTalking(who=_who(taken), queue=taken.get("queue"))


def _agents(does: AgentDoes) -> Callable[[Mapping[str, Any]], AgentActs]:
    def build(taken: Mapping[str, Any]) -> AgentActs:
        reason = taken.get("reason")
        return AgentActs(
            agents=taken["agents"] if "agents" in taken else (taken["agent"],),
            does=does,
            queues=taken.get("queues", ()),
            reason="" if reason is None else reason.text,
            device=taken.get("device", Device.IDLE),
            wrapup=taken.get("duration", 0),
        )

    return build


def _call_forms() -> list[Form]:
    forms = []
    for who in (*_NAMED, *_ANY):
        join = f"{who} joins|join {{queue}}"
        forms.append(compiled(join, _joins(None)))
        # Who is counted, not named, is whoever has waited longest in that queue.
        gone = f"{who} in {{queue}}" if who in _ANY else who
        where = "" if who in _ANY else " [in {queue}]"
        for words, outcome in _OUTCOMES.items():
            tail = _BY_AGENT if outcome is Outcome.ANSWERED else ""
            forms.append(compiled(f"{gone} {words}{where}{tail}", _leaves(outcome)))
            forms.append(
                compiled(f"{join} and {words} after {{duration}}{tail}", _joins(outcome))
            )
        refused = f"{who} is|are refused by {{queue}} [because it is {{refusal}}]"
        forms.append(compiled(refused, _refused))
        moved = f"{gone} is|are moved to {{to}}"
        forms.append(compiled(moved, _leaves(Outcome.REDIRECTED)))
        forms.append(compiled(f"{gone} stops|stop talking{where}", _stops_talking))
    in_vain = "caller {who} rings [in {queue}] at {agent} [for {ring} in vain]"
    return [*forms, compiled(in_vain, _rings)]


def _agent_forms() -> list[Form]:
    return [
        compiled(f"{agent} {words}", _agents(does))
        for agent in ("agent {agent}", "agents {agents}")
        for words, does in (
            ("logs|log in to {queues}", AgentDoes.LOGS_IN),
            ("logs|log out [of {queues}]", AgentDoes.LOGS_OUT),
            ("pauses|pause [for {reason}]", AgentDoes.PAUSES),
            ("comes|come back", AgentDoes.COMES_BACK),
            ("is|are {device}", AgentDoes.TURNS),
            ("wraps|wrap up for {duration}", AgentDoes.WRAPS_UP),
        )
    ]


def _site_forms() -> list[Form]:
    return [
        compiled("feed {feed} goes blind", lambda t: FeedTurns(feed=t["feed"], up=False)),
        compiled("feed {feed} comes back", lambda t: FeedTurns(feed=t["feed"], up=True)),
        compiled("queue {queue} reports {figures}", _reports),
        compiled("source {source} restarts", lambda t: SourceRestarts(source=t["source"])),
        compiled("the day begins", lambda _: Begins()),
    ]


# ---- what is expected ----------------------------------------------------------------


def _turns(turn: Turn, *, never: bool = False) -> Callable[[Mapping[str, Any]], AlertTurns]:
    def build(taken: Mapping[str, Any]) -> AlertTurns:
        severity, ended = taken.get("severity"), taken.get("ended")
        return AlertTurns(
            of=taken["of"], turn=turn, severity=severity, ended=ended, never=never
        )

    return build


def _reads(comparison: Comparison | None) -> Callable[[Mapping[str, Any]], Reads]:
    def build(taken: Mapping[str, Any]) -> Reads:
        how = taken["comparison"] if comparison is None else comparison
        return Reads(of=taken["of"], comparison=how, value=taken.get("value"))

    return build


def _stands(taken: Mapping[str, Any]) -> Stands:
    return Stands(of=taken["of"], state=taken["state"], severity=taken.get("severity"))


def _expectation_forms() -> list[Form]:
    return [
        compiled("{of} fires [again] [{severity}]", _turns(Turn.FIRED)),
        compiled("{of} escalates to {severity}", _turns(Turn.ESCALATED)),
        compiled("{of} ends [{ended}]", _turns(Turn.ENDED)),
        compiled("{of} does not fire [again]", _turns(Turn.FIRED, never=True)),
        compiled("{of} does not escalate", _turns(Turn.ESCALATED, never=True)),
        compiled("{of} does not end", _turns(Turn.ENDED, never=True)),
        compiled("{of} is {state} [{severity}]", _stands),
        compiled("{of} is {value}", _reads(Comparison.IS)),
        compiled("{of} is {comparison} {value}", _reads(None)),
        compiled("{of} is at least {value}", _reads(Comparison.AT_LEAST)),
        compiled("{of} is at most {value}", _reads(Comparison.AT_MOST)),
        compiled("{of} is absent", _reads(Comparison.ABSENT)),
        compiled("nothing fires", lambda _: NothingFires(other=False)),
        compiled("nothing else fires", lambda _: NothingFires(other=True)),
        compiled("nothing is firing", lambda _: NothingStands()),
    ]


FORMS: Final = (*_call_forms(), *_agent_forms(), *_site_forms(), *_expectation_forms())
"""Everything that can follow the time."""

_STARTERS: Final = frozenset({"at", "between", "by", "every", "from", "on", "until"})


def read_sentence(sentence: str) -> tuple[When, Action | Expectation]:
    """Return when, and what happens or is expected.

    Raises:
        SentenceError: it is none of the forms, or its time does not go with the rest.
    """
    words = _time_first(words_of(sentence))
    furthest = Furthest()
    for head in _HEADS:
        found = matched(head, words, SLOTS, furthest, whole=False)
        if found is not None:
            when, behind = found
            break
    else:
        raise _error(sentence, words, furthest)
    rest = words[behind:]
    furthest = Furthest()
    for form in FORMS:
        found = matched(form, rest, SLOTS, furthest)
        if found is not None:
            _check(when, found[0], words[0])
            return when, found[0]
    raise _error(sentence, rest, furthest)


def place_of_time(sentence: str, moment: Moment) -> int:
    """Return where *moment* stands in *sentence*, counted from 0."""
    for index, word in enumerate(words := words_of(sentence)):
        with contextlib.suppress(MissError):
            if SLOTS["time"](words, index)[0] == moment.since_midnight:
                return word.at
    return 0


def _time_first(words: list[Word]) -> list[Word]:
    """Return *words* with a time that stands at the end put where it is looked for."""
    if words and words[0].text.lower() not in _STARTERS:
        for index in range(1, len(words)):
            if words[index].text.lower() in _STARTERS:
                tail = words[index:]
                if any(matched(head, tail, SLOTS, Furthest()) for head in _HEADS):
                    return tail + words[:index]
    return words


def _check(when: When, what: Action | Expectation, first: Word) -> None:
    """See that what is said goes with the way its time is said.

    Raises:
        SentenceError: it does not.
    """
    clause = when.clause
    if when.end is not None and when.end.since_midnight <= when.begin.since_midnight:
        raise SentenceError(first.at, "expected the later of both times last")
    if isinstance(what, Stands | NothingStands | Reads):
        if clause is not Clause.AT:
            raise SentenceError(first.at, "how something stands is of one instant: write at")
    elif isinstance(what, AlertTurns | NothingFires):
        if clause is Clause.EVERY:
            raise SentenceError(first.at, "expected at, by or between before what is expected")
    elif clause is Clause.BY:
        raise SentenceError(first.at, "what happens has its instant: write at")
    elif clause is Clause.EVERY:
        _check_every(when, what, first)
    elif clause is Clause.BETWEEN and not (
        isinstance(what, Joins | Leaves | Refused | StopsTalking) and what.who.number > 1
    ):
        message = "only several callers are spread over a time: write at for one instant"
        raise SentenceError(first.at, message)


def _check_every(when: When, what: Action | Expectation, first: Word) -> None:
    number = 1 if isinstance(what, Reports) else _unnamed(what)
    if not number:
        raise SentenceError(first.at, "only callers without names come or go every so often")
    if when.end is None or not when.every:
        raise SentenceError(first.at, "expected a duration above 0")
    length = when.end.since_midnight - when.begin.since_midnight
    if length // when.every * number >= MAX_CALLERS:
        things = "reports" if isinstance(what, Reports) else "callers"
        raise SentenceError(first.at, f"expected no more than {MAX_CALLERS} {things}")


def _unnamed(what: Action | Expectation) -> int:
    """Return how many callers without a name come or go each time; 0: no such."""
    return what.who.unnamed if isinstance(what, Joins | Leaves | Refused) else 0


def _error(sentence: str, words: Sequence[Word], furthest: Furthest) -> SentenceError:
    """Return what was expected at the furthest place any form got to."""
    index = max(furthest.index, 0)
    expected = [*furthest.slots, *(f"'{phrase}'" for phrase in furthest.phrases)]
    listed = ", ".join(expected[:MAX_LISTED]) + (" …" if len(expected) > MAX_LISTED else "")
    if index >= len(words):
        at = words[-1].at + len(words[-1].text) if words else len(sentence)
        return SentenceError(at, f"expected {listed}, found {END_OF_SENTENCE}")
    word = words[index]
    hint = meant_by(words, index, [*furthest.slots, *furthest.phrases])
    meant = None if hint else nearest(word.text, furthest.words)
    hint = hint if meant is None else f"; did you mean '{meant}'?"
    name = any(slot != END_OF_SENTENCE for slot in furthest.slots)
    if not hint and name and word.text.lower() in RESERVED:
        hint = "; a name like that stands in quotes"
    return SentenceError(word.at, f"expected {listed}, found '{word.text}'{hint}")
