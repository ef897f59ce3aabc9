"""What surprises in Asterisk's queue_log and AMI, each held by a test over the recordings.

The numbers are those of the list in ``docs/developers/captures.md``. Where callmon does
something about a surprise, that is tested; else the fact which the code relies on.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest

from callmon.clock import SECOND, Micros
from callmon.decode.ami import AmiDecoder, Message, message_time
from callmon.decode.queue_log import QueueLogDecoder
from callmon.events import (
    AgentChanged,
    AgentRemoved,
    ContactAnswered,
    ContactJoined,
    ContactLeft,
    Event,
    Outcome,
    RingNotAnswered,
    SourceRestarted,
    TalkEnded,
)
from tests.truth import SOURCE, Json, ami_steps, log_files, messages, recording, timeline, truth

MAIN = "22.10.1/main"
EDGE = "22.10.1/edge"
KILLED = "22.10.1/restart-kill9"
STOPPED = "22.10.1/restart-stop"
TRANSFERS = "22.10.1/transfers"
EDGES = [EDGE, "16.28.0/edge"]
LOADS = ["22.10.1/load", "16.28.0/load"]


def told(scenario: str, *kinds: str, name: str = "ami") -> Iterator[tuple[Micros, Message]]:
    """Yield the events of these kinds; none of those that a caller's name has forged."""
    for at, message in messages(scenario, name):
        if message.get("Event") in kinds and ("Privilege" in message or "ActionID" in message):
            if message["Event"].startswith("QueueCaller") and "Privilege" not in message:
                continue
            yield at, message


def interpreted(scenario: str, name: str = "ami") -> list[Event]:
    """Return everything that the AMI feed makes of a recording."""
    return [event for _, events in ami_steps(scenario, name) for event in events]


def ended_talk(scenario: str, contact: str) -> TalkEnded:
    """Return the end of the one talk of *contact*."""
    (talk,) = [
        event
        for event in interpreted(scenario)
        if isinstance(event, TalkEnded) and event.contact == contact
    ]
    return talk


def of_agent(scenario: str, queue: str, agent: str) -> list[AgentChanged | AgentRemoved]:
    """Return what the AMI feed makes of an agent in a queue."""
    return [
        event
        for event in interpreted(scenario)
        if isinstance(event, AgentChanged | AgentRemoved)
        if (event.queue, event.agent) == (queue, agent)
    ]


def rows(scenario: str, *exits: str) -> list[Json]:
    """Return the truth of the visits that ended in one of these ways."""
    return [row for row in recording(scenario, "truth") if row["exit"] in exits]


def lines(scenario: str) -> list[list[str]]:
    """Return the fields of the lines of the log."""
    text = b"".join(log_files(scenario)).decode("utf-8", "backslashreplace")
    return [line.split("|") for line in text.splitlines()]


def verbs(scenario: str) -> Counter[str]:
    """Return how often which verb stands in its place in the log."""
    return Counter(fields[4] for fields in lines(scenario) if len(fields) > 4)


# ---- counting --------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", [MAIN, KILLED])
def test_only_a_hang_up_is_requested_before_an_abandon(scenario: str) -> None:
    """1: QueueCallerAbandon comes for all but key exits; HangupRequest tells hang-ups."""
    requested: set[str] = set()
    hung_up, others = Counter[str](), Counter[str]()
    exits = defaultdict[str, list[str]](list)
    for row in recording(scenario, "truth"):
        exits[row["uniqueid"]].append(row["exit"])

    for _, message in told(scenario, "QueueCallerJoin", "HangupRequest", "QueueCallerAbandon"):
        contact = message["Uniqueid"]
        match message["Event"]:
            case "QueueCallerJoin":
                requested.discard(contact)
            case "HangupRequest":
                requested.add(contact)
            case _:
                first, *_ = exits[contact]
                (hung_up if contact in requested else others)[first] += 1

    expected = Counter(row["exit"] for row in recording(scenario, "truth"))
    silent = {"timeout", "leaveempty", "withdraw", "redirected"}
    assert {"abandoned": expected["abandoned"]} == hung_up
    assert {exit_: expected[exit_] for exit_ in silent & expected.keys()} == others


