"""What a measure must know of a subject, and who says whether that is known.

What a source tells of each contact it tells entirely. Of a queue known only as a whole
some things are never told, others for a while: a measure names the facts it needs, and is
absent while one of them is missing.
"""

from collections.abc import Sequence
from enum import IntFlag
from typing import Final, Protocol

from callmon.clock import Micros
from callmon.events import Outcome
from callmon.windows import Window

__all__ = [
    "ENDED",
    "LIVE",
    "NOTHING",
    "OFFERED",
    "OUTCOME_FACTS",
    "Account",
    "Fact",
    "Known",
    "knows",
    "next_known",
    "oldest",
    "talking",
    "waiting",
]


class Fact(IntFlag):
    """One thing that can be known, or not."""

    WAITING = 1  #: how many wait
    LONGEST = 2  #: since when the first of them waits
    OVER = 4  #: how many wait for longer than the target
    TALKING = 8
    ARRIVED = 16
    ANSWERED = 32  #: from here on one for each outcome, in their order
    ABANDONED = 64
    TIMEOUT = 128
    KEY_EXIT = 256
    EMPTY = 512
    FAILED = 1_024
    REDIRECTED = 2_048
    WITHDRAWN = 4_096
    LOST = 8_192
    SHORT = 16_384  #: which of the abandoned were short
    ANSWERED_WITHIN = 32_768
    ABANDONED_WITHIN = 65_536
    ANSWERED_WAIT = 131_072  #: how long the answered waited together
    TALK = 262_144  #: how long the talks were together
    EACH_WAIT = 524_288  #: how long each of the ended waited
    OTHERS = 1_048_576  #: rings not taken, callers refused


NOTHING: Final = Fact(0)

LIVE: Final = Fact.WAITING | Fact.LONGEST | Fact.OVER | Fact.TALKING
"""What holds now; the others are what has happened."""

OUTCOME_FACTS: Final = tuple(Fact(Fact.ANSWERED << outcome) for outcome in Outcome)
"""How many ended so, by outcome."""

OFFERED: Final = (
    Fact.ANSWERED | Fact.ABANDONED | Fact.TIMEOUT | Fact.KEY_EXIT | Fact.EMPTY | Fact.FAILED
)

ENDED: Final = OFFERED | Fact.REDIRECTED | Fact.WITHDRAWN | Fact.LOST


class Account(Protocol):
    """What is known of a queue as a whole, for the states that sum it up."""

    def waiting(self, now: Micros) -> int:
        """Return how many wait; 0 also where that is not known."""

    def oldest(self, now: Micros) -> Micros | None:
        """Return since when the first of them waits; None: nobody does, or not known."""

    def talking(self, now: Micros) -> int:
        """Return how many talk; 0 also where that is not known."""

    def knows(self, facts: Fact, window: "Window | None", now: Micros) -> bool:
        """Tell whether all of *facts* are known at *now*, of all of *window*."""

    def next_known(self, window: "Window", now: Micros) -> Micros | None:
        """Return when time alone may next make known what has happened in *window*."""

    def agents(self, now: Micros) -> tuple[int, ...] | None:
        """Return how many agents are in each state; None where that is not known now."""

    @property
    def tells_agents(self) -> bool:
        """Whether it has ever counted agents."""


class Known(Protocol):
    """A subject's state, as far as it is needed here."""

    @property
    def starts(self) -> Sequence[Micros]:
        """Since when each of those wait who are known one by one, ascending."""

    @property
    def accounts(self) -> tuple[Account, ...]:
        """What is known of its queues as a whole."""

    talking: int


def waiting(state: Known, now: Micros) -> int:
    """Return how many wait, as far as that is known."""
    number = len(state.starts)
    for account in state.accounts:
        number += account.waiting(now)
    return number


def oldest(state: Known, now: Micros) -> Micros | None:
    """Return since when the first of them waits; None: nobody does, or not known."""
    first = state.starts[0] if state.starts else None
    for account in state.accounts:
        start = account.oldest(now)
        if start is not None and (first is None or start < first):
            first = start
    return first


def talking(state: Known, now: Micros) -> int:
    """Return how many talk, as far as that is known."""
    number = state.talking
    for account in state.accounts:
        number += account.talking(now)
    return number


def knows(state: Known, facts: Fact, window: Window | None, now: Micros) -> bool:
    """Tell whether all of *facts* are known of *state* at *now*, of all of *window*."""
    return all(account.knows(facts, window, now) for account in state.accounts)


def next_known(state: Known, window: Window, now: Micros) -> Micros | None:
    """Return when time alone may next make known what has happened in *window*."""
    instants = (account.next_known(window, now) for account in state.accounts)
    return min((at for at in instants if at is not None), default=None)
