"""Made-up recordings: what an Asterisk says of a caller or two, second by second."""

from callmon.clock import SECOND, Micros
from callmon.decode.recording import Direction, Marked, Record, Transferred

__all__ = [
    "BANNER",
    "JOIN",
    "LEAVE",
    "START",
    "at",
    "caller_event",
    "mark",
    "received",
    "sent",
    "snapshot",
]

START: Micros = 1_795_336_000 * SECOND

BANNER = b"Asterisk Call Manager/11.0.0\r\n"


def caller_event(name: str, call: str, **more: str) -> bytes:
    """Return an event of a waiting caller as Asterisk writes it."""
    fields = {
        "Event": name,
        "Privilege": "agent,all",
        "Channel": f"PJSIP/trunk-0000{call}",
        "Context": "in",
        "Exten": "100",
        "Priority": "3",
        "Uniqueid": f"1795336000.{call}",
        "Linkedid": f"1795336000.{call}",
        "Queue": "sales",
        "Position": "1",
        "Count": "1",
        **more,
    }
    return "".join(f"{key}: {value}\r\n" for key, value in fields.items()).encode() + b"\r\n"


def snapshot(action: str, *waiting: str) -> bytes:
    """Return the answer to QueueStatus: who waits in ``sales``, for 30 seconds each."""
    head = f"Response: Success\r\nActionID: {action}\r\nEventList: start\r\n\r\n"
    rows = f"Event: QueueParams\r\nQueue: sales\r\nCalls: {len(waiting)}\r\n"
    rows += f"Completed: 0\r\nAbandoned: 0\r\nActionID: {action}\r\n\r\n"
    for position, call in enumerate(waiting, 1):
        rows += f"Event: QueueEntry\r\nQueue: sales\r\nPosition: {position}\r\n"
        rows += f"Channel: PJSIP/trunk-{call}\r\nUniqueid: 1795336000.{call}\r\nWait: 30\r\n"
        rows += f"ActionID: {action}\r\n\r\n"
    done = f"Event: QueueStatusComplete\r\nActionID: {action}\r\nEventList: Complete\r\n"
    return f"{head}{rows}{done}ListItems: {1 + len(waiting)}\r\n\r\n".encode()


def at(second: float) -> Micros:
    """Return an instant of the recordings of these tests."""
    return START + round(second * SECOND)


def mark(second: float, text: str) -> Record:
    """Return a record of what became of the connection."""
    return Marked(at(second), text)


def received(second: float, data: bytes) -> Record:
    """Return a record of bytes received."""
    return Transferred(at(second), Direction.RECEIVED, data)


def sent(second: float, text: str) -> Record:
    """Return a record of an action, its lines written one after another."""
    data = text.replace("\n", "\r\n").encode() + b"\r\n\r\n"
    return Transferred(at(second), Direction.SENT, data)


JOIN = caller_event("QueueCallerJoin", "1")
LEAVE = caller_event("QueueCallerLeave", "1", Count="0")
