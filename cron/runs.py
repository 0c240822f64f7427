"""Running jobs: what is taken up is begun as places get free, followed, and brought to its end."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial

from approvals import wording
from cron.checks import Checks, NotMet
from cron.delivery import Deliveries, owe
from cron.ending import Ended, end
from cron.fetching import Fetching
from cron.kinds import prompts, recipes
from cron.kinds.scripts import Scripts, action_of, judged
from cron.room import Room
from cron.settings import SECOND_MS
from kernel.approvals import Approval, CallResult
from kernel.crashpoints import crashpoint
from kernel.errors import AccessDenied, AgentError, HermesError, InvalidInput, NotFound, Stale, StoreError
from kernel.events import Event
from kernel.messages import Address
from kernel.people import Role
from kernel.schedules import Fire, JobKind, Schedule
from kernel.states import ApprovalState, FireState, TurnState
from store import approvals, fires, schedules
from store.units import Query, Unit

log = logging.getLogger(__name__)

# Turns that a crash ended this often are not begun again.
MOST_CRASHES = 3
# Reminders that one unit says: it keeps the writer busy for some milliseconds only.
REMINDERS = 8
APPROVAL_ENDS = ("finish", "refuse", "expire", "void", "cancel", "lose", "settle")


class Runs:
    """The runs of jobs that are at work, or wait for somebody.

    ``busy`` are those that take one of the places; a run that waits for a person takes none.
    """

    def __init__(self, room: Room, scripts: Scripts, deliveries: Deliveries, http: Fetching) -> None:
        self._room = room
        self._scripts = scripts
        self._deliveries = deliveries
        self._http = http
        self._checks = Checks(room, scripts, http)
        self._queue: deque[tuple[Fire, Schedule]] = deque()
        self._reminders: deque[tuple[Fire, Schedule]] = deque()
        self._reminding: asyncio.Task[None] | None = None
        self._tasks: dict[int, asyncio.Task[None]] = {}
        # Runs by the session whose turns they are, by turn, and by the request they wait for.
        self._sessions: dict[str, int] = {}
        self._turns: dict[str, int] = {}
        self._requests: dict[str, int] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self.busy: set[int] = set()
        self._group: asyncio.TaskGroup | None = None
        self._heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._unlisten: list[Callable[[], None]] = []
        self._closed = False

    def open(self, group: asyncio.TaskGroup) -> None:
        """Begin to hear of turns and decisions."""
        self._group = group
        bus = self._room.bus
        self._unlisten = [bus.listen("turn.", self._hear_turn), bus.listen("approval.", self._hear_request)]
        group.create_task(self._follow(), name="runs of jobs")

    def close(self) -> None:
        """Begin nothing more."""
        self._closed = True

    async def drain(self, seconds: float) -> None:
        """Let what runs end for a bounded time; what does not is settled by the next start."""
        self.close()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=seconds)
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values())
        for timer in self._timers.values():
            timer.cancel()
        for unlisten in self._unlisten:
            unlisten()
        self._unlisten = []

    # Beginning

    def add(self, fire: Fire, schedule: Schedule) -> None:
        """Begin a run that was taken up, as soon as there is a place; a reminder needs none."""
        if schedule.job.kind is JobKind.REMINDER:
            self._reminders.append((fire, schedule))
            if self._reminding is None:
                self._reminding = self._spawn(fire, self._remind())
            return
        self._queue.append((fire, schedule))
        self._pump()

    def _pump(self) -> None:
        while self._queue and len(self.busy) < self._room.settings.at_once and not self._closed:
            fire, schedule = self._queue.popleft()
            self.busy.add(fire.id)
            self._spawn(fire, self._run(fire, schedule))

    def _spawn(self, fire: Fire, work: Coroutine[object, object, None]) -> asyncio.Task[None] | None:
        assert self._group is not None  # noqa: S101 - open comes first
        try:
            task = self._group.create_task(work, name=f"run {fire.id}")
        except RuntimeError:
            # The daemon is ending; the next start puts back what was taken up.
            work.close()
            return None
        self._tasks[fire.id] = task
        task.add_done_callback(partial(self._task_done, fire.id))
        return task

    def _task_done(self, id: int, _task: asyncio.Task[None]) -> None:
        self._tasks.pop(id, None)

    def _free(self, id: int) -> None:
        """Give a run's place back."""
        self.busy.discard(id)
        if (timer := self._timers.pop(id, None)) is not None:
            timer.cancel()
        self._pump()

    # One run

    async def _remind(self) -> None:
        """Say the reminders whose time has come, some at a time: a thousand of them leave room for chats."""
        try:
            while self._reminders:
                some = [self._reminders.popleft() for _ in range(min(REMINDERS, len(self._reminders)))]
                try:
                    await self._say(some)
                except HermesError as error:
                    log.info("Reminders are said one by one: %s", error)
                    for fire, schedule in some:
                        await self._guarded(fire, self._end(fire, Ended("finish", schedule.job.text)))
        finally:
            self._reminding = None

    async def _say(self, some: Sequence[tuple[Fire, Schedule]]) -> None:
        """Store the end of reminders with what is owed for them; one that is held or wants a thread is owed later."""
        places = [
            () if schedule.job.thread else tuple(await self._deliveries.targets(schedule))
            for _, schedule in some
        ]
        crashpoint("cron.before_end")
        said = [(fire, schedule, place) for (fire, schedule), place in zip(some, places, strict=True)]
        later = await self._room.database.write(_say_all, self._room, said)
        crashpoint("cron.after_end")
        for fire in later:
            await self._deliveries.deliver(fire)
        crashpoint("cron.after_deliver")

    async def _run(self, fire: Fire, schedule: Schedule) -> None:
        """Carry out one run; a prompt is only begun here, and is over with its turn."""
        goes_on = False
        try:
            goes_on = await self._attempt(fire, schedule)
        except NotMet as reason:
            await self._guarded(fire, self._end(fire, Ended("skip", error=str(reason))))
        except (AccessDenied, InvalidInput, NotFound) as error:
            await self._guarded(fire, self._end(fire, Ended("fail", error=str(error), lasting=True)))
        except Stale as error:
            await self._guarded(fire, self._settle_stale(fire, error))
        except StoreError as error:
            log.warning("Run %s of job %s was not stored: %s", fire.id, schedule.name, error)
        except HermesError as error:
            await self._guarded(fire, self._end(fire, Ended("fail", error=str(error))))
        except Exception as error:
            # A bug in one job must end that run alone, with a sentence about it.
            log.exception("Run %s of job %s broke.", fire.id, schedule.name)
            broke = Ended(
                "fail", error=f"It broke ({type(error).__name__}); the log has the details.", lasting=True
            )
            await self._guarded(fire, self._end(fire, broke))
        finally:
            if not goes_on:
                self._free(fire.id)

    async def _settle_stale(self, fire: Fire, error: Stale) -> None:
        """End a run that cannot begin; one that somebody else has ended is left as it is."""
        found = await self._room.database.read(fires.get, fire.id)
        if found.state in (FireState.CLAIMED, FireState.RUNNING):
            await self._end(found, Ended("fail", error=str(error), lasting=True))

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
                await self._end(fire, Ended("finish", text))
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
            self._requests[verdict.id] = fire.id
            # It may have been decided before anybody listened.
            self._heard.put_nowait(("approval", verdict.id))
            return
        seconds = self._room.settings.timeout_ms(JobKind.SCRIPT, schedule.job.timeout) / SECOND_MS
        await self._end(started, _ended(await self._scripts.run(verdict, seconds)))

    async def _task(self, fire: Fire, schedule: Schedule, text: str) -> None:
        board = self._room.ports.tasks
        if board is None:
            raise InvalidInput("There is no board to put a task on.")
        started = await self._start(fire)
        number = await board.create(schedule, schedule.name, text)
        await self._end(started, Ended("finish", f"Task {number} is on the board."))

    async def _recipe(self, fire: Fire, schedule: Schedule) -> None:
        started = await self._start(fire)
        seconds = self._room.settings.timeout_ms(JobKind.RECIPE, schedule.job.timeout) / SECOND_MS
        try:
            async with asyncio.timeout(seconds):
                result = await recipes.run(self._room, self._http, schedule, fire)
        except TimeoutError:
            raise AgentError(f"The recipe took longer than {seconds:g} seconds.") from None
        crashpoint("cron.before_end")
        await self._end(started, result)

    async def _prompt(self, fire: Fire, schedule: Schedule, text: str) -> bool:
        targets = [] if schedule.job.session else await self._deliveries.targets(schedule)
        place = prompts.place_of(schedule, targets)
        started = await self._room.database.write(prompts.begin, schedule, fire, place, text)
        crashpoint("cron.after_start")
        self._watch(started, schedule)
        # The turn may have begun, or be over, before anybody listened.
        self._heard.put_nowait(("session", started.session_id))
        return True

    def _watch(self, fire: Fire, schedule: Schedule) -> None:
        self._sessions[fire.session_id] = fire.id
        self.busy.add(fire.id)
        seconds = self._room.settings.timeout_ms(JobKind.PROMPT, schedule.job.timeout) / SECOND_MS
        loop = asyncio.get_running_loop()
        self._timers[fire.id] = loop.call_later(seconds, self._heard.put_nowait, ("timeout", str(fire.id)))

    async def _end(self, fire: Fire, ended: Ended) -> None:
        crashpoint("cron.before_end")
        redact = self._room.redact
        ended = replace(ended, result=redact(ended.result), error=redact(ended.error))
        over = await self._room.database.write(end, self._room, fire, ended)
        crashpoint("cron.after_end")
        if over.deliver_at is not None and over.deliver_at <= self._room.clock.now():
            await self._deliveries.deliver(over)

    async def _guarded(self, fire: Fire, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except Stale as stale:
            log.info("%s", stale)
        except HermesError as error:
            # What is not stored now is settled by the next start or look.
            log.warning("The end of run %s was not stored: %s", fire.id, error)

    # Following

    def _hear_turn(self, event: Event) -> None:
        if event.kind == "turn.start" and (session := str(event.body.get("session"))) in self._sessions:
            self._turns[event.subject] = self._sessions[session]
            self._heard.put_nowait(("turn", event.subject))
        elif event.subject in self._turns and event.kind != "turn.start":
            self._heard.put_nowait(("turn", event.subject))

    def _hear_request(self, event: Event) -> None:
        if event.subject in self._requests and event.kind.removeprefix("approval.") in APPROVAL_ENDS:
            self._heard.put_nowait(("approval", event.subject))

    async def _follow(self) -> None:
        while True:
            what, id = await self._heard.get()
            try:
                await self._told(what, id)
            except Stale as stale:
                log.info("%s", stale)
            except HermesError as error:
                log.warning("What became of a job's run was not stored: %s", error)

    async def _told(self, what: str, id: str) -> None:
        match what:
            case "turn":
                await self._turn(id)
            case "session" if (number := self._sessions.get(id)) is not None:
                fire = await self._room.database.read(fires.get, number)
                if turn := await self._room.database.read(prompts.newest_turn, fire):
                    self._turns[turn] = number
                    await self._turn(turn)
            case "approval" if id in self._requests:
                await self._request(id)
            case "timeout":
                await self._timed_out(int(id))
            case _:
                pass

    async def _turn(self, turn_id: str) -> None:
        """Bring a run up to date with its turn."""
        number = self._turns.get(turn_id)
        if number is None:
            return
        fire = await self._room.database.read(fires.get, number)
        facts = await self._room.database.read(_facts, fire, turn_id)
        if facts is None:
            return
        state, ended = facts
        if ended is not None:
            self._forget(fire)
            await self._end(fire, ended)
            self._free(fire.id)
        elif state is TurnState.SUSPENDED and fire.state is FireState.RUNNING:
            await self._room.database.write(fires.move, fire.id, "wait")
            self._free(fire.id)
        elif state is TurnState.RUNNING and fire.state is FireState.WAITING:
            await self._room.database.write(fires.move, fire.id, "go_on")
            self._watch(fire, await self._room.database.read(schedules.get, fire.schedule_id))

    def _forget(self, fire: Fire) -> None:
        self._sessions.pop(fire.session_id, None)
        self._turns = {turn: number for turn, number in self._turns.items() if number != fire.id}

    async def _request(self, approval_id: str) -> None:
        """Bring a run up to date with the request it waits for."""
        found, next_one = await self._room.database.read(_request, approval_id)
        if found.open or found.state in (ApprovalState.APPROVED, ApprovalState.RUNNING):
            return
        number = self._requests.pop(approval_id)
        fire = await self._room.database.read(fires.get, number)
        if next_one is not None:
            await self._room.database.write(_wait_anew, fire.id, next_one.id)
            self._requests[next_one.id] = number
            self._heard.put_nowait(("approval", next_one.id))
            return
        await self._end(fire, _decided(found))

    async def _timed_out(self, id: int) -> None:
        fire = await self._room.database.read(fires.get, id)
        if fire.state is FireState.RUNNING:
            await self.stop(fire, "its time was over", "fail")

    async def stop(self, fire: Fire, why: str, event: str = "cancel") -> None:
        """End a run: its turn, its script, its request."""
        self._forget(fire)
        if fire.inbox_id:
            await self._room.database.write(prompts.withdraw, fire)
            self._room.ports.halt(fire.session_id, why)
            await self._room.ports.cancel(fire.session_id, "system")
        if fire.approval_id:
            self._requests.pop(fire.approval_id, None)
            await self._room.database.write(_cancel_request, fire.approval_id)
        if (task := self._tasks.get(fire.id)) is not None:
            task.cancel()
            await asyncio.wait((task,))
        await self._guarded(
            fire, self._end(fire, Ended(event, error=f"It was stopped: {why}.", lasting=True))
        )
        self._free(fire.id)

    # After a start

    async def adopt(self, found: list[Fire]) -> None:
        """Go on with what the last process left: turns and requests go on, recipes run again, the rest is lost."""
        for fire in found:
            schedule = await self._room.database.read(_schedule, fire)
            if schedule is None:
                await self._guarded(fire, self._end(fire, Ended("cancel", error="The job was deleted.")))
            elif fire.inbox_id:
                self._watch(fire, schedule)
                if fire.state is FireState.WAITING:
                    self._free(fire.id)
                self._heard.put_nowait(("session", fire.session_id))
            elif fire.approval_id and fire.state is FireState.WAITING:
                self._requests[fire.approval_id] = fire.id
                self._heard.put_nowait(("approval", fire.approval_id))
            elif schedule.job.kind is JobKind.RECIPE and fire.attempts < MOST_CRASHES:
                await self._room.database.write(_run_again, fire.id)
            else:
                await self._guarded(fire, self._end(fire, Ended("lose", error=FireState.LOST.sentence)))


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


def _say_all(tx: Unit, room: Room, said: Sequence[tuple[Fire, Schedule, tuple[Address, ...]]]) -> list[Fire]:
    """Store the end of reminders and owe them; return those that are to be delivered by somebody else now."""
    later: list[Fire] = []
    for fire, schedule, places in said:
        over = end(tx, room, fire, Ended("finish", room.redact(schedule.job.text)))
        due = over.deliver_at is not None and over.deliver_at <= tx.now
        if due and not schedule.job.thread:
            owe(tx, room, schedule, over, places)
        elif due:
            later.append(over)
    return later


def _start(tx: Unit, id: int) -> Fire:
    return fires.move(tx, id, "start", started_at=tx.now)


def _wait_for(id: int, tx: Unit, approval: Approval) -> None:
    fires.move(tx, id, "wait", approval_id=approval.id)


def _wait_anew(tx: Unit, id: int, approval_id: str) -> None:
    fires.move(tx, id, "go_on")
    fires.move(tx, id, "wait", approval_id=approval_id)


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


def _facts(q: Query, fire: Fire, turn_id: str) -> tuple[TurnState, Ended | None] | None:
    """Return how a run's turn is, and how the run ends where it is over."""
    from_turn = prompts.over(q, fire, turn_id)
    if from_turn is None:
        found = prompts.state_of(q, turn_id)
        return None if found is None else (found, None)
    return from_turn.state, prompts.ending(from_turn)


def _request(q: Query, id: str) -> tuple[Approval, Approval | None]:
    return approvals.get(q, id), approvals.follower(q, id)


def _ended(result: CallResult) -> Ended:
    """Return how a script's run ends by its exit code."""
    if result.exit_code:
        error = f"The script ended with {result.exit_code}."
        return Ended("fail", result.text, error)
    if result.exit_code is None and result.text.startswith("Failed: "):
        return Ended("fail", error=result.text.removeprefix("Failed: "), lasting=True)
    return Ended("finish", result.text)


def _decided(approval: Approval) -> Ended:
    """Return how a run ends whose script a person has decided about."""
    match approval.state:
        case ApprovalState.DONE:
            return _ended(CallResult(approval.result, approval.exit_code))
        case ApprovalState.UNKNOWN:
            return Ended("lose", error=FireState.LOST.sentence)
        case _:
            return Ended("fail", error=wording.decided(approval), lasting=True)