def test_a_redirect_while_talking_inflates_the_talk() -> None:
    """2: AgentComplete of a caller redirected away comes when he hangs up in the end."""
    ended = {m["Uniqueid"]: at for at, m in told(TRANSFERS, "AgentComplete")}
    redirected = [row for row in rows(TRANSFERS, "answered") if row["ended_by"] == "redirect"]

    late = [ended[row["uniqueid"]] / SECOND - row["t_end"] for row in redirected]

    assert 3 == len(late)
    assert all(seconds > 2.9 for seconds in late)
    for row in redirected:
        talk = ended_talk(TRANSFERS, row["uniqueid"])
        assert abs(talk.at / SECOND - row["t_end"]) < 0.1


def test_who_is_refused_leaves_no_trace() -> None:
    """3: FULL, JOINEMPTY, unknown queue, hung up before: no queue event and no row."""
    refused = {
        row["uniqueid"]
        for row in rows(MAIN, "full", "joinempty", "never_joined", "no_such_queue")
    }
    elsewhere = {visit.contact for visit in truth(MAIN)}

    joined = {message["Uniqueid"] for _, message in told(MAIN, "QueueCallerJoin")}
    logged = {fields[1] for fields in lines(MAIN)}

    assert 36 == len(refused - elsewhere)
    assert set() == (refused - elsewhere) & (joined | logged)


def test_an_id_may_join_twice() -> None:
    """4: after an overflow or a transfer the id is the same, also in the same queue."""
    joins = Counter(
        (message["Queue"], message["Uniqueid"]) for _, message in told(EDGE, "QueueCallerJoin")
    )
    ids = Counter(visit.contact for visit in truth(MAIN))

    assert 2 == list(joins.values()).count(2)
    assert 6 == list(ids.values()).count(2)


def test_waiting_ends_after_the_announcement() -> None:
    """5: the agent picks up, hears 2.5 s of announcement in billing, then is connected."""
    connected = {
        (message["Queue"], message["Uniqueid"]): at
        for at, message in told(MAIN, "AgentConnect")
    }

    delays = [
        (row["queue"], connected[row["queue"], row["uniqueid"]] / SECOND - row["t_answer"])
        for row in rows(MAIN, "answered")
    ]

    assert all((2.0 < d < 2.7) if queue == "billing" else d < 0.1 for queue, d in delays)


def test_a_busy_phone_rings_out_at_once() -> None:
    """5: RINGNOANSWER is also written for busy and rejected, with a ring of 0 or 1000 ms."""
    decoder = QueueLogDecoder(SOURCE)
    events = decoder.decode(b"".join(log_files(MAIN)))

    rings = [event.ring for event in events if isinstance(event, RingNotAnswered)]

    assert 143 == len(rings)
    assert {0, SECOND} < set(rings)


def test_durations_are_off_by_up_to_a_second() -> None:
    """6: HoldTime is a difference of whole seconds; an id is older than its join."""
    waits = {(visit.queue, visit.contact): visit for visit in truth(TRANSFERS)}
    errors = []
    for _, message in told(TRANSFERS, "AgentConnect"):
        visit = waits[message["Queue"], message["Uniqueid"]]
        if visit.row["via"] == "call":
            errors.append(int(message["HoldTime"]) - (visit.wait or 0) / SECOND)

    ages = [
        visit.joined / SECOND - float(visit.contact.partition(".")[0])
        for visit in truth(TRANSFERS)
    ]
    assert max(map(abs, errors)) > 0.5
    assert max(map(abs, errors)) <= 1
    assert min(ages) >= 0.4


def test_a_ring_may_end_without_an_event() -> None:
    """7: RINGCANCELED is only in the log; RINGNOANSWER is in whole seconds."""
    events = Counter(message["Event"] for _, message in told(MAIN, *RINGING))
    rings = {
        verb: {int(fields[5]) % 1000 for fields in lines(MAIN) if fields[4] == verb}
        for verb in ("RINGNOANSWER", "RINGCANCELED")
    }

    assert {"AgentCalled": 712, "AgentConnect": 357, "AgentRingNoAnswer": 143} == events
    assert {0} == rings["RINGNOANSWER"]
    assert len(rings["RINGCANCELED"]) > 20


RINGING = ("AgentCalled", "AgentConnect", "AgentRingNoAnswer")


def test_a_dumped_caller_goes_on_waiting() -> None:
    """8: the agent hung up during the announcement; the caller is offered again."""
    dumps = [message["Uniqueid"] for _, message in told(MAIN, "AgentDump")]
    left = Counter(
        message["Uniqueid"]
        for _, message in told(MAIN, "QueueCallerLeave")
        if message["Uniqueid"] in dumps
    )
    answered = {v.contact for v in truth(MAIN) if v.outcome is Outcome.ANSWERED}

    assert 7 == len(dumps)
    assert dict.fromkeys(dumps, 1) == left
    assert set(dumps) <= answered


