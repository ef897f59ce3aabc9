"""What is found out about the account in manager.conf."""

import pytest

from callmon.clock import SECOND
from callmon.decode.ami import Message
from callmon.feeds import ami_account
from callmon.feeds.ami_account import AccountCheck

LATER = 60 * SECOND


@pytest.fixture(name="account")
def _account() -> AccountCheck:
    account = AccountCheck(0, "list")
    account.take({"Event": "FullyBooted"}, 0)
    return account


def take(account: AccountCheck, *events: str, start: int = 0, **fields: str) -> None:
    """Let *events* of one caller each come in."""
    for number, event in enumerate(events, start):
        own = {"Event": event, "Uniqueid": f"1.{number}", "Timestamp": "1700000000.5"}
        account.take({**own, **fields}, LATER)


def entry(number: int) -> Message:
    """Return who has waited for half a minute."""
    return {"Event": "QueueEntry", "Uniqueid": f"2.{number}", "Wait": "30"}


def found(account: AccountCheck) -> list[str]:
    """Return what has become clear by now."""
    return list(account.findings)


def test_an_account_that_sees_everything_is_not_complained_of(account: AccountCheck) -> None:
    """The usual events of some calls raise no doubt."""
    for number in range(9):
        take(account, "QueueCallerJoin", "HangupRequest", start=number)
        take(account, "QueueCallerAbandon", start=number + 1)
        take(account, "AgentComplete", "Hangup", start=number)
    account.look(LATER)

    assert [] == found(account)


def test_no_word_of_the_boot_means_no_class_system() -> None:
    """It follows the login at once; while an Asterisk boots it comes later."""
    account = AccountCheck(0, "list")

    account.look(4 * SECOND)
    assert [] == found(account)
    account.look(5 * SECOND)
    assert [ami_account.SYSTEM] == found(account)
    take(account, "FullyBooted")
    account.look(6 * SECOND)
    assert [] == found(account)


@pytest.mark.parametrize("end", ["QueueCallerAbandon", "AgentComplete"])
def test_calls_that_end_without_a_hangup_mean_no_class_call(
    account: AccountCheck, end: str
) -> None:
    """A few may end unseen; five are no accident."""
    take(account, "VarSet", *[end] * 4)
    assert [] == found(account)

    take(account, end)

    assert [ami_account.CALL] == found(account)


def test_ends_that_nothing_explains_mean_no_class_dialplan(account: AccountCheck) -> None:
    """Abandons without a hang-up have their reason in a VarSet, if we are given them."""
    take(account, "Hangup", *["QueueCallerAbandon"] * 19)
    assert [] == found(account)
    take(account, "QueueCallerAbandon")
    assert [ami_account.DIALPLAN] == found(account)

    take(account, "VarSet")

    assert [] == found(account)


@pytest.mark.parametrize("request_of", ["HangupRequest", "SoftHangupRequest"])
def test_callers_who_hang_up_need_no_other_reason(
    account: AccountCheck, request_of: str
) -> None:
    """A queue where everybody hangs up, or is hung up, says nothing about class dialplan."""
    for number in range(30):
        take(account, request_of, start=number)
        take(account, "QueueCallerAbandon", start=number)

    assert ami_account.DIALPLAN not in found(account)


def test_events_without_time_stamps_are_named(account: AccountCheck) -> None:
    """Without their own time they are as late as the line is slow, and nobody can tell."""
    account.take({"Event": "QueueCallerJoin", "Uniqueid": "1.1"}, LATER)

    assert [ami_account.STAMPS] == found(account)


@pytest.mark.parametrize(("wait", "shown"), [("54", True), ("55", False), ("x", False)])
def test_a_caller_who_came_without_a_word_means_no_queue_events(
    account: AccountCheck, wait: str, shown: bool
) -> None:
    """Who waits for less time than we listen must have joined before our eyes."""
    take(account, "QueueEntry", Wait=wait)

    assert ([ami_account.AGENT] if shown else []) == found(account)


def test_with_joins_the_queue_events_are_there(account: AccountCheck) -> None:
    """One that was seen is proof enough."""
    take(account, "QueueCallerJoin")
    take(account, "QueueEntry", Wait="3")

    assert [] == found(account)


def test_joins_that_are_heard_no_more_are_missed(account: AccountCheck) -> None:
    """Somebody has set disabledevents while we listened; one stranger is a transfer."""
    take(account, "QueueCallerJoin")
    for number in range(1, 5):
        account.take(entry(number), 2 * LATER)
        account.take(entry(number), 2 * LATER + 9 * SECOND)
    assert [] == found(account)
    account.take(entry(5), 2 * LATER)
    assert [ami_account.AGENT] == found(account)

    take(account, "QueueCallerJoin")

    assert [] == found(account)


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        ({}, ()),
        ({"Originate": "originate,all"}, ("(Originate)",)),
        ({f"Action{n}": "call,all" for n in range(6)}, ("Action3 and 2 more)",)),
    ],
)
def test_actions_that_need_a_class_are_more_than_watching(
    account: AccountCheck, allowed: dict[str, str], expected: tuple[str, ...]
) -> None:
    """ListCommands lists what the account may do; what everybody may do is not its fault."""
    answer: Message = {"Response": "Success", "ActionID": "list"}
    answer |= {"Ping": "Keepalive command.  (Priv: <none>)"}
    answer |= {name: f"Does it.  (Priv: {classes})" for name, classes in allowed.items()}

    account.take({**answer, "ActionID": "another"}, LATER)
    assert [] == found(account)
    account.take(answer, LATER)

    assert len(expected) == len(account.findings)
    assert all(
        text in finding for text, finding in zip(expected, account.findings, strict=True)
    )


def counted(account: AccountCheck, queue: str, completed: str, abandoned: str) -> None:
    """Let an audit say how many a queue has served and lost."""
    fields = {"Queue": queue, "Completed": completed, "Abandoned": abandoned}
    account.take({"Event": "QueueParams", **fields}, LATER)


def test_callers_of_whom_only_the_queue_knows_mean_that_events_are_kept_back(
    account: AccountCheck,
) -> None:
    """What it counted before we came, and a count that begins anew, prove nothing."""
    for queue, completed, abandoned in (("a", 90, 9), ("b", 5, 0), ("a", 0, 1), ("a", 2, 3)):
        counted(account, queue, str(completed), str(abandoned))
    counted(account, "b", "x", "9")
    assert [] == found(account)
    counted(account, "b", "6", "0")
    assert [ami_account.LEAVE] == found(account)
    counted(account, "b", "8", "0")
    assert [ami_account.LEAVE, ami_account.CONNECT] == found(account)

    take(account, "AgentConnect", "QueueCallerLeave")

    assert [] == found(account)
