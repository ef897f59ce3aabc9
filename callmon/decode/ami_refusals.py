"""Callers whom Asterisk's queues did not take: full, or nobody there to answer.

Queue() tells it in the variable QUEUESTATUS and nowhere else (``queue_exec`` in
``app_queue.c``): there is no event of the queue, and no line in its log. The variable does
not name the queue, either; the step of the dialplan that called Queue() does. So refusals
are seen with class *dialplan* only, and not where an AGI script or Lua calls Queue().
"""

from callmon.decode.ami import Message

__all__ = ["AmiRefusals"]

MAX_RUNNING = 50_000
"""Channels remembered that run Queue() and are not in a queue yet: a few at any moment."""

_REASONS = {"FULL": "full", "JOINEMPTY": "join_empty", "JOINUNAVAIL": "join_empty"}


class AmiRefusals:
    """Knows which queue a channel has asked for last."""

    def __init__(self) -> None:
        self._running: dict[str, str] = {}

    def step(self, message: Message, channel: str) -> None:
        """Take a step of a channel's dialplan (Newexten)."""
        if message.get("Application", "").casefold() != "queue":
            return
        queue = message.get("AppData", "").partition(",")[0].strip()
        if not queue:
            return
        if len(self._running) >= MAX_RUNNING:
            del self._running[next(iter(self._running))]
        self._running[channel] = queue

    def forget(self, channel: str) -> None:
        """Note that a channel is in its queue, or is no more."""
        self._running.pop(channel, None)

    def clear(self) -> None:
        """Forget all channels."""
        self._running.clear()

    def refused(self, status: str, channel: str) -> tuple[str, str] | None:
        """Return the queue and the reason if a QUEUESTATUS is a refusal.

        The queue is empty when it is not known.
        """
        reason = _REASONS.get(status)
        return None if reason is None else (self._running.pop(channel, ""), reason)