# ---- headers and order -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "name", "nobody", "no_agent_leg", "of"),
    [
        (MAIN, "ami", 2, 5, 357),
        (LOADS[0], "ami-min", 35, 194, 3622),
        (LOADS[1], "ami-min", 27, 191, 3575),
    ],
)
def test_the_end_of_a_talk_may_name_nobody(
    scenario: str, name: str, nobody: int, no_agent_leg: int, of: int
) -> None:
    """9: AgentComplete without the caller, or without the agent's leg, but with the agent."""
    found = [message for _, message in told(scenario, "AgentComplete", name=name)]

    assert of == len(found)
    assert nobody == sum("Uniqueid" not in message for message in found)
    assert no_agent_leg == sum("DestUniqueid" not in message for message in found)
    assert all(message["Queue"] and message["Interface"] for message in found)


def test_events_of_a_caller_come_in_order() -> None:
    """10: Join, Abandon, Leave, AgentConnect, AgentComplete; Count is joins minus leaves."""
    ranks = {
        "QueueCallerJoin": 0,
        "QueueCallerAbandon": 1,
        "QueueCallerLeave": 2,
        "AgentConnect": 3,
        "AgentComplete": 4,
    }
    visits = defaultdict[tuple[str, str], list[list[int]]](list)
    waiting = Counter[str]()
    for _, message in told(MAIN, *ranks):
        rank = ranks[message["Event"]]
        if "Uniqueid" in message:
            key = message["Queue"], message["Uniqueid"]
            if rank == 0:
                visits[key].append([])
            visits[key][-1].append(rank)
        if rank in {0, 2}:
            waiting[message["Queue"]] += 1 - rank
            assert waiting[message["Queue"]] == int(message["Count"])

    assert all(ranks == sorted(ranks) for ranks in itertools.chain(*visits.values()))


def test_an_event_may_have_a_response() -> None:
    """11: OriginateResponse is an event with a Response header and an ActionID."""
    both = [m for _, m in messages(MAIN, "ami") if "Event" in m and "Response" in m]

    assert {"OriginateResponse": 511} == Counter(message["Event"] for message in both)


def test_blank_lines_too_many_are_passed_over() -> None:
    """12: after some TestEvents of Debian's build comes an extra empty line."""
    received = "".join(line["s"] for line in recording(MAIN, "ami") if "s" in line)
    decoder = AmiDecoder()

    found = decoder.decode(received.encode("latin-1"))

    assert 73 == received.count("\r\n" * 3)
    assert (50_120, 0) == (len(found), decoder.fragments)
    assert received.count("\r\n" * 2) == len(found)


def test_agent_events_alone_need_nothing_else() -> None:
    """13: an account with read=agent and no write class: all of the queues, no system."""
    kinds = [
        Counter(
            message["Event"] for _, message in told(MAIN, *QUEUES, *LISTS, *SYSTEM, name=name)
        )
        for name in ("ami", "ami-min")
    ]

    assert not SYSTEM & kinds[1].keys()
    assert {"FullyBooted", "Reload"} <= kinds[0].keys()
    assert {kind: kinds[0][kind] for kind in QUEUES} == {
        kind: kinds[1][kind] for kind in QUEUES
    }
    assert 83 == kinds[1]["QueueStatusComplete"]


QUEUES = (
    "AgentCalled",
    "AgentComplete",
    "AgentConnect",
    "AgentDump",
    "AgentRingNoAnswer",
    "QueueCallerAbandon",
    "QueueCallerJoin",
    "QueueCallerLeave",
    "QueueMemberAdded",
    "QueueMemberPause",
    "QueueMemberPenalty",
    "QueueMemberRemoved",
    "QueueMemberRinginuse",
    "QueueMemberStatus",
)
LISTS = ("QueueEntry", "QueueMember", "QueueParams", "QueueStatusComplete")
SYSTEM = {"FullyBooted", "Reload", "Shutdown"}


