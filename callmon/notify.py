"""Tell systemd how the service is: ``sd_notify(3)``, in datagrams to ``$NOTIFY_SOCKET``.

Outside systemd the variable is absent and every call does nothing.
"""

import socket
from collections.abc import Mapping

from callmon.clock import Micros

__all__ = ["Notifier"]


class Notifier:
    """The service's side of ``Type=notify-reload`` and ``WatchdogSec=``."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        path = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + path[1:] if path.startswith("@") else path
        allowed = environ.get("WATCHDOG_USEC", "")
        #: systemd restarts a service that was silent this long; None without a watchdog
        self.watchdog_after: Micros | None = int(allowed) if allowed.isdecimal() else None

    def ready(self) -> None:
        """Say that start or reload is done."""
        self._send("READY=1")

    def reloading(self, monotonic: Micros) -> None:
        """Say that a reload began at *monotonic*; ``ready`` must follow."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={monotonic}")

    def status(self, text: str) -> None:
        """Show *text*, one line, in ``systemctl status``."""
        self._send(f"STATUS={text}")

    def alive(self) -> None:
        """Feed the watchdog."""
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
            door.settimeout(0)  # never wait
            try:
                door.sendto(message.encode(), self._address)
            except OSError:
                # systemd is busy or gone: monitoring goes on, the next message may arrive.
                return
