"""What all operations of the board share: who may use them, and a task as they return it."""

from collections.abc import Callable

from board import views
from board.room import Room
from board.service import Board
from board.views import TaskRow
from kernel.errors import AccessDenied
from kernel.people import Principal, Role
from kernel.tasks import Task
from store import tasks
from store.units import Query, Unit


def operator(principal: Principal) -> None:
    """Raise AccessDenied for who is neither operator nor owner."""
    if principal.role < Role.OPERATOR:
        raise AccessDenied("The board is for operators and owners.")


def row(q: Query, id: int, room: Room) -> TaskRow:
    """Return a task as lists show it, without secrets; raise NotFound."""
    return views.rows(q, [tasks.get(q, id)], room.clock.now(), room.redact)[0]


class Desk:
    """Carries operations out."""

    def __init__(self, board: Board) -> None:
        self._board = board

    @property
    def _room(self) -> Room:
        return self._board.room

    async def _row(self, id: int) -> TaskRow:
        return await self._room.database.read(row, id, self._room)

    async def _decide(
        self, principal: Principal, id: int, work: Callable[..., Task], *rest: object
    ) -> TaskRow:
        """Carry out a unit of work as a person and return the task behind it."""
        operator(principal)
        await self._room.database.write(_decided, work, rest, principal.id)
        return await self._row(id)


def _decided(tx: Unit, work: Callable[..., Task], rest: tuple[object, ...], actor: str) -> Task:
    return work(tx, *rest, actor=actor)
