"""The board as other rooms see it.

For those who build on it:

    board = Board(room, conduct)                      # room: board.room.Room, conduct: board.workers.agents.Conduct
    await board.prepare(group)                        # truth check, before turns go on
    board.begin(group)                                # dispatcher and supervisor, after that
    board.configure(settings)
    await board.drain()
    board.folder(session_id) -> Path | None           # where the attempt works whose conversation a session holds
    board.room.database.read(tasks.get, id)           # all reading is in store.tasks, .attempts, .remarks, .board

    await board.create(Wanted(New(…), Brief(…), needs), actor=principal.id) -> Task
    await board.milestone(task_id, epoch, text, kind="commit") -> int    # "named", "plan", "commit", "tests"
    await board.cancel(id, actor=…, reason=…) -> Task
    await board.say(id, text, "platform:id", sender)  # to the running attempt, which is steered by it

What happens is on the bus, subject always the task's id: ``task.create claim work … ask complete submit accept gave_up
triage block cancel milestone comment artifact repair
hand_off version verdict escalate choose suggest confirm`` and ``attempt.start wait resume succeeded failed timed_out
crashed lost spawn_failed released handed_off cancelled`` (body: ``epoch``).
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from board import deciding, diagnostics, lanes, personas, review, saying, triaging, truth, working
from board.assigner import Assigner
from board.creating import Wanted
from board.dispatcher import Dispatcher
from board.failures import Extra, record_task_failure
from board.keeping import Keeper
from board.reports import BoardReports
from board.review import Judgement
from board.room import Room
from board.settings import BoardSettings
from board.supervisor import Supervisor
from board.triaging import Triager
from board.truth import Truth
from board.workers.agents import AgentWorker, Conduct
from board.workers.processes import ProcessWorker
from kernel.crashpoints import crashpoint
from kernel.ids import new_id
from kernel.messages import Sender
from kernel.people import Principal
from kernel.tasks import AttemptOutcome, Task, Worker
from kernel.turns import Persona
from store import attempts, tasks
from store.attempts import Claim
from store.units import Unit


class Board:
    """Tasks, and what executes them."""

    def __init__(self, room: Room, conduct: Conduct) -> None:
        self.room = room
        self.reports = BoardReports(room)
        self._workers: dict[str, Worker] = {}
        self._supervisor = Supervisor(room, self._workers)
        self._agents = AgentWorker(room, self.reports, conduct, self._supervisor.keep_folder)
        self._workers |= {
            lanes.AGENT: self._agents,
            lanes.CODER: self._agents,
            lanes.PROCESS: ProcessWorker(room, self.reports),
        }
        self.dispatcher = Dispatcher(room, self._supervisor.begin)
        self.assigner = Assigner(room)
        self.triager = Triager(room)
        self._tasks: list[asyncio.Task[None]] = []
        self.found = Truth()

    def use(self, lane: str, worker: Worker) -> None:
        """Let a worker execute the attempts of a lane."""
        self._workers[lane] = worker

    async def prepare(self, group: asyncio.TaskGroup) -> Truth:
        """Compare the board with what really runs and follow it from now on; return what was found."""
        self.room.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._supervisor.open(group)
        self._agents.open(group)
        self.found = await truth.check(self.room, self._workers)
        return self.found

    def begin(self, group: asyncio.TaskGroup) -> None:
        """Begin to take what is ready, and to look after what runs."""
        self.dispatcher.open()
        self.assigner.open()
        self.triager.open()
        self._tasks = [
            group.create_task(self.assigner.run(), name="assigner"),
            group.create_task(self.triager.run(), name="triager"),
            group.create_task(self.dispatcher.run(), name="dispatcher"),
            group.create_task(self._supervisor.run(), name="supervisor of attempts"),
            group.create_task(Keeper(self.room).run(), name="keeper of files"),
        ]

    def configure(self, settings: BoardSettings) -> None:
        """Use new settings from now on."""
        self.room.settings = settings
        self.dispatcher.wake()

    def rest(self) -> None:
        """Take nothing more."""
        self.dispatcher.close()

    async def drain(self) -> None:
        """End what does not outlive the daemon, and leave the rest to the next start."""
        self.dispatcher.close()
        self.assigner.close()
        self.triager.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._supervisor.drain()
        self._supervisor.close()
        self._agents.close()

    def folder(self, session_id: str) -> Path | None:
        """Return where the attempt works whose conversation a session holds, or ``None``."""
        return self._supervisor.folder(session_id)

    async def persona(self, session_id: str) -> Persona | None:
        """Return as whom an agent speaks in a session that an attempt holds, or ``None`` for Hermes without a limit."""
        key = self._agents.attempt_of(session_id)
        return await personas.of(self.room, *key) if key is not None else None

    def at_work(self, session_id: str) -> tuple[int, int] | None:
        """Return the task and epoch of the attempt that is at work in a session, or ``None``."""
        return self._agents.at_work(session_id)

    async def facts(self) -> Mapping[str, object]:
        """Return what a status says about the board."""
        counts = await self.room.database.read(tasks.counts)
        found = await self.attention()
        warnings = [f"Tasks: {line}."] if (line := diagnostics.headline(found)) else []
        return {"tasks": counts, **({"warnings": warnings} if warnings else {})}

    async def attention(self) -> list[diagnostics.Finding]:
        """Return what wants attention."""
        return await self.room.database.read(diagnostics.diagnose, self.room.settings, self.room.clock.now())

    async def create(self, wanted: Wanted, *, actor: str) -> Task:
        """Store a task; it is taken as soon as it is ready."""
        task = await self.room.database.write(triaging.create, self.room.house, wanted, actor=actor)
        crashpoint("task.after_create")
        return task

    async def claim(self, id: int, principal: Principal, *, lease_ms: int) -> Task:
        """Let a person or a program elsewhere take a task and begin; a lease of 0 never ends."""
        return await self.room.database.write(_claim, self.room.settings, id, principal.id, lease_ms)

    async def heartbeat(self, id: int, epoch: int, lease_ms: int) -> None:
        """Renew the lease of a worker elsewhere; raise Stale where it is over."""
        await self.room.database.write(attempts.heartbeat, id, epoch, lease_ms)

    async def milestone(
        self, id: int, epoch: int, text: str, *, kind: str = "named", actor: str = "system"
    ) -> int:
        """Store a milestone of an attempt."""
        said = self.room.redact(text)
        return await self.room.database.write(working.milestone, id, epoch, said, kind=kind, actor=actor)

    async def record_task_failure(
        self,
        task: int,
        error: str,
        outcome: AttemptOutcome,
        *,
        release_claim: bool = True,
        end_run: bool = True,
        extra: Extra | None = None,
    ) -> Task:
        """Store that an attempt ended without a result (``board.failures.record_task_failure``)."""
        return await self.room.database.write(
            record_task_failure,
            self.room.settings,
            task,
            self.room.redact(error),
            outcome,
            release_claim=release_claim,
            end_run=end_run,
            extra=extra,
        )

    async def cancel(self, id: int, *, actor: str, reason: str = "") -> Task:
        """Withdraw a task and its descendants."""
        return await self.room.database.write(deciding.cancel, id, actor=actor, reason=reason)

    async def judge(self, id: int, made: Judgement, *, actor: str) -> Task:
        """Carry a reviewer's decision out; raise Stale where another was quicker, AccessDenied for who worked on it."""
        return await self.room.database.write(review.decide, self.room.roster, id, made, actor=actor)

    async def say(self, id: int, text: str, speaker: str, sender: Sender) -> None:
        """Say something to whoever works on a task: it is seen at its next step, or answers what it asks.

        ``speaker`` is ``platform:id``.
        """
        await self.room.database.write(saying.say, id, text, speaker, sender, new_id("m"))


def _claim(tx: Unit, settings: BoardSettings, id: int, agent: str, lease_ms: int) -> Task:
    """Take one task for somebody elsewhere, who begins at once."""
    task = attempts.claim_one(tx, id, Claim(agent, agent, lease_ms or settings.lease_ms))
    working.start(tx, settings, id, task.epoch, working.Start())
    attempts.lend(tx, id, task.epoch, lease_ms)
    return tasks.get(tx, id)