@pytest.mark.parametrize("scenario", EDGES)
def test_a_named_system_says_so_everywhere(scenario: str) -> None:
    """14: SystemName and Timestamp in every event but the login's FullyBooted."""
    events = [
        (at, message)
        for at, message in messages(scenario, "ami")
        if "Privilege" in message and message["Event"] != "FullyBooted"
    ]

    assert {"pbx-a"} == {message["SystemName"] for _, message in events}
    assert all(0 <= at - (message_time(message) or 0) < SECOND for at, message in events)
    assert all(
        message["Uniqueid"].startswith("pbx-a-")
        for _, message in told(scenario, "QueueCallerJoin", "QueueCallerLeave")
    )


def test_the_reason_of_a_pause_stands_in_another_header_in_16() -> None:
    """15: 16 has Reason beside PausedReason, 22 has not; one event for each queue."""
    pauses = {
        scenario: [message for _, message in told(scenario, "QueueMemberPause")]
        for scenario in EDGES
    }

    old, new = pauses["16.28.0/edge"], pauses[EDGE]
    assert 7 == len(old) == len(new)
    assert all(m["Reason"] == m["PausedReason"] for m in old if m["PausedReason"])
    assert not any("Reason" in message for message in new)
    for found in (old, new):
        everywhere = [m["Queue"] for m in found if m["PausedReason"] == "all queues"]
        assert ["support", "vip"] == everywhere
    assert 1 == verbs(EDGE)["PAUSEALL"]


def test_a_pause_may_change_its_reason() -> None:
    """16: paused again for another reason is an event; the log of 22 may unpause between."""
    states = [
        (message["Paused"], message["PausedReason"])
        for _, message in told(EDGE, "QueueMemberPause")
        if message["Queue"] == "Support-Überlauf"
    ]
    automatic = [fields for fields in lines(EDGE) if fields[-2:] == ["UNPAUSE", "Auto-Unpause"]]

    told_of = [
        (event.paused, event.reason)
        for event in of_agent(EDGE, "Support-Überlauf", "PJSIP/1012")
        if isinstance(event, AgentChanged) and event.reason
    ]
    assert [("1", "pipe|in|reason"), ("1", "other reason"), ("0", "ünpause; now")] == states
    assert [(True, "pipe|in|reason"), (True, "other reason")] == told_of
    assert 1 == len(automatic)


# ---- names -----------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", EDGES)
def test_queues_are_spelled_in_several_ways(scenario: str) -> None:
    """17: the log has the dialplan's spelling up to CONNECT, AMI always the configured one."""
    spelled = defaultdict[str, set[str]](set)
    for fields in lines(scenario):
        if len(fields) > 4 and fields[2].casefold() == "support" and fields[1] != "NONE":
            spelled[fields[4]].add(fields[2])
    by_event = {m["Queue"] for _, m in told(scenario, "QueueCallerJoin")}

    assert {"SUPPORT", "Support"} == spelled["ENTERQUEUE"]
    assert {"Support"} == spelled["ABANDON"]
    assert {"support"} == spelled["CONNECT"]
    assert {"Support-Überlauf", "q 24x7", "support"} == by_event


def test_a_pipe_shifts_the_columns() -> None:
    """18: in an agent's name it is written raw, and is read as part of the name again."""
    events = QueueLogDecoder(SOURCE).decode(b"".join(log_files(EDGE)))
    shifted = [fields for fields in lines(EDGE) if fields[3:5] == ["Zoë Ström", "pipe"]]

    agents = Counter(event.agent for event in events if isinstance(event, ContactAnswered))

    assert 39 == len(shifted)
    assert 16 == agents["Zoë Ström|pipe"]
    assert "Zoë Ström" not in agents


@pytest.mark.parametrize("scenario", EDGES)
def test_a_name_can_forge_a_message(scenario: str) -> None:
    """19: CR LF in a caller's name writes an event into the answer to QueueStatus."""
    forged = [
        message
        for _, message in messages(scenario, "ami")
        if message.get("Event", "").startswith("QueueCaller") and "Privilege" not in message
    ]
    torn = [
        message
        for _, message in messages(scenario, "ami")
        if message.get("Event") == "QueueEntry" and "ActionID" not in message
    ]
    escaped = [
        message["CallerIDName"]
        for _, message in told(scenario, "QueueCallerJoin")
        if "\\r\\n" in message["CallerIDName"]
    ]

    assert {("support", None)} == {(m["Queue"], m.get("Uniqueid")) for m in forged}
    assert len(torn) == len(forged) >= 3
    assert 1 == len(escaped)
    joins = [event for event in interpreted(scenario) if isinstance(event, ContactJoined)]
    assert [
        (message["Queue"], message["Uniqueid"])
        for _, message in told(scenario, "QueueCallerJoin")
    ] == [(event.queue, event.contact) for event in joins]


