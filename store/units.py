"""What a unit of work sees of the database: a read facade and a write facade."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Never

from kernel.errors import NotFound, Stale, StoreError
from kernel.events import Event, Scalar
from kernel.transitions import Machine
from store import chain
from store.chain import Head

Value = str | int | float | bytes | None
Params = Sequence[Value] | Mapping[str, Value]

Execute = Callable[[str, Params], sqlite3.Cursor]


class Query:
    """Reads inside one snapshot; every row is fetched and every cursor is finished before a method returns."""

    __slots__ = ("_cursor", "_execute")

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        # One cursor serves all statements: each is fetched to its end before the next.
        self._cursor = cursor
        self._execute: Execute = cursor.execute

    def one(self, sql: str, params: Params = ()) -> sqlite3.Row | None:
        """Return the first row, or ``None``."""
        rows = self.all(sql, params)
        return rows[0] if rows else None

    def all(self, sql: str, params: Params = ()) -> list[sqlite3.Row]:
        """Return all rows."""
        return self._execute(sql, params).fetchall()

    def end(self) -> None:
        """Make the facade useless: what outlives its unit must not touch the connection."""
        self._execute = _ended


class Unit(Query):
    """One unit of work inside the writer's transaction: it commits or rolls back as a whole.

    ``now`` is the wall time in milliseconds, fixed for the unit. A unit is run again after its group was voided, so it
    does nothing but SQL and computation.
    """

    __slots__ = ("events", "head", "now")

    def __init__(self, cursor: sqlite3.Cursor, now: int, head: Head) -> None:
        super().__init__(cursor)
        self.now = now
        self.head = head
        self.events: list[Event] = []

    def all(self, sql: str, params: Params = ()) -> list[sqlite3.Row]:
        """Return all rows, also of a statement with RETURNING."""
        try:
            return self._execute(sql, params).fetchall()
        except sqlite3.Error:
            self._stop_if_voided()
            raise

    def run(self, sql: str, params: Params = ()) -> int:
        """Execute one statement and return how many rows it changed."""
        try:
            cursor = self._execute(sql, params)
            # An open RETURNING cursor would break the savepoint's release.
            cursor.fetchall()
        except sqlite3.Error:
            self._stop_if_voided()
            raise
        return cursor.rowcount

    def insert(self, sql: str, params: Params = ()) -> int:
        """Execute one INSERT and return the row's id."""
        self.run(sql, params)
        return self._cursor.lastrowid or 0

    def emit(self, kind: str, subject: str, *, actor: str = "system", **body: Scalar) -> int:
        """Append one event to the chain and return its number; it is published once the unit is committed."""
        previous, now = self.head, self.now
        seq, text = previous.seq + 1, chain.body_text(body)
        hashed = chain.digest(previous.hash, seq, now, kind, subject, actor, text)
        try:
            self._execute(chain.INSERT, (seq, now, kind, subject, actor, text, hashed))
        except sqlite3.Error:
            self._stop_if_voided()
            raise
        self.head = Head(seq, hashed)
        self.events.append(Event(seq, now, kind, subject, actor, body))
        return seq

    def move(
        self,
        machine: Machine[Any],
        id: int | str,
        event: str,
        *,
        actor: str = "system",
        subject: str | None = None,
        **columns: Value,
    ) -> sqlite3.Row:
        """Move one row of the machine's table, set ``columns`` with it, and emit ``"machine.event"``.

        Returns the row as it is now. Raises Stale where the row is in none of the event's source states, NotFound where
        there is no such row, and IllegalTransition where the table does not know the event.
        """
        plan = _plan(machine, event, tuple(columns))
        row = self.one(plan.sql, (plan.target, *columns.values(), id, *plan.sources))
        if row is None:
            raise self._refusal(machine, id, event)
        self.emit(plan.kind, str(id) if subject is None else subject, actor=actor)
        return row

    def _refusal(self, machine: Machine[Any], id: int | str, event: str) -> Stale | NotFound:
        row = self.one(f"SELECT state FROM {machine.name} WHERE id = ?", (id,))  # noqa: S608 - a machine's name is ours
        if row is None:
            return NotFound(f"There is no {machine.name} {id}.")
        return Stale(f"{machine.name} {id} is {row['state']}: {event} came too late.", remedy="Look again.")

    def _stop_if_voided(self) -> None:
        """Stop the unit when its error ended the whole transaction: what it still ran would commit by itself."""
        if not self._cursor.connection.in_transaction:
            self._execute = _ended


@dataclass(frozen=True, slots=True)
class _Plan:
    """The statement of one guarded move, made once; it keeps the machine, which the cache knows by identity, alive."""

    machine: Machine[Any]
    sql: str
    target: str
    sources: tuple[str, ...]
    kind: str


_plans: dict[tuple[int, str, tuple[str, ...]], _Plan] = {}


def _plan(machine: Machine[Any], event: str, columns: tuple[str, ...]) -> _Plan:
    key = (id(machine), event, columns)
    plan = _plans.get(key)
    if plan is None:
        plan = _plans[key] = _make_plan(machine, event, columns)
    return plan


def _make_plan(machine: Machine[Any], event: str, columns: tuple[str, ...]) -> _Plan:
    target, sources = str(machine.target(event)), tuple(str(state) for state in machine.sources(event))
    sets = ", ".join(f"{name} = ?" for name in ("state", *columns))
    marks = ", ".join("?" * len(sources))
    # Names of tables and columns are written in our own code and cannot be bound as parameters.
    sql = f"UPDATE {machine.name} SET {sets} WHERE id = ? AND state IN ({marks}) RETURNING *"  # noqa: S608
    return _Plan(machine, sql, target, sources, f"{machine.name}.{event}")


def _ended(_sql: str, _params: Params) -> Never:
    raise StoreError("This unit of work is over.")
