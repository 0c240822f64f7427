"""Running jobs: what is taken up is begun as places get free, and brought to its end."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial

from cron.checks import Checks, NotMet
from cron.delivery import Deliveries
from cron.ending import Ended
from cron.fetching import Fetching
from cron.following import Following, script_end
from cron.kinds import prompts, recipes
from cron.kinds.scripts import Scripts, action_of, judged
from cron.places import Places
from cron.reminding import Reminders
from cron.room import Room
from cron.settings import SECOND_MS
from cron.settling import Settling
from kernel.approvals import Approval
from kernel.crashpoints import crashpoint
from kernel.errors import AccessDenied, AgentError, HermesError, InvalidInput, NotFound, Stale, StoreError
from kernel.people import Role
from kernel.schedules import Fire, JobKind, Schedule
from kernel.states import FireState
from store import approvals, fires, schedules
from store.units import Query, Unit

log = logging.getLogger(__name__)

# Turns that a crash ended this often are not begun again.
MOST_CRASHES = 3


class Runs:
    """The runs of jobs that are at work, or wait for somebody."""

    def __init__(self, room: Room, scripts: Scripts, deliveries: Deliveries, http: Fetching) -> None:
        self._room = room
        self._scripts = scripts
        self._deliveries = deliveries
        self._http = http
        self._checks = Checks(room, scripts, http)
        self._settling = Settling(room, deliveries)
        self._places = Places(room, self._begin)
        self._reminders = Reminders(room, deliveries, self._settling, self._spawn)
        self._following = Following(room, self._settling, self._places, self._overdue)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._unlisten: list[Callable[[], None]] = []

    @property
    def busy(self) -> int:
        """How many take one of the places; a run that waits for a person takes none."""
        return len(self._places.busy)

    def open(self, group: asyncio.TaskGroup) -> None:
        """Begin to hear of turns and decisions."""
        self._group = group
        self._unlisten = self._following.listen(self._room.bus)
        group.create_task(self._following.run(), name="runs of jobs")

    def close(self) -> None:
        """Begin nothing more."""
        self._places.close()

    async def drain(self, seconds: float) -> None:
        """Let what runs end for a bounded time; what does not is settled by the next start."""
        self.close()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=seconds)
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values())
        self._following.close()
        for unlisten in self._unlisten:
            unlisten()
        self._unlisten = []

    def add(self, fire: Fire, schedule: Schedule) -> None:
        """Begin a run that was taken up, as soon as there is a place; a plain reminder needs none."""
        if schedule.job.kind is JobKind.REMINDER and schedule.job.check is None:
            self._reminders.add(fire, schedule)
        else:
            self._places.add(fire, schedule)

    def _begin(self, fire: Fire, schedule: Schedule) -> None:
        self._spawn(fire, self._run(fire, schedule))

    def _spawn(self, fire: Fire, work: Coroutine[object, object, None]) -> bool:
        """Let a run be worked at; tell whether it will be."""
        assert self._group is not None  # noqa: S101 - open comes first
        try:
            task = self._group.create_task(work, name=f"run {fire.id}")
        except RuntimeError:
            # The daemon is ending; the next start puts back what was taken up.
            work.close()
            return False
        self._tasks[fire.id] = task
        task.add_done_callback(partial(self._task_done, fire.id))
        return True

    def _task_done(self, id: int, _task: asyncio.Task[None]) -> None:
        self._tasks.pop(id, None)

    async def _run(self, fire: Fire, schedule: Schedule) -> None:
        """Carry out one run; a prompt is only begun here, and is over with its turn."""
        goes_on = False
        try:
            goes_on = await self._attempt(fire, schedule)
        except NotMet as reason:
            await self._settling.surely(fire, Ended("skip", error=str(reason)))
        except (AccessDenied, InvalidInput, NotFound) as error:
            await self._settling.surely(fire, Ended("fail", error=str(error), lasting=True))
        except Stale as error:
            await self._settling.guarded(fire, self._settle_stale(fire, error))
        except StoreError as error:
            log.warning("Run %s of job %s was not stored: %s", fire.id, schedule.name, error)
        except HermesError as error:
            await self._settling.surely(fire, Ended("fail", error=str(error)))
        except Exception as error:
            # A bug in one job must end that run alone, with a sentence about it.
            log.exception("Run %s of job %s broke.", fire.id, schedule.name)
            broke = Ended(
                "fail", error=f"It broke ({type(error).__name__}); the log has the details.", lasting=True
            )
            await self._settling.surely(fire, broke)
        finally:
            if not goes_on:
                self._following.rest(fire.id)

    async def _settle_stale(self, fire: Fire, error: Stale) -> None:
        """End a run that cannot begin; one that somebody else has ended is left as it is."""
        found = await self._room.database.read(fires.get, fire.id)
        if found.state in (FireState.CLAIMED, FireState.RUNNING):
            await self._settling.end(found, Ended("fail", error=str(error), lasting=True))

    async def _attempt(self, fire: Fire, schedule: Schedule) -> bool:
        """Carry out one attempt; tell whether it goes on without this task."""
        self._may(schedule)
        said = await self._checks.passes(schedule, fire)
        text = _filled(schedule, said, await self._room.database.read(_upstream, schedule, fire))
        match schedule.job.kind:
            case JobKind.PROMPT:
                return await self._prompt(fire, schedule, text)
            case JobKind.SCRIPT:
                await self._script(fire, schedule)
            case JobKind.TASK:
                await self._task(fire, schedule, text)
            case JobKind.RECIPE:
                await self._recipe(fire, schedule)
            case JobKind.REMINDER:
                await self._settling.end(fire, Ended("finish", text))
        return False

    def _may(self, schedule: Schedule) -> None:
        """Raise AccessDenied where the job's owner may not run such a thing any more."""
        role = self._room.ports.principal_of(schedule.owner).role
        if role < Role.OPERATOR:
            raise AccessDenied(
                f"{schedule.owner} may not run this any more.",
                remedy="An operator can make the job anew.",
            )

    async def _start(self, fire: Fire) -> Fire:
        found = await self._room.database.write(_start, fire.id)
        crashpoint("cron.after_start")
        return found

    async def _script(self, fire: Fire, schedule: Schedule) -> None:
        action = await action_of(self._room, schedule, schedule.job.text)
        started = await self._start(fire)
        verdict = await judged(self._room, schedule, started, action, partial(_wait_for, started.id))
        if isinstance(verdict, Approval):
            self._following.request(fire, verdict.id)
            return
        seconds = self._room.settings.timeout_ms(JobKind.SCRIPT, schedule.job.timeout) / SECOND_MS
        await self._settling.end(started, script_end(await self._scripts.run(verdict, seconds)))

    async def _task(self, fire: Fire, schedule: Schedule, text: str) -> None:
        board = self._room.ports.tasks
        if board is None:
            raise InvalidInput("There is no board to put a task on.")
        started = await self._start(fire)
        number = await board.create(schedule, schedule.name, text)
        await self._settling.end(started, Ended("finish", f"Task {number} is on the board."))

    async def _recipe(self, fire: Fire, schedule: Schedule) -> None:
        started = await self._start(fire)
        seconds = self._room.settings.timeout_ms(JobKind.RECIPE, schedule.job.timeout) / SECOND_MS
        try:
            async with asyncio.timeout(seconds):
                result = await recipes.run(self._room, self._http, schedule, fire)
        except TimeoutError:
            raise AgentError(f"The recipe took longer than {seconds:g} seconds.") from None
        crashpoint("cron.before_end")
        await self._settling.end(started, result)

    async def _prompt(self, fire: Fire, schedule: Schedule, text: str) -> bool:
        targets = [] if schedule.job.session else await self._deliveries.targets(schedule)
        place = prompts.place_of(schedule, targets)
        started = await self._room.database.write(prompts.begin, schedule, fire, place, text)
        crashpoint("cron.after_start")
        self._following.session(started, schedule)
        return True

    async def _overdue(self, fire: Fire) -> None:
        await self.stop(fire, "its time was over", "fail")

    async def stop(self, fire: Fire, why: str, event: str = "cancel") -> None:
        """End a run: its turn, its script, its request."""
        self._following.forget(fire)
        if fire.inbox_id:
            await self._room.database.write(prompts.withdraw, fire)
            self._room.ports.halt(fire.session_id, why)
            await self._room.ports.cancel(fire.session_id, "system")
        if fire.approval_id:
            await self._room.database.write(_cancel_request, fire.approval_id)
        if (task := self._tasks.get(fire.id)) is not None:
            task.cancel()
            await asyncio.wait((task,))
        await self._settling.surely(fire, Ended(event, error=f"It was stopped: {why}.", lasting=True))
        self._following.rest(fire.id)

    # After a start

    async def adopt(self, found: list[Fire]) -> None:
        """Go on with what the last process left: turns and requests go on, recipes run again, the rest is lost."""
        for fire in found:
            schedule = await self._room.database.read(_schedule, fire)
            if schedule is None:
                await self._settling.surely(fire, Ended("cancel", error="The job was deleted."))
            elif fire.inbox_id:
                self._following.session(fire, schedule)
                if fire.state is FireState.WAITING:
                    self._following.rest(fire.id)
            elif fire.approval_id and fire.state is FireState.WAITING:
                self._following.request(fire, fire.approval_id)
            elif schedule.job.kind is JobKind.RECIPE and fire.attempts < MOST_CRASHES:
                await self._room.database.write(_run_again, fire.id)
            else:
                await self._settling.surely(fire, Ended("lose", error=FireState.LOST.sentence))


