"""A scripted Asterisk that talks a lot: one AMI session, as many events a second as asked.

Its calls are one recorded call, all classes of events (join, ring, connect, hang-up), with
names, ids and times of its own. As Asterisk does it ends the session of a client that lets
a write wait for longer than ``writetimeout``, 0.1 s.
"""

import hashlib
import re
import select
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Report", "serve"]

RECORDING = (
    Path(__file__).parent.parent
    / "tests/captures/asterisk/exit_paths/connect_caller_hangup.ami"
)
SECRET = "bench"  # noqa: S105 - of nothing
CHALLENGE = "840415273"
WRITE_TIMEOUT_S = 0.1
STEP_S = 0.01
WAIT_S, TALK_S = 2.0, 4.0
QUEUES, AGENTS = 40, 2_000
OTHER_QUEUES = (b"q_gosub", b"q_delay")
END = b"\r\n\r\n"

BOOTED = (
    b"Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 9\r\nLastReload: 9\r\n"
    b"Status: Fully Booted\r\n\r\n"
)
PARAMS = (
    b"Event: QueueParams\r\nQueue: %s\r\nMax: 0\r\nStrategy: ringall\r\nCalls: %d\r\n"
    b"Holdtime: 2\r\nTalkTime: 4\r\nCompleted: 0\r\nAbandoned: 0\r\nServiceLevel: 5\r\n"
    b"ServicelevelPerf: 0.0\r\nServicelevelPerf2: 0.0\r\nWeight: 0\r\n"
)
MEMBER = (
    b"Event: QueueMember\r\nQueue: %s\r\nName: %s\r\nLocation: Local/%s@agents/n\r\n"
    b"StateInterface: Local/%s@agents/n\r\nMembership: static\r\nPenalty: 0\r\n"
    b"CallsTaken: 0\r\nLastCall: 0\r\nLastPause: 0\r\nLoginTime: 1\r\nInCall: 0\r\n"
    b"Status: 1\r\nPaused: 0\r\nPausedReason: \r\nWrapuptime: 0\r\n"
)
ENTRY = (
    b"Event: QueueEntry\r\nQueue: %s\r\nPosition: %d\r\nUniqueid: %s\r\nWait: %d\r\n"
    b"Priority: 0\r\n"
)
COMPLETE = b"Event: QueueStatusComplete\r\nEventList: Complete\r\nListItems: %d\r\n"


@dataclass
class Report:
    """What the peer has done."""

    calls: int = 0
    events: int = 0
    sent_bytes: int = 0
    sessions: int = 0
    slow: int = 0  #: sessions ended because the client did not read
    late_s: float = 0.0  #: how far the peer itself was behind its rate, at worst
    snapshots: int = 0


def _script() -> list[tuple[bytes, int]]:
    """Return the three acts of the recorded call: up to waiting, connected, gone."""
    data = RECORDING.read_bytes()
    events = [
        event + END
        for event in data.split(END)
        if event and not any(b"\r\nQueue: " + name in event for name in OTHER_QUEUES)
    ]
    connected = next(i for i, event in enumerate(events) if b"Event: MusicOnHoldStart" in event)
    hung_up = next(i for i, event in enumerate(events) if b"Event: HangupRequest" in event)
    acts = events[: connected + 1], events[connected + 1 : hung_up], events[hung_up:]
    return [(_template(b"".join(act)), len(act)) for act in acts]


