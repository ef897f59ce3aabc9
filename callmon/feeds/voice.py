"""What a feed says of itself: when it has changed, not each time it is looked at."""

import structlog

from callmon.feeds.base import FeedContext

__all__ = ["Voice"]


class Voice:
    """Speaks for one feed, to the monitor and in the log."""

    def __init__(self, context: FeedContext, log: structlog.stdlib.BoundLogger) -> None:
        self.account: tuple[str, ...] = ()  #: what is wrong with its account at the source
        self._context = context
        self._log = log
        self._said: str | None = None
        self._warned: set[str] = set()

    @property
    def has_spoken(self) -> bool:
        """Whether it was said, since ``begin``, if the feed sees."""
        return self._said is not None

    def begin(self) -> None:
        """Forget what was said: after a failure the supervisor has said that we are blind."""
        self._said = None

    def say(self, trouble: str, seeing: str, address: str | None = None) -> None:
        """Tell whether the feed sees, when that or the reason has changed.

        *trouble* is why not, *seeing* what it does when there is none, in words for people;
        *address* is where, for the log.
        """
        if trouble == self._said:
            return
        self._said = trouble
        if trouble:
            self._log.warning("feed.blind", error=trouble)
        else:
            log = self._log if address is None else self._log.bind(address=address)
            log.info("feed.seeing")
        self._context.up(not trouble, trouble or seeing)

    def judge(self, findings: tuple[str, ...]) -> None:
        """Tell what is wrong with the account; the log hears of each thing once."""
        self.account = findings
        self._context.account(findings)
        for finding in findings:
            if finding not in self._warned:
                self._warned.add(finding)
                self._log.warning("feed.account", error=finding)
