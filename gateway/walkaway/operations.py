"""The operation that hands a job over; what becomes of it is read with the operations of the board."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.walkaway.inputs import Delegate
from gateway.walkaway.service import Delegation, Here
from kernel.errors import AccessDenied
from kernel.people import Principal, Role, Scope
from kernel.specs import Operation


@dataclass(frozen=True, slots=True)
class Delegated:
    """A job that was begun: its task's number, and where it is talked about (``platform:chat[:thread]``)."""

    task: int
    title: str
    state: str
    mode: str
    place: str


def operations(delegation: Delegation) -> Sequence[Operation]:
    """Return the operations of jobs."""

    async def delegate(principal: Principal, asked: Delegate) -> Delegated:
        if principal.role < Role.OPERATOR:
            raise AccessDenied("The board is for operators and owners.")
        started = await delegation.delegate(Here(principal), asked)
        task = started.task
        return Delegated(task.id, task.title, str(task.state), asked.mode, str(started.place))

    return (
        Operation(
            "tasks.delegate",
            "Hand a job over: it pings, listens, and ends with a summary in a chat.",
            Scope.TASKS, Delegate, Delegated, delegate, "POST", "/delegate",
        ),
    )  # fmt: skip
