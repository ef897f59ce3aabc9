"""An Asterisk that does what a test wants, over a real socket, and a desk that listens to it.

The dialogue is that of Asterisk 22: order and spelling as in recorded sessions.
"""

import asyncio
import hashlib
import ssl
from collections.abc import Mapping, Sequence
from typing import Self

from callmon.clock import SECOND
from callmon.events import ContactJoined, Event
from callmon.feeds.asterisk_ami import AsteriskAmiFeed
from callmon.feeds.base import FeedContext, Position
from callmon.feeds.settings import AmiLogin, AmiTls, AsteriskAmiSettings
from callmon.secret import Secret
from callmon.testing import ManualClock
from tests.feeds.desk import FeedDesk

SECRET = "hunter2-and-more"
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
CHALLENGE = "840415273"
BOOTED = b"Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 86400\r\n\r\n"
COMMANDS = {
    "Ping": "Keepalive command.  (Priv: <none>)",
    "QueueStatus": "Show queue status.  (Priv: <none>)",
}


def message(fields: Mapping[str, str]) -> bytes:
    """Return one message as Asterisk writes it."""
    lines = [f"{key}: {value}\r\n" for key, value in fields.items()]
    return ("".join(lines) + "\r\n").encode()


class Pbx:
    """The scripted Asterisk. Change its attributes at any time."""

    def __init__(self, clock: ManualClock, tls: ssl.SSLContext | None = None) -> None:
        self.clock = clock
        self.banner = BANNER
        self.login_answer: dict[str, str] | None = None  #: instead of looking at the secret
        self.after_login = BOOTED
        self.silent: set[str] = set()  #: actions that are not answered
        self.refusal = ""  #: of QueueStatus
        self.torn = ""  #: what a caller's name writes into the list
        self.queues: dict[str, dict[str, int]] = {}  #: who waits, for how many seconds
        self.commands = dict(COMMANDS)
        self.actions: list[dict[str, str]] = []
        self.logins = 0
        self.port = 0
        self._tls = tls
        self._writers: list[asyncio.StreamWriter] = []
        self._talks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._talk, "127.0.0.1", self.port, ssl=self._tls, limit=2**20
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._talks)
        await self._server.wait_closed()

    def count(self, action: str) -> int:
        """Return how often *action* was asked for."""
        return sum(one["Action"] == action for one in self.actions)

    def last(self, action: str) -> dict[str, str]:
        """Return the fields of the latest *action*."""
        return next(one for one in reversed(self.actions) if one["Action"] == action)

    def send(self, data: bytes) -> None:
        """Write to the session that was opened last."""
        self._writers[-1].write(data)

    def event(self, name: str, **fields: str) -> None:
        """Write an event of class agent, of now."""
        at = self.clock.now() / SECOND
        head = {"Event": name, "Privilege": "agent,all", "Timestamp": f"{at:.6f}"}
        self.send(message({**head, **fields}))

    def join(self, number: int, queue: str = "sales") -> None:
        """Let a caller begin to wait."""
        waiting = self.queues.setdefault(queue, {})
        waiting[f"1700000000.{number}"] = 0
        self.event("QueueCallerJoin", **caller(number, queue), Count=str(len(waiting)))

    def cut(self) -> None:
        """Close every connection."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    # ---- the dialogue -------------------------------------------------------------

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        self._writers.append(writer)
        writer.write(self.banner)
        try:
            while True:
                text = (await reader.readuntil(b"\r\n\r\n")).decode()
                action = dict(line.split(": ", 1) for line in text.split("\r\n") if line)
                self.actions.append(action)
                if action["Action"] not in self.silent:
                    writer.write(self._answer(action))
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.transport.abort()
            self._talks.discard(task)

    def _answer(self, action: dict[str, str]) -> bytes:
        match action["Action"]:
            case "Challenge":
                return self._success(action, Challenge=CHALLENGE)
            case "Login":
                return self._login(action)
            case "Ping":
                return self._success(
                    action, Ping="Pong", Timestamp=f"{self.clock.now() / SECOND}"
                )
            case "ListCommands":
                return self._success(action, **self.commands)
            case "QueueStatus":
                return self._status(action)
            case _:
                return self._error(action, "Invalid/unknown command")

    def _success(self, action: Mapping[str, str], **fields: str) -> bytes:
        head = {"Response": "Success", "ActionID": action["ActionID"]}
        return message({**head, **fields})

    def _error(self, action: Mapping[str, str], text: str) -> bytes:
        head = {"Response": "Error", "ActionID": action["ActionID"]}
        return message({**head, "Message": text})

    def _login(self, action: dict[str, str]) -> bytes:
        key = hashlib.md5(f"{CHALLENGE}{SECRET}".encode()).hexdigest()
        right = action.get("Secret") == SECRET or action.get("Key") == key
        if self.login_answer is not None:
            head = {"ActionID": action["ActionID"]}
            return message({**head, **self.login_answer})
        if not right:
            return self._error(action, "Authentication failed")
        self.logins += 1
        return self._success(action, Message="Authentication accepted") + self.after_login

    def _status(self, action: dict[str, str]) -> bytes:
        if self.refusal:
            return self._error(action, self.refusal)
        name = {"ActionID": action["ActionID"]}
        rows: list[bytes] = []
        for queue, waiting in self.queues.items():
            params = {"Event": "QueueParams", "Queue": queue, "Max": "0", "Strategy": "ringall"}
            counts = {"Calls": str(len(waiting)), "Completed": "0", "Abandoned": "0"}
            rows.append(message({**params, **counts, **name}))
            for position, (contact, wait) in enumerate(waiting.items(), 1):
                row = {"Event": "QueueEntry", "Queue": queue, "Position": str(position)}
                row |= {"Channel": f"PJSIP/trunk-{position}", "Uniqueid": contact}
                row |= {"CallerIDNum": "5551234", "CallerIDName": self.torn or "Ann"}
                rows.append(message({**row, "Wait": str(wait), "Priority": "0", **name}))
        end = {"Event": "QueueStatusComplete", **name, "EventList": "Complete"}
        rows.append(message({**end, "ListItems": str(len(rows))}))
        start = self._success(action, EventList="start", Message="Queue status will follow")
        return start + b"".join(rows)


def caller(number: int, queue: str = "sales") -> dict[str, str]:
    """Return the headers that every event of a caller has."""
    return {
        "Channel": f"PJSIP/trunk-{number}",
        "ChannelState": "6",
        "CallerIDNum": "5551234",
        "CallerIDName": "Ann",
        "Uniqueid": f"1700000000.{number}",
        "Linkedid": f"1700000000.{number}",
        "Queue": queue,
        "Position": "1",
    }


class Desk(FeedDesk[AsteriskAmiFeed]):
    """Takes what the feed says, in the place of the app."""

    def __init__(
        self,
        pbx: Pbx,
        *,
        login: AmiLogin = AmiLogin.MD5,
        secret: str = SECRET,
        tls: AmiTls | None = None,
        limit: int | None = None,
        position: Position | None = None,
    ) -> None:
        super().__init__(position)
        self.clock = pbx.clock
        self.drifts: list[int] = []
        self.settings = AsteriskAmiSettings(
            name="ami",
            source="pbx",
            port=pbx.port,
            username="callmon",
            secret=Secret(secret),
            login=login,
            tls=tls,
        )
        more = {} if limit is None else {"limit": limit}
        self.feed = AsteriskAmiFeed(self.settings, self.context(), **more)

    def context(self) -> FeedContext:
        """Return what the app would give to the feed."""
        return FeedContext(
            clock=self.clock,
            emit=self._emit,
            up=lambda up, reason: self.said.append((up, reason)),
            count_drop=self.count,
            gap=lambda length, reason: self.gaps.append((length, reason)),
            current=lambda _looked_at: self.current.append(len(self.events)),
            drift=self.drifts.append,
            account=self.accounts.append,
            resume=self.position,
        )

    def joined(self) -> list[str]:
        """Return who has joined, in order."""
        return [event.contact for event in self.events if isinstance(event, ContactJoined)]

    def _emit(
        self, events: Sequence[Event], position: Position | None = None, **_more: object
    ) -> None:
        self.position = self.position if position is None else position
        self.events += events
        if events:
            self.batches.append(len(events))
