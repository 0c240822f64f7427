"""Telling one process from a later one that was given the same number."""

from pathlib import Path

_PROC = Path("/proc")
# Field 22 of stat(5), counted behind the name, which may hold anything.
_STARTED = 19


def mark_of(pid: int) -> str:
    """Return when a process started and in which boot of the machine; empty where there is none or it has ended."""
    try:
        state, *fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except (OSError, ValueError):
        return ""
    return "" if state in {"Z", "X"} else f"{boot}:{fields[_STARTED - 1]}"
