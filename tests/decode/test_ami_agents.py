"""Asterisk's queue members: what its events and snapshots say of agents."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND, Micros
from callmon.decode import ami_agents
from callmon.decode.ami import AmiDecoder, Message
from callmon.decode.ami_agents import AGENT_EVENTS, MAX_TEXT, AmiAgents
from callmon.decode.ami_snapshot import (
    LIST_EVENTS,
    QueueSnapshot,
    SnapshotQueue,
    SnapshotReader,
)
from callmon.decode.recording import Direction, Transferred
from callmon.errors import DecodeError, DecodeReason
from callmon.events import AgentChanged, AgentRemoved, Device, Event
from callmon.feeds.recording import read_recording

CAPTURES = Path(__file__).parent.parent / "captures" / "asterisk" / "22.10.1"
NOW: Micros = 1_795_333_946 * SECOND + 250_000

PAUSE = {
    "Event": "QueueMemberPause",
    "Privilege": "agent,all",
    "Queue": "billing",
    "MemberName": "Bob Brown",
    "Interface": "PJSIP/1002",
    "StateInterface": "PJSIP/1002",
    "Membership": "static",
    "Penalty": "1",
    "CallsTaken": "1",
    "LastCall": "1795333925",
    "LastPause": "1795333935",
    "LoginTime": "1795333908",
    "InCall": "0",
    "Status": "1",
    "Paused": "1",
    "PausedReason": "Auto-Pause",
    "Ringinuse": "0",
    "Wrapuptime": "0",
}
"""As Asterisk 22.10 wrote it, but for the status."""


def event(kind: str = "QueueMemberStatus", /, **fields: str) -> Message:
    """Return an event of the member, with some fields changed."""
    return PAUSE | {"Event": kind, "Paused": "0"} | fields


def row(**fields: str) -> Message:
    """Return the member's row in a snapshot, where two keys are spelled otherwise."""
    message = event("QueueMember", **fields)
    message["Name"] = message.pop("MemberName")
    message.setdefault("Location", message.pop("Interface"))
    del message["Privilege"]
    return message


def snapshot(
    *rows: Message, whole: bool = True, believed: bool = True, queue: str = "billing"
) -> QueueSnapshot:
    """Return a snapshot with one queue."""
    return QueueSnapshot((SnapshotQueue(queue, 0, 0, 0, (), rows, believed),), whole)


def the(events: list[Event]) -> AgentChanged:
    """Return the only event, which says where an agent stands."""
    (only,) = events
    assert isinstance(only, AgentChanged)
    return only


@pytest.mark.parametrize(
    ("status", "device"),
    [
        ("0", Device.IDLE),
        ("1", Device.IDLE),
        ("2", Device.BUSY),
        ("3", Device.BUSY),
        ("4", Device.AWAY),
        ("5", Device.AWAY),
        ("6", Device.RINGING),
        ("7", Device.BUSY),
        ("8", Device.BUSY),
    ],
)
def test_each_device_state_is_told_apart(status: str, device: Device) -> None:
    """Unknown counts as free, as Asterisk itself does when it looks for somebody to ring."""
    assert device is the(AmiAgents("pbx").take(event(Status=status), NOW)).device


def test_an_event_says_all_about_a_member() -> None:
    """He is told apart by his interface, and paused with his reason."""
    told = the(AmiAgents("pbx").take(PAUSE, NOW))

    assert (NOW, "pbx", "billing", "PJSIP/1002", "Bob Brown", Device.IDLE) == (
        told.at,
        told.source,
        told.queue,
        told.agent,
        told.name,
        told.device,
    )
    assert (True, "Auto-Pause", 0) == (told.paused, told.reason, told.wrapup_until)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"Paused": "1", "Reason": "tea"}, "Auto-Pause"),
        ({"Paused": "1", "PausedReason": "", "Reason": "tea"}, "tea"),
        ({"Paused": "1", "PausedReason": ""}, ""),
        ({"Paused": "0", "PausedReason": "back"}, ""),
        ({"Paused": "1", "PausedReason": "x" * 500}, "x" * MAX_TEXT),
    ],
)
def test_a_reason_is_why_he_is_paused(fields: dict[str, str], reason: str) -> None:
    """16 says it twice, 22 once; what is said when he comes back is no reason to be paused."""
    assert reason == the(AmiAgents("pbx").take(event(**fields), NOW)).reason


