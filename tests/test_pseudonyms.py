"""Tests of pseudonyms: what is replaced, by what, and what stays."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.pseudonyms import MessageRewriter, Pseudonyms

KEY = b"k" * 32


def rewritten(*lines: str, queues: bool = False) -> list[str]:
    """Return the lines of a message as a recording has them."""
    rewriter = MessageRewriter(Pseudonyms(KEY), queues=queues)
    message = "\r\n".join(lines).encode("latin-1")
    return rewriter.message(message).decode("latin-1").split("\r\n")


def value(line: str) -> str:
    """Return what becomes of the value of *line*, which keeps its key."""
    (found,) = rewritten(line)
    key, _, new = found.partition(": ")
    assert line.partition(": ")[0] == key
    return new


@pytest.mark.parametrize("length", [2, 3])
def test_no_two_numbers_become_one(length: int) -> None:
    """Or two agents would be one agent in the recording."""
    pseudonyms = Pseudonyms(KEY)
    numbers = [
        "".join(digits).encode() for digits in itertools.product("0123456789", repeat=length)
    ]

    assert set(numbers) == {pseudonyms.digits(number) for number in numbers}


@given(st.integers(2, 40).flatmap(lambda length: st.text("0123456789", min_size=length)))
def test_digits_stay_as_many_digits(number: str) -> None:
    """The same number is the same pseudonym each time."""
    digits = Pseudonyms(KEY).digits(number.encode())

    assert len(number) == len(digits)
    assert digits.isdigit()
    assert digits == Pseudonyms(KEY).digits(number.encode())


def test_another_key_gives_other_pseudonyms() -> None:
    """Two recordings cannot be laid side by side."""
    assert Pseudonyms(b"a").digits(b"13800138000") != Pseudonyms(b"b").digits(b"13800138000")
    assert Pseudonyms(b"a").mark("x", b"Li Wei") != Pseudonyms(b"b").mark("x", b"Li Wei")


@pytest.mark.parametrize(
    "line",
    [
        "CallerIDNum: +86 (138) 0013-8000",
        "CallerIDName: Li Wei",
        "CallerIDName: 13800138000",
        "ConnectedLineNum: 1001",
        "DestCallerIDNum: 1001",
        "LocalTwoConnectedLineName: Jos\xe9",
        "OrigTransfererCallerIDName: Li Wei",
        "TransferTargetExten: 2009",
        "Exten: c20001",
        "Extension: 13800138000",
        "AccountCode: ACME",
        "AppData: SIP/trunk/13800138000,30",
        "DialString: 13800138000@trunk",
        "Value: 4111111111111111",
        "ChanVariable: CUSTOMER=Li Wei",
        "MemberName: Carla Cruz",
        "Name: Carla Cruz",
        "Interface: SIP/carla",
        "Location: PJSIP/1001",
        "StateInterface: Local/1001@agents/n",
        "Channel: PJSIP/1001-00000017",
        "DestChannel: Local/13800138000@incoming-00000005;2",
        "Channel: DAHDI/i1/13800138000-5",
        "Channel: Li Wei",
        "PausedReason: doctor",
        "Reason: doctor",
        "Uniqueid: call-for-13800138000",
        "Queue-of-Li-Wei",
        "NewHeader: Li Wei",
        "Position: 13800138000",
        "Event: 13800138000",
        "Application: Dial 13800138000",
        "Context: Li Wei",
        "Variable: HASH(names,Li Wei)",
        "Message: No such channel SIP/carla",
        "Secret: hunter2",
        "Key: 5f4dcc3b5aa765d61d8327deb882cf99",
        "Challenge: 840415273",
        "Username: callmon",
    ],
)
def test_people_and_secrets_are_replaced(line: str) -> None:
    """Wherever Asterisk, or somebody who puts lines into the stream, has them."""
    (found,) = rewritten(line)
    _, _, former = line.partition(": ")

    assert line != found
    for part in (former or line, "Wei", "13800138000", "1001", "carla", "Carla", "hunter2"):
        assert part not in found or part not in line


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Asterisk Call Manager/11.0.0",
        "Event: QueueCallerJoin",
        "Event: VarSet",
        "Privilege: agent,all",
        "Response: Success",
        "Message: Queue status will follow",
        "Message: Asterisk is shutting down",
        "EventList: Complete",
        "ListItems: 22",
        "Timestamp: 1795336069.962068",
        "Uniqueid: pbx-a-1795335324.1",
        "Linkedid: 1795335324.1",
        "BridgeUniqueid: 39327615-6e51-4e4a-986a-6d1d3567586a",
        "Queue: Support-Überlauf",
        "Position: 1",
        "ServicelevelPerf: 66.7",
        "ChannelStateDesc: Up",
        "Cause-txt: Interworking, unspecified",
        "CID-CallingPres: 0 (Presentation Allowed, Not Screened)",
        "Exten: h",
        "Exten: 1",
        "Context: from-queue",
        "Priority: 6",
        "CallerIDNum: <unknown>",
        "CallerIDName: ",
        "Member: __none__",
        "Reason: caller",
        "Reason: 4",
        "Ping: Pong",
        "AuthType: MD5",
        "Status: Fully Booted",
        "Status: 6",
        "MemberName: ",
    ],
)
def test_what_tells_of_queues_stays(line: str) -> None:
    """A recording is there to be replayed."""
    assert [line] == rewritten(line)


def test_a_person_is_the_same_everywhere() -> None:
    """In whatever header, with or without a plus or a technology before the number."""
    number = value("CallerIDNum: 13800138000")

    assert f"+{number}" == value("ConnectedLineNum: +13800138000")
    assert number == value("DestCallerIDName: 13800138000")
    assert number == value("Exten: 13800138000")
    assert f"PJSIP/{number}" == value("Interface: PJSIP/13800138000")
    assert f"PJSIP/{number}-00000017" == value("Channel: PJSIP/13800138000-00000017")
    assert f"Local/{number}@in-0000000a;2" == value("Channel: Local/13800138000@in-0000000a;2")
    assert value("MemberName: PJSIP/13800138000") == value("Interface: PJSIP/13800138000")


def test_what_a_queue_does_stays_in_variables() -> None:
    """QUEUESTATUS tells how a caller left; every other value is somebody's own."""
    told = ("Event: VarSet", "Variable: QUEUESTATUS", "Value: TIMEOUT")
    untold = ("Event: VarSet", "Variable: CUSTOMER", "Value: TIMEOUT")

    assert list(told) == rewritten(*told)
    assert "Value: TIMEOUT" not in rewritten(*untold)
    assert "Li Wei" not in rewritten("Variable: QUEUESTATUS", "Value: Li Wei")[1]


def test_a_refused_caller_can_be_told_by_the_queue() -> None:
    """The arguments of Queue() name it; those of other applications are replaced whole."""
    queue = rewritten("Application: Queue", "AppData: sales,t,,,30,agi://13800138000")[1]
    other = rewritten("Application: Dial", "AppData: sales,t")[1]

    assert queue.startswith("AppData: sales,text-")
    assert "13800138000" not in queue
    assert "sales" not in other


def test_names_of_queues_can_be_replaced() -> None:
    """The same queue is the same pseudonym, however it is spelled."""
    upper = rewritten("Queue: SUPPORT", queues=True)
    lower = rewritten("Queue: support", queues=True)
    argument = rewritten("Application: Queue", "AppData: Support,t", queues=True)[1]

    assert upper == lower
    assert "support" not in upper[0].lower().removeprefix("queue: queue-")
    assert argument.startswith(f"AppData: {upper[0].removeprefix('Queue: ')},")


@given(st.lists(st.text("QE: u1\xe9-/@", max_size=12), max_size=4))
def test_every_line_stays_a_line(lines: list[str]) -> None:
    """Whatever is in it, so that messages end where they ended."""
    lines = lines or [""]

    assert len(lines) == len(rewritten(*lines))
