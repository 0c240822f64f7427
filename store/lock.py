"""The home lock: at most one process works in a home directory."""

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from kernel.errors import ConfigError, HomeLocked

Kind = Literal["gateway", "embedded"]

LOCK_NAME = "lock"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a home: its process id and kind; ``None`` and ``""`` where it has not written them down yet."""

    pid: int | None
    kind: str


class HomeLock:
    """An exclusive ``flock`` on ``HOME/lock``, which holds ``{"pid": …, "kind": …}`` for whoever is refused.

    The lock ends with the process, however it ends. The file stays: removing it would let two processes lock two
    files of the same name.
    """

    def __init__(self, descriptor: int, kind: Kind) -> None:
        self._descriptor: int | None = descriptor
        self.kind = kind

    @classmethod
    def acquire(cls, home: Path, kind: Kind) -> "HomeLock":
        """Take the lock, creating the home (mode 0700) where it does not exist.

        Raises HomeLocked, with the holder's ``pid`` and ``kind``, where another process has it, and ConfigError where
        the home cannot be written.
        """
        descriptor = _open(home)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "kind": kind}).encode(), 0)
        except BlockingIOError:
            held_by = _read(descriptor)
            os.close(descriptor)
            raise _refusal(home, held_by) from None
        except OSError as error:
            os.close(descriptor)
            raise _unwritable(home, error) from error
        return cls(descriptor, kind)

    def release(self) -> None:
        """Give the lock up; releasing twice is harmless."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def holder(home: Path) -> Holder | None:
    """Return who holds the home, or ``None`` where nobody does; takes nothing and creates nothing."""
    try:
        descriptor = os.open(home / LOCK_NAME, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unwritable(home, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(descriptor)
    finally:
        os.close(descriptor)
    return None


def _open(home: Path) -> int:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(home / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unwritable(home, error) from error


def _read(descriptor: int) -> Holder:
    """Read who wrote the lock file; a holder between locking and writing is not known yet."""
    try:
        content = json.loads(os.pread(descriptor, 4096, 0))
        return Holder(int(content["pid"]), str(content["kind"]))
    except (ValueError, KeyError, TypeError):
        return Holder(None, "")


def _refusal(home: Path, held_by: Holder) -> HomeLocked:
    who = f"a {held_by.kind} with process id {held_by.pid}" if held_by.pid else "another process"
    if held_by.kind == "embedded":
        who = f"a terminal session with process id {held_by.pid}"
    return HomeLocked(
        f"The home {home} is in use by {who}.",
        remedy="Stop it first, or set HERMES_HOME to another directory.",
        pid=held_by.pid,
        kind=held_by.kind,
    )


def _unwritable(home: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"The home {home} cannot be used: {error.strerror}.",
        remedy="Give this user write access to it, or set HERMES_HOME to another directory.",
    )
