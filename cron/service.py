"""Cron as other rooms see it: jobs are made, changed and looked at here, and their times are watched.

For those who build on it:

    cron = Cron(room)                                    # room: cron.room.Room
    await cron.prepare(group)                            # what the last process left, before turns go on
    cron.begin(group)                                    # the clock, after that
    cron.configure(settings)
    cron.rest(); await cron.drain(seconds)
    cron.carry_out                                       # kernel.ports.ToolCaller for what was approved
    cron.desk                                            # cron.making.Desk: create, edit, pause, resume, delete, run

What happens is on the bus: ``schedule.create change pause resume finish delete`` and ``fire.create claim start wait
go_on finish fail skip miss lose retry cancel deliver``.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from cron import taking
from cron.delivery import Deliveries
from cron.fetching import Fetching
from cron.jumps import JumpWatch
from cron.kinds.scripts import Scripts
from cron.making import Desk
from cron.room import Alarm, Room
from cron.runs import Runs
from cron.settings import DAY_MS, SECOND_MS, CronSettings
from kernel.approvals import ApprovedCall, CallResult
from kernel.crashpoints import crashpoint
from kernel.errors import HermesError
from kernel.events import Event
from kernel.late import load
from kernel.schedules import Fire, Schedule
from store import fires, schedules
from store.units import Query

log = logging.getLogger(__name__)

# A clock that is so much behind where it was has been set back; less is the ordinary correction of a clock.
BACK_MS = 5_000
PRUNED = 500
REALIGNED = 200
RETRY_SECONDS = 5.0
# Before a prompt is due, the agents are loaded.
WARM_MS = 8_000
# What passed since so short a time is worked out at once.
SOON_MS = 60_000
# A timer may ring a little early; a clock that stands still is waited for no longer.
UNTIL = 3

# The clock's library is loaded when there is the first time to wait for.
ALARM = "cron.scheduler:SchedulerAlarm"
# What makes another look at the times worth while.
NEWS = frozenset(
    {"schedule.create", "schedule.change", "schedule.resume"}
    | {
        f"fire.{event}"
        for event in ("create", "retry", "release", "finish", "fail", "skip", "lose", "cancel")
    }
)

MakeAlarm = Callable[[Callable[[], None], bool], Alarm]


class Cron:
    """Scheduled jobs, and what runs them."""

    def __init__(self, room: Room, make_alarm: MakeAlarm | None = None) -> None:
        self.room = room
        self._http = Fetching(lambda: room.settings.allow_private)
        self.scripts = Scripts(room)
        self.deliveries = Deliveries(room)
        self.runs = Runs(room, self.scripts, self.deliveries, self._http)
        self.desk = Desk(room, self.runs)
        self._wake = asyncio.Event()
        self._jumps = JumpWatch(self._wake.set)
        self._make_alarm = make_alarm or self._scheduler
        self._alarm: Alarm | None = None
        self._task: asyncio.Task[None] | None = None
        self._unlisten: list[Callable[[], None]] = []
        self._looked_at = 0
        self._pruned_at = 0
        self._warm_for = 0
        self._closed = False

    def _scheduler(self, wake: Callable[[], None], told: bool) -> Alarm:
        return load(ALARM)(wake, self.room.clock, told=told)

    async def carry_out(self, call: ApprovedCall) -> CallResult:
        """Run the script of a request that was approved."""
        return await self.scripts.carry_out(call)

    async def prepare(self, group: asyncio.TaskGroup) -> None:
        """Take up what the last process left, before its turns go on and anything new begins."""
        self.runs.open(group)
        left = await self.room.database.write(taking.recover)
        await self.runs.adopt(left)

    def begin(self, group: asyncio.TaskGroup) -> None:
        """Begin to watch the times."""
        bus = self.room.bus
        self._unlisten = [bus.listen("schedule.", self._changed), bus.listen("fire.", self._changed)]
        self._task = group.create_task(self._run(), name="cron")
        self._wake.set()

    def _changed(self, event: Event) -> None:
        """Look again where something was planned, or a place may have become free."""
        if event.kind in NEWS:
            self._wake.set()

    def configure(self, settings: CronSettings) -> None:
        """Use new settings from now on."""
        self.room.settings = settings
        self._wake.set()

    def rest(self) -> None:
        """Take up nothing more."""
        self._closed = True
        self.runs.close()

    async def drain(self, seconds: float) -> None:
        """Stop the clock and let what runs end for a bounded time."""
        self.rest()
        for unlisten in self._unlisten:
            unlisten()
        self._unlisten = []
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        self._jumps.close()
        if self._alarm is not None:
            self._alarm.stop()
        await self.runs.drain(seconds)

    async def facts(self) -> Mapping[str, object]:
        """Return what a status says about jobs."""
        counts, open_runs = await self.room.database.read(_counts)
        facts: dict[str, object] = {"jobs": counts, "runs": open_runs}
        if not self.room.settings.enabled and counts:
            facts["warnings"] = ["Cron: jobs do not run (cron.enabled is false)."]
        return facts

    # The clock

    async def _run(self) -> None:
        self._looked_at = self.room.clock.now()
        while not self._closed:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.look()
            except HermesError as error:
                log.warning("The times of jobs could not be looked at: %s", error)
                asyncio.get_running_loop().call_later(RETRY_SECONDS, self._wake.set)

    async def look(self) -> None:
        """Do everything that is due, and arm the clock for what is next."""
        room = self.room
        if not room.settings.enabled or self._closed:
            return
        now = room.clock.now()
        if now < self._looked_at - BACK_MS:
            await self._realign()
        self._looked_at = now
        await self._take()
        if await room.database.read(taking.has_untold):
            await room.database.write(taking.tell)
        await self._claim()
        await self.deliveries.deliver_due()
        await self._prune(now)
        moment, prompt = await room.database.read(_next)
        self._arm(self._warmed(moment, prompt, now))

    def _warmed(self, moment: int | None, prompt: int | None, now: int) -> int | None:
        """Load the agents shortly before a prompt is due; return when to look next."""
        if prompt is None or moment is None or self._warm_for == prompt:
            return moment
        if prompt - now <= WARM_MS:
            self._warm_for = prompt
            self.room.ports.warm()
            return moment
        return min(moment, prompt - WARM_MS)

    async def _take(self) -> None:
        """Take up what is due; the work begins behind the first of it, so that none of these wait for it."""
        while found := await self.room.database.read(taking.due, self.room.clock.now()):
            crashpoint("cron.after_due")
            looked, taken = await self._looked(found), list[tuple[Fire, Schedule]]()
            while looked:
                async with self.room.pace.unit(len(looked)) as count:
                    claimed = await self._take_some(looked[:count])
                if claimed is None:
                    self._begin(taken)
                    return
                looked = looked[count:]
                taken += claimed
            self._begin(taken)

    async def _take_some(self, some: list[taking.Found]) -> list[tuple[Fire, Schedule]] | None:
        """Take up some at their time; ``None`` where the clock does not come to it."""
        if not await self._until(max(one.schedule.next_at or 0 for one in some)):
            return None
        claimed, _ = await self.room.database.write(taking.take, self.room.settings, self.room.zone, some)
        crashpoint("cron.after_rows")
        return claimed

    async def _until(self, moment: int) -> bool:
        """Wait for a moment that is near; tell whether it has come."""
        for _ in range(UNTIL):
            if (ahead := moment - self.room.clock.now()) <= 0:
                return True
            await asyncio.sleep(ahead / SECOND_MS)
        return self.room.clock.now() >= moment

    def _begin(self, claimed: list[tuple[Fire, Schedule]]) -> None:
        if claimed:
            crashpoint("cron.after_claim")
        for fire, schedule in claimed:
            self.runs.add(fire, schedule)

    async def _looked(self, found: list[Schedule]) -> list[taking.Found]:
        """Work out what becomes of schedules: in a thread, unless it is one alone whose time is now."""
        now = self.room.clock.now()
        if len(found) == 1 and now - (found[0].instant or now) < SOON_MS:
            return taking.look(self.room, found, now)
        return await asyncio.to_thread(taking.look, self.room, found, now)

    async def _claim(self) -> None:
        seen = len(await self.room.database.read(fires.ready, self.room.clock.now(), 1))
        while seen and not self._closed:
            async with self.room.pace.unit(taking.BATCH) as count:
                claimed, seen = await self.room.database.write(taking.claim, self.room.settings, count)
            self._begin(claimed)

    async def _realign(self) -> None:
        log.warning("The clock went back; the next times of jobs are worked out anew.")
        last, count = 0, REALIGNED
        while count == REALIGNED:
            last, count = await self.room.database.write(taking.realign, last, REALIGNED)

    async def _prune(self, now: int) -> None:
        """Once a day, forget runs that are older than is wished."""
        if now - self._pruned_at < DAY_MS:
            return
        self._pruned_at = now
        before = now - self.room.settings.keep_days * DAY_MS
        while await self.room.database.write(fires.prune, before, PRUNED) == PRUNED:
            pass

    def _arm(self, moment: int | None) -> None:
        if moment is None and self._alarm is None:
            # Nothing is planned: the clock and its library are not even loaded.
            return
        if self._alarm is None:
            self._jumps.open()
            self._alarm = self._make_alarm(self._wake.set, self._jumps.works)
        self._alarm.arm(moment, self.room.clock.now())


def _next(q: Query) -> tuple[int | None, int | None]:
    """Return the earliest moment at which there is something to do, and when the first prompt among the next is due."""
    planned = schedules.next_at(q)
    moments = (planned and planned - taking.LEAD_MS, fires.next_ready(q), fires.next_held(q))
    return min((moment for moment in moments if moment is not None), default=None), schedules.next_prompt(q)


def _counts(q: Query) -> tuple[dict[str, int], dict[str, int]]:
    return schedules.counts(q), fires.counts(q)
