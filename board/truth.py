"""The truth check at start: board, leases and processes are compared; repairs are events."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from board import lanes
from board.creating import rest
from board.failures import record_task_failure
from board.room import Room
from kernel.errors import HermesError
from kernel.states import AttemptState
from kernel.tasks import Alive, Attempt, AttemptOutcome, Worker
from kernel.transitions import UNDER_WAY
from store import attempts, tasks
from store.units import Unit

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Truth:
    """What the check found: attempts that go on, that had ended, that were never begun or are gone, and stray tasks."""

    going_on: int = 0
    ended: int = 0
    repaired: int = 0


async def check(room: Room, workers: Mapping[str, Worker]) -> Truth:
    """Take up what the last process left; every repair is an event."""
    going_on = ended = repaired = 0
    for attempt in await room.database.read(attempts.live):
        match await _judged(room, workers, attempt):
            case Alive.YES:
                going_on += 1
            case Alive.TOLD:
                ended += 1
            case Alive.NO:
                repaired += 1
    repaired += await room.database.write(adopt_strays)
    return Truth(going_on, ended, repaired)


async def _judged(room: Room, workers: Mapping[str, Worker], attempt: Attempt) -> Alive:
    worker = workers.get(lanes.kind(attempt.lane))
    if worker is None or attempt.host != room.settings.machine:
        # A person or a program elsewhere: only its lease speaks for it.
        return Alive.YES
    try:
        alive = await worker.adopt(attempt)
    except HermesError as error:
        log.warning("Attempt %s of task %s could not be taken up: %s", attempt.epoch, attempt.task_id, error)
        alive = Alive.NO
    if alive is Alive.YES:
        await room.database.write(_keep, room.settings.lease_ms, attempt)
    elif alive is Alive.NO:
        await room.database.write(_repair, room, attempt)
    return alive


def _keep(tx: Unit, lease_ms: int, attempt: Attempt) -> None:
    if attempt.state is AttemptState.RUNNING:
        attempts.renew(tx, attempt.task_id, attempt.epoch, lease_ms)


def _repair(tx: Unit, room: Room, attempt: Attempt) -> None:
    """End an attempt that nothing executes: one that had not begun is given back, any other is lost."""
    live = attempts.live_of(tx, attempt.task_id)
    if live is None or live.epoch != attempt.epoch:
        return
    begun = live.state is not AttemptState.CLAIMED
    outcome = AttemptOutcome.LOST if begun else AttemptOutcome.RELEASED
    error = "Hermes stopped, and the process is gone." if begun else "Hermes stopped before it began."
    tx.emit("task.repair", str(attempt.task_id), epoch=attempt.epoch, outcome=str(outcome))
    record_task_failure(tx, room.settings, attempt.task_id, error, outcome)


def adopt_strays(tx: Unit) -> int:
    """Put back tasks that count as worked on while no attempt holds them; return how many there were."""
    found = [id for state in UNDER_WAY for id in tasks.strays(tx, state)]
    for id in found:
        task = tasks.get(tx, id)
        tx.emit("task.repair", str(id), epoch=task.epoch, outcome="stray")
        rest(tx, task, actor="system")
    return len(found)
