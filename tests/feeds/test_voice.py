"""Tests of what a feed says of itself."""

import dataclasses
from collections.abc import Sequence

import structlog
from structlog.testing import capture_logs

from callmon.events import Event
from callmon.feeds.base import FeedContext, Position
from callmon.feeds.voice import Voice
from callmon.testing import ManualClock


@dataclasses.dataclass
class Heard:
    """Who hears it."""

    said: list[tuple[bool, str]] = dataclasses.field(default_factory=list)
    accounts: list[tuple[str, ...]] = dataclasses.field(default_factory=list)

    def _emit(
        self, events: Sequence[Event], position: Position | None = None, **_more: object
    ) -> None:
        raise AssertionError(f"it speaks of itself alone, not of {events} at {position}")

    def voice(self) -> Voice:
        """Return a voice that this hears."""
        context = FeedContext(
            clock=ManualClock(),
            emit=self._emit,
            up=lambda up, reason: self.said.append((up, reason)),
            count_drop=lambda _stage, _reason, _count=1: None,
            gap=lambda _length, _reason: None,
            current=lambda _looked_at: None,
            account=self.accounts.append,
        )
        return Voice(context, structlog.stdlib.get_logger().bind(feed="pbx"))


def test_a_change_is_said_once_and_anew_after_a_failure() -> None:
    """Each look would say the same; the supervisor has said otherwise in between."""
    heard = Heard()
    voice = heard.voice()
    assert not voice.has_spoken

    with capture_logs() as logs:
        for trouble in ("", "", "gone", "gone", "denied", ""):
            voice.say(trouble, "it is heard", "here")
        voice.begin()
        assert not voice.has_spoken
        voice.say("", "it is heard", "here")

    seen = True, "it is heard"
    assert [seen, (False, "gone"), (False, "denied"), seen, seen] == heard.said
    lines = [(line["event"], line.get("error"), line.get("address")) for line in logs]
    sees = "feed.seeing", None, "here"
    blind = [("feed.blind", "gone", None), ("feed.blind", "denied", None)]
    assert [sees, *blind, sees, sees] == lines
    assert voice.has_spoken


def test_the_log_hears_of_each_finding_once() -> None:
    """Who looks at the status sees all that is wrong now."""
    heard = Heard()
    voice = heard.voice()

    with capture_logs() as logs:
        for findings in (("a",), ("a", "b"), (), ("b",)):
            voice.judge(findings)
            assert findings == voice.account

    assert [("a",), ("a", "b"), (), ("b",)] == heard.accounts
    assert ["a", "b"] == [line["error"] for line in logs]
