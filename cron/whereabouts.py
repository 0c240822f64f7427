"""Where a job's people are: its own chat on the page, and who is told of trouble with it."""

from kernel.messages import Address
from kernel.schedules import Schedule
from store import channels
from store.units import Query

LOCAL = ("terminal", "cli")


def own_chat(schedule: Schedule) -> Address:
    """Return the chat on the page that is a job's own."""
    return Address("web", "local", f"cron-{schedule.id}")


def made_at(schedule: Schedule) -> Address:
    """Return the chat a job was made in, or its own on the page where that was none or a terminal."""
    origin = schedule.origin
    return own_chat(schedule) if origin is None or origin.platform in LOCAL else origin


def told_at(q: Query, schedule: Schedule) -> list[Address]:
    """Return where trouble with a job is told: in the home channels, or where it was made if there are none."""
    return list(channels.homes(q).values()) or [made_at(schedule)]