def test_rows_about_agents_name_anything_as_call() -> None:
    """20: MANAGER, CLI or an id stand there; custom rows have any number of fields."""
    added = [fields[1] for fields in lines(MAIN) if fields[4] == "ADDMEMBER"]
    decoder = QueueLogDecoder(SOURCE)

    decoder.decode(b"".join(log_files(MAIN)))

    assert ["MANAGER", "1795333954.167", "CLI", "MANAGER"] == added
    assert (1, 1) == (verbs(MAIN)["CUSTOMNOTE"], verbs(MAIN)["SURVEY"])
    assert {("decode", "unknown_verb"): 2} == decoder.drops


# ---- what changes without an event -----------------------------------------------------


def seen_in_lists(scenario: str, kind: str, **wanted: str) -> list[Micros]:
    """Return when a row with these headers stood in an answer to QueueStatus."""
    return [
        at
        for at, message in told(scenario, kind)
        if wanted.items() <= message.items() and "ActionID" in message
    ]


def done(scenario: str, command: str) -> list[Micros]:
    """Return when something was done to the server."""
    return [
        round(entry["t"] * SECOND)
        for entry in timeline(scenario)
        if command in (entry.get("command"), entry.get("what"), entry["kind"])
    ]


def test_a_reload_changes_members_without_an_event() -> None:
    """21: a member that the file adds or removes is seen in lists alone."""
    there = seen_in_lists(MAIN, "QueueMember", Queue="sales", Location="PJSIP/1012")
    changes = [
        (message["Queue"], message["Interface"])
        for _, message in told(MAIN, "QueueMemberAdded", "QueueMemberRemoved")
    ]
    reloads = done(MAIN, "queue reload all")

    assert ("sales", "PJSIP/1012") not in changes
    assert reloads[1] < there[0] < there[-1] < reloads[3]
    found = of_agent(MAIN, "sales", "PJSIP/1012")
    assert there[0] == found[0].at
    assert [AgentChanged] * (len(found) - 1) + [AgentRemoved] == list(map(type, found))
    assert there[-1] < found[-1].at < reloads[3] + 10 * SECOND


def test_a_reset_of_the_counters_has_no_event() -> None:
    """22: Completed falls from one list to the next after a reset, and after some reloads."""
    before: dict[str, int] = {}
    fallen = []
    for at, message in told(MAIN, "QueueParams"):
        queue, completed = message["Queue"], int(message["Completed"])
        if completed < before.get(queue, 0):
            fallen.append((queue, at))
        before[queue] = completed

    (reset,) = done(MAIN, "queue reset stats support")
    assert ["sales", "support"] == [queue for queue, _ in fallen]
    assert reset < fallen[1][1] < reset + 10 * SECOND


def test_a_queue_may_vanish_with_callers_in_it() -> None:
    """23: a queue removed by a reload is in no list any more; its callers wait on."""
    gone = done(MAIN, "queue afterhours removed while 2 callers are in it")[0]
    waiting = [
        v for v in truth(MAIN) if v.queue == "afterhours" and v.row["t_end"] > gone / SECOND
    ]
    left = [at for at, m in told(MAIN, "QueueCallerLeave") if m["Queue"] == "afterhours"]

    assert max(seen_in_lists(MAIN, "QueueParams", Queue="afterhours")) < gone
    assert [Outcome.ABANDONED, Outcome.ABANDONED] == [visit.outcome for visit in waiting]
    assert all(at > gone + 40 * SECOND for at in left[-2:])
    assert 2 == sum(
        isinstance(event, ContactLeft)
        and (event.queue, event.outcome) == ("afterhours", Outcome.ABANDONED)
        for event in interpreted(MAIN)
    )


def test_a_change_of_priority_has_no_event() -> None:
    """24: QueueChangePriorityCaller is seen in lists alone; nobody's waiting ends by it."""
    asked = {
        row["uniqueid"]
        for row in rows(TRANSFERS, "answered", "abandoned")
        if row["plan"]["kind"] == "prio"
    }
    kinds = {message["Event"] for _, message in told(TRANSFERS, *QUEUES)}

    raised = {
        message["Uniqueid"]
        for _, message in told(TRANSFERS, "QueueEntry")
        if message["Priority"] != "0"
    }

    assert raised
    assert raised <= asked
    assert not any("Priority" in kind for kind in kinds)


