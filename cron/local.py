"""Local times and real instants: what becomes of an hour that a change of the clock leaves out, or repeats.

A local time that does not exist (the night the clocks go forward) means the moment of the change. One that exists
twice (the night they go back) means its first occurrence.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

SECOND = 1000


def instant(naive: datetime, zone: ZoneInfo) -> int:
    """Return the instant of a local time, in milliseconds."""
    local = naive.replace(tzinfo=zone, fold=0)
    return change(naive, zone) if is_missing(naive, zone) else _ms(local)


def both(naive: datetime, zone: ZoneInfo) -> tuple[int, ...]:
    """Return every instant that shows a local time: none, one or two."""
    if is_missing(naive, zone):
        return ()
    first, second = (_ms(naive.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    return (first,) if first == second else (first, second)


def is_missing(naive: datetime, zone: ZoneInfo) -> bool:
    """Tell whether no clock of the zone ever shows a local time."""
    aware = naive.replace(tzinfo=zone, fold=0)
    return aware.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) != naive


def change(naive: datetime, zone: ZoneInfo) -> int:
    """Return the moment at which the clock jumps over a local time, in milliseconds."""
    # In a gap, fold 1 counts with the offset after the change and lies before it, fold 0 the other way round.
    before, after = (_ms(naive.replace(tzinfo=zone, fold=fold)) // SECOND for fold in (1, 0))
    target = offset(after * SECOND, zone)
    while after - before > 1:
        middle = (before + after) // 2
        if offset(middle * SECOND, zone) == target:
            after = middle
        else:
            before = middle
    return after * SECOND


def offset(milliseconds: int, zone: ZoneInfo) -> timedelta:
    """Return the zone's distance from UTC at an instant."""
    found = datetime.fromtimestamp(milliseconds / 1000, zone).utcoffset()
    assert found is not None  # noqa: S101 - a ZoneInfo always knows
    return found


def local(milliseconds: int, zone: ZoneInfo) -> datetime:
    """Return what the zone's clocks show at an instant, without a zone."""
    return datetime.fromtimestamp(milliseconds / 1000, zone).replace(tzinfo=None, fold=0)


def _ms(aware: datetime) -> int:
    return round(aware.timestamp() * 1000)
