"""Group commit: many units in one transaction, each in its own savepoint."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from types import CoroutineType
from typing import Any

from kernel.clock import Clock
from kernel.errors import OutcomeUnknown, StoreError
from kernel.events import Event
from store.chain import GENESIS, HEAD, Head
from store.connect import explained, is_full
from store.units import Unit

# The trailing comments keep these apart from a unit's own text in the cache of prepared statements, so that the
# authorizer sees the unit's attempt.
_BEGIN, _COMMIT, _ROLLBACK = "BEGIN IMMEDIATE -- w", "COMMIT -- w", "ROLLBACK -- w"
_SAVE, _RELEASE, _UNDO = "SAVEPOINT unit -- w", "RELEASE unit -- w", "ROLLBACK TO unit -- w"

# After these the transaction is still there, and rolling it back is certain: SQLITE_BUSY, SQLITE_CONSTRAINT.
_CERTAIN = {5, 19}

_FORBIDDEN = {
    sqlite3.SQLITE_TRANSACTION,
    sqlite3.SQLITE_SAVEPOINT,
    sqlite3.SQLITE_ATTACH,
    sqlite3.SQLITE_DETACH,
}

# A savepoint costs as much as a small statement, so a few neighbours share one. Units are free of side effects: where
# one of them raises, the others run again.
NEIGHBOURS = 8


@dataclass(slots=True, eq=False)
class Job:
    """One queued unit and, once its group is over, its outcome."""

    function: Callable[..., Any]
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    urgent: bool = False
    result: Any = None
    error: BaseException | None = None
    events: Sequence[Event] = ()


class _Voided(Exception):
    """The whole transaction is gone, and nothing of the group is stored."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Groups:
    """Runs groups of units on a connection that nobody else writes with; lives on the writer's thread."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._cursor = connection.cursor()
        self._unit_cursor = connection.cursor()
        self._inside = False
        self.head = read_head(connection)
        connection.set_authorizer(self._authorize)

    @property
    def changes(self) -> int:
        """Rows changed since the connection was opened, also by what was rolled back."""
        return self._connection.total_changes

    def commit(self, jobs: Iterable[Job], *, on_full: Callable[[], bool] = lambda: True) -> None:
        """Run the jobs in one transaction and write each one's outcome into it.

        ``jobs`` may be an iterator that still grows: jobs that arrive while others run join the group. A job that
        raises rolls back alone. Where the transaction is lost, the jobs run again one by one. ``on_full`` is called
        when the disk is full; where it returns False only urgent jobs run again. Raises OutcomeUnknown where nobody
        can tell whether the commit happened.
        """
        taken: list[Job] = []
        try:
            self._together(jobs, taken)
        except _Voided as voided:
            room = on_full() if is_full(voided.cause) else True
            for job in taken:
                job.result, job.events, job.error = None, (), explained(voided.cause)
                if len(taken) > 1 and (room or job.urgent):
                    job.error = None
                    self.commit([job], on_full=on_full)

    def alone(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run one unit in a transaction of its own and return its result or raise its error."""
        job = Job(function, args, kwargs)
        self.commit([job])
        if job.error is not None:
            raise job.error
        return job.result

    def _together(self, jobs: Iterable[Job], taken: list[Job]) -> None:
        before = self.head
        try:
            self._cursor.execute(_BEGIN)
        except sqlite3.Error as error:
            taken.extend(jobs)
            raise _Voided(error) from error
        try:
            source = iter(jobs)
            while neighbours := list(islice(source, NEIGHBOURS)):
                taken += neighbours
                self._run_all(neighbours)
            self._end()
        except sqlite3.Error as error:
            self.head = before
            self._roll_back()
            raise _Voided(error) from error
        except BaseException:
            self.head = before
            raise

    def _run_all(self, jobs: list[Job]) -> None:
        """Run neighbours in one savepoint; where one of them raises, undo it and run each in its own."""
        before = self.head
        self._cursor.execute(_SAVE)
        for job in jobs:
            self._run(job)
            if job.error is not None:
                break
        else:
            self._cursor.execute(_RELEASE)
            return
        self._cursor.execute(_UNDO)
        self._cursor.execute(_RELEASE)
        self.head = before
        if len(jobs) > 1:
            for job in jobs:
                job.error = None
                self._run_all([job])

    def _run(self, job: Job) -> None:
        unit = Unit(self._unit_cursor, self._clock.now(), self.head)
        self._inside = True
        try:
            job.result = result = job.function(unit, *job.args, **job.kwargs)
            if type(result) is CoroutineType:
                job.error = _no_coroutine(result)
        # Whatever a unit raises is its caller's to see; the writer must survive it.
        except BaseException as error:  # noqa: BLE001
            job.error = error
        self._inside = False
        unit.end()
        if not self._connection.in_transaction:
            raise _Voided(job.error or StoreError("The unit ended its transaction."))
        if job.error is None:
            job.events, self.head = unit.events, unit.head
        else:
            job.result, job.events, job.error = None, (), explained(job.error)

    def _end(self) -> None:
        try:
            self._cursor.execute(_COMMIT)
        except sqlite3.Error as error:
            if self._connection.in_transaction and error.sqlite_errorcode & 0xFF in _CERTAIN:
                self._roll_back()
                raise _Voided(error) from error
            if is_full(error):
                raise _Voided(error) from error
            raise OutcomeUnknown(
                f"The database could not confirm a commit ({error}).",
                remedy="Hermes stops; the next start looks at what is really there.",
            ) from error

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute(_ROLLBACK)

    def _authorize(self, action: int, *_: str | None) -> int:
        """Deny a unit what would end or bypass its transaction."""
        return sqlite3.SQLITE_DENY if self._inside and action in _FORBIDDEN else sqlite3.SQLITE_OK


def read_head(connection: sqlite3.Connection) -> Head:
    """Return the end of the stored event chain."""
    rows = connection.execute(HEAD).fetchall()
    return Head(rows[0][0], rows[0][1]) if rows else GENESIS


def _no_coroutine(result: "CoroutineType[Any, Any, Any]") -> TypeError:
    result.close()
    return TypeError("A unit of work is a plain function, not a coroutine.")