@pytest.mark.parametrize(
    ("wrapup", "fields", "until"),
    [
        ({}, {"LastCall": "1795333945", "Wrapuptime": "5"}, 1_795_333_950),
        ({}, {"LastCall": "1795333945", "Wrapuptime": "0"}, 0),
        ({}, {"LastCall": "1795333945", "Wrapuptime": "1"}, 0),
        ({}, {"LastCall": "1795333945", "Wrapuptime": "5", "InCall": "1"}, 0),
        ({}, {"LastCall": "0", "Wrapuptime": "9999999999"}, 0),
        ({"Billing": 3}, {"LastCall": "1795333945"}, 1_795_333_948),
        ({"Billing": 3}, {"LastCall": "1795333945", "Wrapuptime": "5"}, 1_795_333_950),
        ({"sales": 3}, {"LastCall": "1795333945"}, 0),
        ({"sales": 3, "*": 2}, {"LastCall": "1795333945"}, 1_795_333_947),
        ({"billing": 0, "*": 2}, {"LastCall": "1795333945"}, 0),
    ],
)
def test_wrapup_ends_as_asterisk_reckons(
    wrapup: dict[str, int], fields: dict[str, str], until: int
) -> None:
    """From his last call on, his own time before the queue's, in whole seconds."""
    agents = AmiAgents("pbx", {name: time * SECOND for name, time in wrapup.items()})

    assert until * SECOND == the(agents.take(event(**fields), NOW)).wrapup_until


def test_a_telephone_that_never_says_so_is_busy_during_a_call() -> None:
    """Where Asterisk does not know the device, its own call tells: from connect to complete."""
    agents = AmiAgents("pbx", {"billing": 3 * SECOND})
    told = agents.take(event(Status="0"), NOW)
    told += agents.take(event("AgentConnect"), NOW + 1)
    told += agents.take(event("AgentComplete"), NOW + 2 * SECOND)

    assert [(Device.IDLE, 0), (Device.BUSY, 0), (Device.IDLE, 1_795_333_951 * SECOND)] == [
        (e.device, e.wrapup_until) for e in told if isinstance(e, AgentChanged)
    ]


def test_only_changes_are_told() -> None:
    """Asterisk repeats itself; a wrap-up that has passed is none, and no news either."""
    agents = AmiAgents("pbx", {"billing": 3 * SECOND})
    finishing = event(LastCall="1795333945")
    agents.take(finishing, NOW)

    assert [] == agents.take(finishing, NOW + 1)
    assert [] == agents.take(finishing, NOW + 60 * SECOND)
    assert [] == agents.take(event("QueueMemberPenalty", Penalty="7"), NOW + 61 * SECOND)
    assert the(agents.take(event(Status="2"), NOW + 62 * SECOND)).device is Device.BUSY


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({k: v for k, v in PAUSE.items() if k != "Privilege"}, DecodeReason.FORGED),
        ({k: v for k, v in PAUSE.items() if k != "Queue"}, DecodeReason.MISSING_FIELDS),
        (event(Interface=""), DecodeReason.MISSING_FIELDS),
        (event(Status=""), DecodeReason.MISSING_FIELDS),
        (event(Status="9"), DecodeReason.BAD_NUMBER),
        (event(Status="١"), DecodeReason.BAD_NUMBER),
        (event(LastCall="-1"), DecodeReason.BAD_NUMBER),
        (event(Wrapuptime="1" * 400), DecodeReason.BAD_NUMBER),
    ],
)
def test_what_asterisk_did_not_write_changes_nothing(
    message: Message, reason: DecodeReason
) -> None:
    """It is refused with the reason, and the member stands as before."""
    agents = AmiAgents("pbx")
    before = event(Status="2")
    agents.take(before, NOW)

    with pytest.raises(DecodeError) as refused:
        agents.take(message, NOW + 1)

    assert reason is refused.value.reason
    assert [] == agents.take(before, NOW + 2)


def test_a_removed_member_is_gone_once() -> None:
    """The second removal, and calls of somebody unknown, say nothing."""
    agents = AmiAgents("pbx")
    agents.take(PAUSE, NOW)
    gone = agents.take(event("QueueMemberRemoved"), NOW + 1)

    assert [AgentRemoved(NOW + 1, "pbx", NOW + 1, "billing", "PJSIP/1002")] == gone
    assert [] == agents.take(event("QueueMemberRemoved"), NOW + 2)
    assert [] == agents.take(event("AgentConnect"), NOW + 3)
    assert [] == agents.take(event("AgentCalled"), NOW + 4)


def test_a_snapshot_tells_what_no_event_has() -> None:
    """A reload adds, changes and removes members in silence; what is known is not repeated."""
    agents = AmiAgents("pbx")
    agents.take(PAUSE, NOW)
    paused = row(Paused="1", Location="PJSIP/1002")

    assert [] == agents.audit(snapshot(paused), NOW)

    new = agents.audit(snapshot(row(Location="PJSIP/7")), NOW + 1)

    assert [(AgentChanged, "PJSIP/7"), (AgentRemoved, "PJSIP/1002")] == [
        (type(e), e.agent) for e in new if isinstance(e, AgentChanged | AgentRemoved)
    ]


