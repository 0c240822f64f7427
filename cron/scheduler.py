"""The clock: one APScheduler job, armed for the earliest moment at which there is something to do, and for no other.

APScheduler's job is a wake-up and nothing else; when what is due is in our tables. Between two moments the daemon does
not wake: a change of the machine's clock is told by the kernel (``cron.jumps``) instead of being looked for.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger

from kernel.clock import Clock, at

JOB = "next"
# Where the kernel does not tell of a changed clock, it is looked at this often while something is planned.
LONGEST_SLEEP_MS = 60_000
LONGEST_MS = 30 * 24 * 3_600_000


class SchedulerAlarm:
    """An alarm of APScheduler; ``told`` says that somebody else tells of a changed clock."""

    def __init__(self, wake: Callable[[], None], clock: Clock, *, told: bool) -> None:
        self._wake = wake
        self._clock = clock
        self._longest = LONGEST_MS if told else LONGEST_SLEEP_MS
        self._scheduler: AsyncIOScheduler | None = None
        self._armed: int | None = None

    def arm(self, moment: int | None, now: int) -> None:
        """Wake at a moment."""
        if moment is None:
            self._disarm()
            return
        delay = min(max(moment - now, 0), self._longest)
        self._armed = moment
        self._running().add_job(
            self._ring,
            DateTrigger(_moment(self._clock.now(), delay), timezone="UTC"),
            id=JOB,
            replace_existing=True,
            misfire_grace_time=None,
        )

    def _disarm(self) -> None:
        if self._armed is not None and self._scheduler is not None:
            self._armed = None
            if self._scheduler.get_job(JOB) is not None:
                self._scheduler.remove_job(JOB)

    def _running(self) -> AsyncIOScheduler:
        if self._scheduler is None:
            self._scheduler = AsyncIOScheduler(timezone="UTC", event_loop=asyncio.get_running_loop())
            self._scheduler.start()
        return self._scheduler

    async def _ring(self) -> None:
        self._armed = None
        self._wake()

    def stop(self) -> None:
        """Wake nobody any more."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None


def _moment(now: int, delay: int) -> datetime:
    return at(now) + timedelta(milliseconds=delay)
