"""The one place that reads the wall clock and the monotonic clock."""

import time
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Tells the time; the real one and a test's one are the two implementations."""

    def now(self) -> int:
        """Return the wall time in milliseconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> int:
        """Return the wall time in milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start."""
        return time.monotonic()


def at(milliseconds: int) -> datetime:
    """Return an aware UTC datetime for milliseconds since the epoch."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def short_time(milliseconds: int, zone: ZoneInfo, now: int) -> str:
    """Return a time as ``14:02`` today and ``21 Nov 14:02`` on other days, in ``zone``."""
    moment: datetime = at(milliseconds).astimezone(zone)
    today = at(now).astimezone(zone).date()
    return f"{moment:%H:%M}" if moment.date() == today else f"{moment:%d %b %H:%M}"
