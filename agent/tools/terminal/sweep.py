"""Finds and ends the processes of a command, wherever they have gone: in its group, its session, or with its mark."""

import contextlib
import os
import signal
from pathlib import Path

MARK = "COMMAND_ID"
# A process that forks while it is being ended is found in a later round.
ROUNDS = 25
_PROC = Path("/proc")
_SESSION_FIELD = 3


def end_group(group: int, number: signal.Signals) -> bool:
    """Signal a whole process group; tell whether there was anything in it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        # What runs there has another user now and is not ours to end.
        return False
    return True


def sweep(session: int, mark: str) -> bool:
    """Kill whatever of a command is left; tell whether there was anything.

    A group is killed as one, so that a program which forks without end cannot outrun it.
    """
    found = False
    for _ in range(ROUNDS):
        left = _left(session, f"{MARK}={mark}".encode())
        end_group(session, signal.SIGKILL)
        if not left:
            break
        found = True
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
    return found


def _left(session: int, mark: bytes) -> list[int]:
    """Return the living processes of a session or with a mark in their environment."""
    own, user = os.getpid(), os.getuid()
    if not _PROC.is_dir():
        return []
    return [
        pid
        for entry in os.scandir(_PROC)
        if entry.name.isdigit() and (pid := int(entry.name)) != own and _belongs(pid, user, session, mark)
    ]


def _belongs(pid: int, user: int, session: int, mark: bytes) -> bool:
    folder = _PROC / str(pid)
    try:
        if folder.stat().st_uid != user:
            return False
        state, *numbers = (folder / "stat").read_text().rpartition(")")[2].split()
        if state in {"Z", "X"}:
            return False
        if int(numbers[_SESSION_FIELD - 1]) == session:
            return True
        return mark in (folder / "environ").read_bytes().split(b"\0")
    except OSError:
        # It ended meanwhile, or keeps its environment to itself.
        return False