def _template(act: bytes) -> bytes:
    """Put marks where each call has something of its own."""
    act = re.sub(rb"Timestamp: [0-9.]+", b"Timestamp: @T@", act)
    act = re.sub(rb"pbx1-[0-9]+\.([0-9])", rb"pbx1-@C@.\1", act)
    act = re.sub(rb"-0000000([23]);", rb"-@C@\1;", act)
    act = re.sub(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", b"b@C@", act)
    return (
        act.replace(b"q_long", b"@Q@").replace(b"ag_answer20", b"@A@").replace(b"Longy", b"@A@")
    )


@dataclass
class _Call:
    number: int
    began: float
    queue: bytes = field(init=False)
    agent: bytes = field(init=False)

    def __post_init__(self) -> None:
        agent = self.number % AGENTS
        self.agent = b"ag%04d" % agent
        self.queue = b"queue%03d" % (agent % QUEUES)

    @property
    def uniqueid(self) -> bytes:
        """Return the id of the caller's channel."""
        return b"pbx1-%08d.5" % self.number

    def render(self, template: bytes, now: float) -> bytes:
        """Return an act of this call."""
        act = template.replace(b"@T@", b"%.6f" % now).replace(b"@C@", b"%08d" % self.number)
        return act.replace(b"@Q@", self.queue).replace(b"@A@", self.agent)


class _Session:
    """One client, and the calls it hears of."""

    def __init__(self, connection: socket.socket, report: Report, rate: int) -> None:
        self.connection = connection
        self.report = report
        self.acts = _script()
        self.calls_per_second = rate / sum(count for _, count in self.acts)
        self.waiting: list[_Call] = []
        self.talking: list[_Call] = []
        self.heard = b""
        connection.settimeout(WRITE_TIMEOUT_S)
        self.write(b"Asterisk Call Manager/11.0.0\r\n")

    def write(self, data: bytes) -> None:
        """Send *data*, as long as the client takes some of it within the time."""
        view = memoryview(data)
        while view:
            view = view[self.connection.send(view) :]
        self.report.sent_bytes += len(data)

    def answer(self) -> bool:
        """Do what the client has asked for; return whether it has logged in just now."""
        logged_in = False
        while select.select([self.connection], [], [], 0)[0]:
            read = self.connection.recv(65_536)
            if not read:
                raise ConnectionError("the client has gone")
            self.heard += read
            *actions, self.heard = self.heard.split(END)
            for action in actions:
                fields = dict(line.split(": ", 1) for line in action.decode().split("\r\n"))
                logged_in |= self.do(fields)
        return logged_in

    def do(self, fields: dict[str, str]) -> bool:
        """Answer one action; return whether it was a login."""
        name, tag = fields["Action"], f"ActionID: {fields['ActionID']}\r\n".encode()
        answer = b"Response: Success\r\n" + tag
        if name == "Challenge":
            answer += b"Challenge: " + CHALLENGE.encode() + b"\r\n"
        elif name == "Login":
            digest = hashlib.md5((CHALLENGE + SECRET).encode(), usedforsecurity=False)
            if fields.get("Key") != digest.hexdigest():
                answer = b"Response: Error\r\n" + tag + b"Message: Authentication failed\r\n"
            self.write(answer + b"Message: Authentication accepted\r\n\r\n")
            self.write(BOOTED)
            return True
        elif name == "Ping":
            answer += b"Ping: Pong\r\nTimestamp: %.6f\r\n" % time.time()
        elif name == "QueueStatus":
            self.write(self.snapshot(tag, members="Member" not in fields))
            return False
        self.write(answer + b"\r\n")
        return False

    def snapshot(self, tag: bytes, *, members: bool) -> bytes:
        """Return the answer to QueueStatus: who waits, and who could answer."""
        now = time.time()
        self.report.snapshots += 1
        waiting: dict[bytes, list[_Call]] = {}
        for call in self.waiting:
            waiting.setdefault(call.queue, []).append(call)
        rows: list[bytes] = []
        for number in range(QUEUES):
            queue = b"queue%03d" % number
            calls = waiting.get(queue, [])
            rows.append(PARAMS % (queue, len(calls)) + tag)
            agents = range(number, AGENTS, QUEUES) if members else ()
            rows += [MEMBER % (queue, *(b"ag%04d" % agent,) * 3) + tag for agent in agents]
            for position, call in enumerate(calls, 1):
                rows.append(ENTRY % (queue, position, call.uniqueid, now - call.began) + tag)
        rows.append(COMPLETE % len(rows) + tag)
        rows.insert(0, b"Response: Success\r\nEventList: start\r\n" + tag)
        return b"\r\n".join(rows) + b"\r\n"

    def play(self, until: float) -> None:
        """Send events at the rate until *until*, then let the last calls end."""
        began = time.monotonic()
        started = 0
        while self.waiting or self.talking or time.monotonic() < until:
            due = min(time.monotonic(), until) - began
            out: list[bytes] = []
            now = time.time()
            while started < due * self.calls_per_second:
                started += 1
                self.report.calls += 1
                call = _Call(self.report.calls, now)
                self.waiting.append(call)
                self.act(0, call, now, out)
            self.move(now, out)
            if out:
                self.write(b"".join(out))
            self.answer()
            if (behind := time.monotonic() - began - due - STEP_S) and time.monotonic() < until:
                self.report.late_s = max(self.report.late_s, behind)
            time.sleep(max(0.0, began + due + STEP_S - time.monotonic()))

    def move(self, now: float, out: list[bytes]) -> None:
        """Connect who has waited long enough, and hang up who has talked long enough."""
        while self.talking and self.talking[0].began + WAIT_S + TALK_S <= now:
            self.act(2, self.talking.pop(0), now, out)
        while self.waiting and self.waiting[0].began + WAIT_S <= now:
            call = self.waiting.pop(0)
            self.act(1, call, now, out)
            self.talking.append(call)

    def act(self, which: int, call: _Call, now: float, out: list[bytes]) -> None:
        """Add one act of *call* to *out*."""
        template, count = self.acts[which]
        out.append(call.render(template, now))
        self.report.events += count


def serve(listener: socket.socket, rate: int, seconds: float, report: Report) -> None:
    """Serve one client after the other until one has heard *seconds* of events."""
    while True:
        connection, _ = listener.accept()
        report.sessions += 1
        with connection:
            try:
                session = _Session(connection, report, rate)
                while not session.answer():
                    time.sleep(STEP_S)
                time.sleep(1)
                session.answer()
                session.play(time.monotonic() + seconds)
                linger = time.monotonic() + 5
                while time.monotonic() < linger:
                    session.answer()
                    time.sleep(STEP_S)
            except TimeoutError:
                report.slow += 1
            except ConnectionError:
                pass
            else:
                return
