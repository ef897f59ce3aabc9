"""What the system knows of a connection before anything is read from it or written to it."""

import select

__all__ = ["has_hung_up"]


def has_hung_up(fileno: int) -> bool:
    """Return whether the other side has closed the connection *fileno*, or broken it.

    What it had sent before can still be read then. A write would only fail, and who takes
    that for the end loses what was not read (poll(2), POLLRDHUP).
    """
    poll = select.poll()
    poll.register(fileno, select.POLLRDHUP)  # POLLHUP and POLLERR are always told
    return bool(poll.poll(0))