def test_a_rotated_log_begins_with_a_reload() -> None:
    """25: CONFIGRELOAD is the first row of each later file; truncated, it goes on at 0."""
    later = [file.split(b"|")[4] for file in log_files(MAIN)[1:]]
    turns = [line["ev"] for line in recording(EDGE, "queue_log") if "ev" in line]
    after = next(
        following
        for line, following in itertools.pairwise(recording(EDGE, "queue_log"))
        if line.get("ev") == "truncated"
    )

    assert [b"CONFIGRELOAD"] * 2 == later
    assert 4 == turns.count("gone")
    assert 0 == after["off"]


# ---- restarts --------------------------------------------------------------------------


def test_after_a_kill_the_next_row_is_the_start() -> None:
    """26: whoever waited has ENTERQUEUE and nothing more; then QUEUESTART; AMI just ends."""
    ended = {fields[1] for fields in lines(KILLED) if fields[4] in ENDS}
    crashed = {row["uniqueid"] for row in rows(KILLED, "crash")}
    marks = Counter(line["mark"] for line in recording(KILLED, "ami") if "mark" in line)
    system = {message["Event"] for _, message in told(KILLED, *SYSTEM)}

    assert 29 == len(crashed)
    assert set() == crashed & ended
    assert 3 == verbs(KILLED)["QUEUESTART"]
    assert 2 == marks["eof"]
    assert {"FullyBooted"} == system


ENDS = {"ABANDON", "CONNECT", "EXITEMPTY", "EXITWITHKEY", "EXITWITHTIMEOUT", "WITHDRAW"}


def test_a_stop_hangs_everybody_up_and_then_says_so() -> None:
    """27: SoftHangupRequest with Cause 4, QueueCallerAbandon, and Shutdown within 5 s."""
    stopped = {
        row["uniqueid"]: row["t_end"]
        for row in rows(STOPPED, "abandoned")
        if row.get("by_shutdown")
    }
    told_to = {
        message["Uniqueid"]
        for _, message in told(STOPPED, "SoftHangupRequest")
        if message.get("Cause") == "4"
    }
    shutdowns = [at / SECOND for at, _ in told(STOPPED, "Shutdown")]
    logged = {fields[1] for fields in lines(STOPPED) if fields[4] == "ABANDON"}

    assert 18 == len(stopped)
    assert set(stopped) <= told_to & logged
    assert all(any(0 <= s - end < 5 for s in shutdowns) for end in stopped.values())


def test_a_graceful_stop_answers_nothing() -> None:
    """28: for 90 s QueueStatus is refused, nobody is answered, and events go on."""
    (begun,) = done(STOPPED, "core stop gracefully")
    refused = [
        at
        for at, message in messages(STOPPED, "ami")
        if message.get("Message") == "Asterisk is shutting down" and at > begun
    ]
    after = [
        message["Event"]
        for at, message in told(STOPPED, *QUEUES)
        if refused[0] < at < refused[-1]
    ]

    assert refused[-1] - refused[0] > 85 * SECOND
    assert {"QueueCallerAbandon", "QueueCallerLeave"} <= set(after)
    assert "AgentConnect" not in after[10:]


def test_a_restart_ends_pauses_without_an_event() -> None:
    """29: a static member paused before is not paused after; nothing says so."""
    paused = defaultdict[tuple[str, str], list[tuple[Micros, str]]](list)
    for at, message in told(STOPPED, "QueueMember"):
        paused[message["Queue"], message["Location"]].append((at, message["Paused"]))
    said = {
        (message["Queue"], message["Interface"])
        for _, message in told(STOPPED, "QueueMemberPause")
        if message["Paused"] == "0"
    }

    silently = [
        member
        for member, states in paused.items()
        if member not in said
        and [flag for _, flag in itertools.groupby(s for _, s in states)]
        and ("1", "0") in itertools.pairwise(state for _, state in states)
    ]

    assert silently
    for queue, agent in silently:
        changes = of_agent(STOPPED, queue, agent)
        last = paused[queue, agent][-1][1]
        assert isinstance(changes[-1], AgentChanged)
        assert changes[-1].paused is (last == "1")