def _filled(schedule: Schedule, said: str, upstream: str) -> str:
    """Return the job's text with what its check and the job before it said."""
    text = schedule.job.text
    for name, value in (("{check}", said), ("{result}", upstream)):
        text = text.replace(name, value)
    if upstream and "{result}" not in schedule.job.text and schedule.rule.startswith("after:"):
        return f"{text}\n\nThe job before this one gave:\n{upstream}"
    return text


def _upstream(q: Query, schedule: Schedule, fire: Fire) -> str:
    """Return the result of the run that a run follows."""
    if not schedule.rule.startswith("after:"):
        return ""
    before = fires.at_instant(q, int(schedule.rule.split(":")[1]), fire.instant)
    return (before.result or before.error) if before is not None else ""


def _start(tx: Unit, id: int) -> Fire:
    return fires.move(tx, id, "start", started_at=tx.now)


def _wait_for(id: int, tx: Unit, approval: Approval) -> None:
    fires.move(tx, id, "wait", approval_id=approval.id)


def _run_again(tx: Unit, id: int) -> None:
    fires.move(tx, id, "retry", ready_at=tx.now)


def _cancel_request(tx: Unit, id: str) -> None:
    if approvals.get(tx, id).open:
        approvals.move(tx, id, "cancel", ended_at=tx.now)


def _schedule(q: Query, fire: Fire) -> Schedule | None:
    try:
        return schedules.get(q, fire.schedule_id)
    except NotFound:
        return None
