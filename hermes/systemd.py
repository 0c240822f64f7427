"""The notification socket of systemd: readiness, status and the watchdog; silent where there is none."""

import socket
from collections.abc import Mapping


class Notifier:
    """Speaks the sd_notify protocol (a datagram of ``NAME=value`` lines to ``$NOTIFY_SOCKET``)."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._path = environ.get("NOTIFY_SOCKET", "")
        microseconds = int(environ.get("WATCHDOG_USEC", "0") or 0)
        self.watchdog_seconds = microseconds / 2_000_000
        """How often the watchdog wants to be fed: half of what it allows; 0 where there is none."""

    def send(self, *lines: str) -> None:
        """Send lines such as ``READY=1``; a manager that does not listen is no reason to fail."""
        if not self._path:
            return
        address = "\0" + self._path[1:] if self._path.startswith("@") else self._path
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as link:
            try:
                link.sendto("\n".join(lines).encode(), address)
            except OSError:
                return