def test_who_is_absent_is_gone_only_from_a_whole_and_believed_list() -> None:
    """A cheap audit has no members; a forged one says nothing about anybody."""
    agents = AmiAgents("pbx")
    agents.take(PAUSE, NOW)

    assert [] == agents.audit(snapshot(whole=False), NOW)
    assert [] == agents.audit(snapshot(believed=False), NOW)
    assert [] == agents.audit(snapshot(row(Location="PJSIP/7"), believed=False), NOW)
    assert [] == agents.audit(snapshot(row(Status="?", Location="PJSIP/1002")), NOW)
    assert 1 == len(agents.audit(snapshot(queue="sales"), NOW))


def test_members_beyond_the_limit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hostile PBX cannot fill the memory; a place that is free again can be taken."""
    monkeypatch.setattr(ami_agents, "MAX_AGENTS", 2)
    agents = AmiAgents("pbx")
    told = [e for n in range(4) for e in agents.take(event(Interface=f"SIP/{n}"), NOW)]

    assert (2, 2) == (len(told), agents.refused)

    agents.take(event("QueueMemberRemoved", Interface="SIP/0"), NOW)

    assert 1 == len(agents.take(event(Interface="SIP/3"), NOW))


headers = st.sampled_from(
    ["Queue", "Interface", "Location", "Status", "Paused", "LastCall", "Wrapuptime", "InCall"]
)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(AGENT_EVENTS)),
            st.dictionaries(headers, st.one_of(st.text(max_size=3), st.integers().map(str))),
        ),
        max_size=8,
    )
)
def test_no_message_raises_anything_else(told: list[tuple[str, dict[str, str]]]) -> None:
    """Whatever stands in the headers, the worst is a refusal with a reason."""
    agents = AmiAgents("pbx", {"billing": 3 * SECOND})
    for number, (kind, fields) in enumerate(told):
        agents.audit(snapshot(row(**fields), whole=bool(number % 2)), NOW + number)
        with contextlib.suppress(DecodeError):
            agents.take(event(kind, **fields), NOW + number)


# ---- against Asterisk's own summaries ------------------------------------------------


def received(path: Path) -> Iterator[tuple[Micros, Message]]:
    """Yield the messages of a recorded session that say something of members."""
    wanted = AGENT_EVENTS | LIST_EVENTS | {"QueueSummary"}
    decoder = AmiDecoder(wanted)
    for record in read_recording(path):
        if isinstance(record, Transferred) and record.direction is Direction.RECEIVED:
            for message in decoder.decode(record.data):
                yield record.at, message


WRAPUP = dict.fromkeys(("support", "sales", "vip", "afterhours"), 3 * SECOND) | {
    "billing": 2 * SECOND
}
"""The queues' own wrap-up times in that lab, which AMI does not tell."""


class _Recorded:
    """How the agents of a recording stand, by what the decoder has told."""

    def __init__(self) -> None:
        self.standing: dict[tuple[str, str], AgentChanged] = {}
        self._agents = AmiAgents("pbx", WRAPUP)
        self._reader = SnapshotReader()
        self._polls = 0

    def take(self, message: Message, at: Micros) -> None:
        """Take a message: an answer to a poll of ours, or an event."""
        action = message.get("ActionID", "")
        if "Event" not in message and action.startswith("qst-"):
            # One poll in five is heeded: the others must find nothing new.
            self._polls += 1
            if self._polls % 5 == 1:
                self._reader.expect(action)
        taken = self._reader.take(message)
        if taken is not None:
            self._tell(self._agents.audit(taken, at))
        elif message.get("Event") in AGENT_EVENTS:
            self._tell(self._agents.take(message, at))

    def count(self, queue: str) -> tuple[int, int]:
        """Return who is at work in *queue*, and who of them is free."""
        agents = [told for (name, _), told in self.standing.items() if name == queue]
        staffed = [told for told in agents if told.device is not Device.AWAY]
        free = [told for told in staffed if told.device is Device.IDLE and not told.paused]
        return len(staffed), len(free)

    def _tell(self, events: list[Event]) -> None:
        for told in events:
            if isinstance(told, AgentChanged):
                self.standing[told.queue, told.agent] = told
            elif isinstance(told, AgentRemoved):
                del self.standing[told.queue, told.agent]


@pytest.mark.parametrize(("name", "reloaded"), [("main", 3), ("transfers", 0)])
def test_asterisk_counts_the_same(name: str, reloaded: int) -> None:
    """Who is at work and who is free, as its QueueSummary says of every queue each 10 s.

    What it calls available does not heed the wrap-up time of a queue. *reloaded* summaries
    stand between a reload, which adds and removes members in silence, and the next snapshot.
    """
    recorded = _Recorded()
    compared = differ = 0
    for at, message in received(CAPTURES / name / "ami.jsonl.xz"):
        recorded.take(message, at)
        if message.get("Event") == "QueueSummary" and recorded.standing:
            theirs = int(message["LoggedIn"]), int(message["Available"])
            compared += 1
            differ += theirs != recorded.count(message["Queue"])

    assert compared > 100
    assert reloaded == differ