@pytest.mark.parametrize("scenario", EDGES)
def test_a_module_loaded_anew_is_no_restart(scenario: str) -> None:
    """30: unload and load of app_queue write no QUEUESTART; QueueStatus is unknown between."""
    events = QueueLogDecoder(SOURCE).decode(b"".join(log_files(scenario)))
    refused = [
        message["Message"]
        for _, message in messages(scenario, "ami")
        if message.get("Response") == "Error"
    ]

    assert 1 == sum(isinstance(event, SourceRestarted) for event in events)
    assert any("unknown command: QueueStatus" in text for text in refused)


# ---- a slow client ---------------------------------------------------------------------


def test_a_slow_client_is_late_and_then_cut_off() -> None:
    """31: its events come up to a minute late, then Asterisk closes the connection."""
    prompt = {
        message["Uniqueid"]: at
        for at, message in told(LOADS[0], "QueueCallerJoin", name="ami-min")
    }
    lags = [
        at - prompt[message["Uniqueid"]]
        for at, message in told(LOADS[0], "QueueCallerJoin", name="ami-stall")
    ]
    marks = [line["mark"] for line in recording(LOADS[0], "ami-stall") if "mark" in line]

    assert max(lags) > 60 * SECOND
    assert len(lags) < len(prompt)
    assert 2 == marks.count("connected")


# ---- others ----------------------------------------------------------------------------


def test_the_leg_of_an_agent_may_end_before_the_talk() -> None:
    """32: a Local member without /n is optimised away; the talk goes on on another leg."""
    connected = {
        message["DestUniqueid"]: at
        for at, message in told(EDGE, "AgentConnect")
        if message["Interface"].startswith("Local/1010@")
    }
    gone = [
        at - connected[message["Uniqueid"]]
        for at, message in told(EDGE, "Hangup")
        if message["Uniqueid"] in connected
    ]

    assert 2 == sum(after < SECOND // 20 for after in gone)
    assert all(after > 2 * SECOND for after in gone if after >= SECOND // 20)
    contacts = [row for row in rows(EDGE, "answered") if row["call"] in {"c50026", "c50028"}]
    for row in contacts:
        talk = ended_talk(EDGE, row["uniqueid"]).talk or 0
        assert abs(talk / SECOND - row["talk"]) < 0.1


def test_a_ringing_phone_may_seem_busy() -> None:
    """33: all phones of main had device_state_busy_at=1: ringing is 3 there, never 6."""
    states = Counter(message["Status"] for _, message in told(MAIN, "QueueMemberStatus"))

    assert {"1", "2", "3"} == states.keys()


def test_sessions_see_the_same() -> None:
    """34: queue events are the same, in the same order, in every session."""
    first, second = (
        [
            (message["Event"], message.get("Uniqueid"))
            for _, message in told(MAIN, *QUEUES, name=name)
        ]
        for name in ("ami", "ami-min")
    )

    assert first == second


def test_texts_are_cut() -> None:
    """35: a reason ends at its comma, and names lose their double quotes."""
    reasons = {message["PausedReason"] for _, message in told(MAIN, "QueueMemberPause")}
    names = {message["MemberName"] for _, message in told(MAIN, "QueueMemberStatus")}

    assert "Wrap up" in reasons
    assert "Erin Ez O'Neil" in names


def test_a_talk_may_have_no_length() -> None:
    """36: picked up and hung up within milliseconds is CONNECT and COMPLETECALLER, talk 0."""
    races = {row["uniqueid"] for row in rows(LOADS[0], "answered") if row.get("race")}
    rows_of = {
        contact: [fields[4:] for fields in lines(LOADS[0]) if fields[1] == contact]
        for contact in races
    }

    assert 2 == len(races)
    assert all(
        ["CONNECT", "COMPLETECALLER"]
        == [row[0] for row in found if row[0] in {"CONNECT", "COMPLETECALLER"}]
        for found in rows_of.values()
    )
    assert all("0" == found[-1][2] for found in rows_of.values())


@pytest.mark.parametrize("scenario", EDGES)
def test_the_truth_itself_stumbled_over_a_name(scenario: str) -> None:
    """37: CR LF in a name ends the header of FastAGI early: one hang-up was told afterwards."""
    told_later = [row for row in rows(scenario, "abandoned") if row.get("reclassified")]

    assert ["abandoned"] == [row["exit"] for row in told_later]
    assert "CR LF" in told_later[0]["reclassified"]
