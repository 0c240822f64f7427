"""Units of work on a database in memory, run at once and in this thread: for properties over thousands of steps."""

import sqlite3
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from store import invariants
from store.chain import GENESIS
from store.invariants import Finding
from store.migrate import schema_of
from store.units import Query, Unit

P = ParamSpec("P")
T = TypeVar("T")

_schema: list[str] = []


def schema() -> str:
    """Return the schema; made once."""
    if not _schema:
        _schema.append(schema_of())
    return _schema[0]


class Memory:
    """A database in memory; ``now`` is its clock in milliseconds."""

    def __init__(self) -> None:
        self.now = 1_000_000
        self._head = GENESIS
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript(schema())
        self._connection.execute("PRAGMA foreign_keys = ON")

    def run(self, fn: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a unit of work as a whole or not at all, and return its result."""
        unit = Unit(self._connection.cursor(), self.now, self._head)
        self._connection.execute("BEGIN")
        try:
            result = fn(unit, *args, **kwargs)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        self._head = unit.head
        return result

    def read(self, fn: Callable[Concatenate[Query, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Read."""
        return fn(Query(self._connection.cursor()), *args, **kwargs)

    def findings(self) -> list[Finding]:
        """Return what breaks the invariants, all that is open counting as on its way."""
        return self.read(invariants.broken, 0)

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """Query."""
        return [dict(row) for row in self._connection.execute(sql, values).fetchall()]

    def close(self) -> None:
        """Forget everything."""
        self._connection.close()
