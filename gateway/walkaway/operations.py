"""The operation that hands a job over; what becomes of it is read with the operations of the board, or of cron."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from gateway.walkaway.inputs import Delegate
from gateway.walkaway.service import Delegation, Here
from kernel.errors import AccessDenied, InvalidInput
from kernel.people import Principal, Role, Scope
from kernel.specs import Operation


@dataclass(frozen=True, slots=True)
class Delegated:
    """A job that was begun: its task's number, and where it is talked about (``platform:chat[:thread]``).

    With mode ``cron`` there is no task yet: ``job`` is the scheduled job's number, ``schedule`` how its times were
    understood, and ``times`` are the next of them.
    """

    task: int
    title: str
    state: str
    mode: str
    place: str
    job: int = 0
    schedule: str = ""
    times: list[str] = field(default_factory=list[str])


# Schedules a job for somebody; the composition root knows who can.
Planner = Callable[[Principal, Delegate], Awaitable[Delegated]]


def operations(delegation: Delegation, planner: Planner | None = None) -> Sequence[Operation]:
    """Return the operations of jobs; ``planner`` carries out mode ``cron``."""

    async def delegate(principal: Principal, asked: Delegate) -> Delegated:
        if principal.role < Role.OPERATOR:
            raise AccessDenied("The board is for operators and owners.")
        if asked.mode == "cron":
            return await _planned(planner, principal, asked)
        if asked.schedule:
            raise InvalidInput("A schedule belongs to mode cron.", remedy='Write "mode": "cron" beside it.')
        started = await delegation.delegate(Here(principal), asked)
        task = started.task
        return Delegated(task.id, task.title, str(task.state), asked.mode, str(started.place))

    return (
        Operation(
            "tasks.delegate",
            "Hand a job over: it pings, listens, and ends with a summary in a chat; or it is done on a schedule.",
            Scope.TASKS, Delegate, Delegated, delegate, "POST", "/delegate",
        ),
    )  # fmt: skip


async def _planned(planner: Planner | None, principal: Principal, asked: Delegate) -> Delegated:
    if planner is None:
        raise InvalidInput("Nothing is scheduled here.")
    if not asked.schedule.strip():
        raise InvalidInput(
            "Say when it is to be done.", remedy='"schedule": "every weekday at 7:30", for example.'
        )
    if asked.ping:
        raise InvalidInput(
            "A scheduled job has no pings: it tells its result each time.", remedy="Leave ping out."
        )
    return await planner(principal, asked)
