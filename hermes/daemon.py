"""``daemon.json``: how the commands of this machine find the running daemon."""

import json
from dataclasses import asdict, dataclass

from hermes.home import Home, write_private


@dataclass(frozen=True, slots=True)
class DaemonInfo:
    """The running daemon: process id, ``url`` of its page and API, a token for the commands, and its version."""

    pid: int
    url: str
    token: str
    version: str


def publish(home: Home, info: DaemonInfo) -> None:
    """Write the file, readable by its owner only."""
    write_private(home.daemon, json.dumps(asdict(info)))


def withdraw(home: Home) -> None:
    """Remove the file; one that is gone already is fine."""
    home.daemon.unlink(missing_ok=True)


def read(home: Home) -> DaemonInfo | None:
    """Return what the file says, or ``None`` where there is none or it is half-written.

    A file that a killed daemon left behind is returned too: only the home's lock tells whether anybody runs.
    """
    try:
        content = json.loads(home.daemon.read_text("utf-8"))
        return DaemonInfo(
            int(content["pid"]), str(content["url"]), str(content["token"]), str(content["version"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
