"""The supervisor: starts what was taken, looks after what runs, and ends what takes too long or died."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from board import lanes, limits, workspaces
from board.dispatcher import Taken
from board.failures import Extra, record_task_failure
from board.room import Room
from kernel.crashpoints import crashpoint
from kernel.errors import HermesError, SpawnFailed, Stale
from kernel.events import Event
from kernel.states import AttemptState, TaskState
from kernel.tasks import Attempt, AttemptOutcome, Brief, Job, Task, Worker
from store import attempts, tasks
from store.units import Query, Unit

log = logging.getLogger(__name__)

ENDINGS = frozenset(f"attempt.{outcome}" for outcome in AttemptOutcome)


class Supervisor:
    """Looks after the attempts that hold tasks now; ``workers`` execute them, by lane."""

    def __init__(self, room: Room, workers: Mapping[str, Worker]) -> None:
        self._room = room
        self._workers = workers
        self._group: asyncio.TaskGroup | None = None
        self._starting: set[tuple[int, int]] = set()
        self._jobs: set[asyncio.Task[None]] = set()
        self._folders: dict[str, Path] = {}
        self._changed = asyncio.Event()
        self._unlisten: Callable[[], None] | None = None

    def open(self, group: asyncio.TaskGroup) -> None:
        """Begin to hear of attempts that are ended by others."""
        self._group = group
        self._unlisten = self._room.bus.listen("attempt.", self._heard)

    def close(self) -> None:
        """Hear of nothing more."""
        if self._unlisten is not None:
            self._unlisten()
            self._unlisten = None

    def folder(self, session_id: str) -> Path | None:
        """Return where the attempt works whose conversation a session holds."""
        folder = self._folders.get(session_id)
        # A worktree goes when its task is done; whoever talks on in the conversation works in the usual folder.
        return folder if folder is not None and folder.is_dir() else None

    def keep_folder(self, session_id: str, folder: str) -> None:
        """Remember where a session's attempts work."""
        if session_id and folder:
            self._folders[session_id] = Path(folder)

    def begin(self, taken: Taken) -> None:
        """Start an attempt that was taken."""
        self._starting.add((taken.id, taken.epoch))
        self._spawn(self._begin(taken))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._group is not None  # noqa: S101 - open comes first
        try:
            job = self._group.create_task(work)
        except RuntimeError:
            # The daemon is ending; the next start looks at what is left here.
            work.close()
            return
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    async def _begin(self, taken: Taken) -> None:
        try:
            await self._start(taken)
        except Stale:
            log.info("Task %s was taken back before its attempt %s began.", taken.id, taken.epoch)
        except SpawnFailed as error:
            await self._fail(taken.id, taken.epoch, str(error), AttemptOutcome.SPAWN_FAILED, error.lasting)
        except Exception as error:
            # Whatever keeps an attempt from starting is a failed start, counted like any other.
            log.exception("Attempt %s of task %s could not be started.", taken.epoch, taken.id)
            await self._fail(
                taken.id, taken.epoch, f"{type(error).__name__}: {error}", AttemptOutcome.SPAWN_FAILED
            )
        finally:
            self._starting.discard((taken.id, taken.epoch))
            self._changed.set()

    async def _start(self, taken: Taken) -> None:
        task, brief = await self._room.database.read(_task_and_brief, taken.id)
        if reason := limits.overspent(task):
            extra = Extra(taken.epoch, action=reason)
            await self._room.database.write(
                record_task_failure,
                self._room.settings,
                task.id,
                reason,
                AttemptOutcome.RELEASED,
                extra=extra,
            )
            return
        worker = self._workers.get(lanes.kind(task.lane))
        if worker is None:
            raise SpawnFailed(f"Nothing executes the lane {task.lane}.", lasting=True)
        folder = await workspaces.prepare(self._room, task.id, taken.epoch, brief)
        path = self._room.logs / f"{task.id}-{taken.epoch}.log"
        await worker.start(Job(task, brief, taken.epoch, taken.agent, folder, path))

    async def _fail(
        self, task_id: int, epoch: int, error: str, outcome: AttemptOutcome, lasting: bool = False
    ) -> None:
        extra = Extra(epoch, lasting=lasting)
        try:
            await self._room.database.write(
                record_task_failure,
                self._room.settings,
                task_id,
                self._room.redact(error),
                outcome,
                extra=extra,
            )
        except HermesError as problem:
            log.warning("The end of attempt %s of task %s was not stored: %s", epoch, task_id, problem)
        crashpoint("task.after_failure")

    def _heard(self, event: Event) -> None:
        """Stop what runs for an attempt that somebody ended."""
        self._changed.set()
        if event.kind in ENDINGS:
            self._spawn(self._end(int(event.subject), int(str(event.body["epoch"])), event.kind))

    async def _end(self, task_id: int, epoch: int, kind: str) -> None:
        attempt = await self._room.database.read(attempts.get, task_id, epoch)
        worker = self._workers.get(lanes.kind(attempt.lane))
        if worker is not None:
            await worker.stop(attempt, attempt.error or kind.removeprefix("attempt."))
        await self._tidy(attempt)

    async def _tidy(self, attempt: Attempt) -> None:
        task, project = await self._room.database.read(_task_and_project, attempt.task_id)
        if task.state in (TaskState.DONE, TaskState.CANCELLED):
            await workspaces.tidy(self._room, attempt, project)

    async def run(self) -> None:
        """Look after what runs until cancelled."""
        while True:
            self._changed.clear()
            pause = await self._safely()
            try:
                async with asyncio.timeout(pause):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _safely(self) -> float:
        try:
            return await self.once()
        except HermesError as error:
            # A full disk ends by itself; what could not be looked after is looked after the next time.
            log.warning("The attempts could not be looked after: %s", error)
            return self._room.settings.heartbeat_seconds

    async def once(self) -> float:
        """Renew leases, end what is over, and return the seconds until the next look."""
        now = self._room.clock.now()
        found = await self._room.database.read(attempts.live)
        for attempt in found:
            self.keep_folder(attempt.session_id, attempt.workspace)
        breathing = [attempt for attempt in found if self._alive(attempt)]
        if renew := [one for one in breathing if one.state is AttemptState.RUNNING]:
            await self._room.database.write(renew_all, renew, self._room.settings.lease_ms)
        for attempt in found:
            await self._judge(attempt, now, alive=attempt in breathing)
        longest = self._room.settings.heartbeat_seconds
        due = [time for one in found for time in (one.deadline_at, one.lease_until) if time > now]
        return min([longest, *(max((time - now) / 1000, 0.01) for time in due)])

    def _alive(self, attempt: Attempt) -> bool:
        if (attempt.task_id, attempt.epoch) in self._starting:
            return False
        worker = self._workers.get(lanes.kind(attempt.lane))
        mine = attempt.host == self._room.settings.machine
        return mine and worker is not None and worker.breathes(attempt)

    async def _judge(self, attempt: Attempt, now: int, *, alive: bool) -> None:
        if attempt.deadline_at and attempt.deadline_at <= now:
            limit = (attempt.deadline_at - attempt.started_at) // 1000
            error = f"Took longer than the {limit} seconds it may take."
            await self._fail(attempt.task_id, attempt.epoch, error, AttemptOutcome.TIMED_OUT)
        elif attempt.lease_until and attempt.lease_until <= now and not alive:
            if attempt.state is AttemptState.CLAIMED:
                error, outcome = "Did not start in time.", AttemptOutcome.SPAWN_FAILED
            else:
                error, outcome = "Gave no sign of life until its lease was over.", AttemptOutcome.LOST
            await self._fail(attempt.task_id, attempt.epoch, error, outcome)

    async def drain(self) -> None:
        """End what does not outlive the daemon, and wait for what is being stored."""
        for worker in self._workers.values():
            await worker.drain()
        if self._jobs:
            await asyncio.wait(self._jobs, timeout=5.0)


def _task_and_brief(q: Query, id: int) -> tuple[Task, Brief]:
    return tasks.get(q, id), tasks.brief(q, id)


def _task_and_project(q: Query, id: int) -> tuple[Task, str]:
    return tasks.get(q, id), tasks.brief(q, id).project


def renew_all(tx: Unit, found: list[Attempt], lease_ms: int) -> None:
    """Renew the leases of attempts that breathe; one that is over meanwhile is left alone."""
    for attempt in found:
        attempts.renew(tx, attempt.task_id, attempt.epoch, lease_ms)
