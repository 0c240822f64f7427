"""The board in memory: tasks, claims and failures as units that run at once."""

from typing import Any

from board import working
from board.creating import Wanted, create
from board.failures import Extra, record_task_failure
from board.settings import BoardSettings
from kernel.tasks import AttemptOutcome, Brief, Task, Used
from store import attempts, tasks
from store.attempts import Claim
from store.tasks import New
from tests.support.units import Memory

# No pause between attempts, so that a test need not wait for one.
SETTINGS = BoardSettings(first_wait=0.0, host="here")
CLAIM = Claim("hermes", "here", 60_000)


class MemoryBoard(Memory):
    """A database in memory with the units of the board."""

    def __init__(self, settings: BoardSettings = SETTINGS) -> None:
        super().__init__()
        self.settings = settings

    def add(self, title: str = "a task", *needs: int, triage: bool = False, **fields: Any) -> int:
        """Create a task and return its number; ``fields`` are those of a ``New`` or a ``Brief``."""
        texts = {name: fields.pop(name) for name in list(fields) if name in Brief.__slots__}
        given: dict[str, Any] = {
            "lane": "agent",
            "queue": "",
            "template": "simple",
            "created_by": "cli",
            **fields,
        }
        wanted = Wanted(New(title, **given), Brief(**texts), needs, triage)
        return self.run(create, self.settings, wanted, actor="cli").id

    def task(self, id: int) -> Task:
        """Return a task as it stands."""
        return self.read(tasks.get, id)

    def claim(self, id: int) -> int:
        """Take a task and return its epoch."""
        return self.run(attempts.claim_one, id, CLAIM).epoch

    def start(self, id: int) -> int:
        """Take a task, begin, and return its epoch."""
        epoch = self.claim(id)
        self.run(working.start, self.settings, id, epoch, working.Start(pid=1))
        return epoch

    def fail(self, id: int, outcome: AttemptOutcome, error: str = "", **extra: Any) -> Task:
        """Take a task, begin where the outcome is not that it could not begin, and fail."""
        epoch = self.claim(id) if outcome is AttemptOutcome.SPAWN_FAILED else self.start(id)
        return self.run(
            record_task_failure,
            self.settings,
            id,
            error or f"it {outcome}",
            outcome,
            extra=Extra(epoch, **extra),
        )

    def finish(self, id: int, epoch: int, result: str = "done") -> Task:
        """End an attempt with a result."""
        return self.run(working.finish, id, epoch, result, Used())

    def events(self, id: int) -> list[str]:
        """Return the kinds of a task's events, in order."""
        rows = self.rows("SELECT kind FROM event WHERE subject = ? ORDER BY seq", str(id))
        return [row["kind"] for row in rows]

    def plan(self, sql: str, values: Any) -> list[dict[str, Any]]:
        """Return SQLite's plan for a statement."""
        found = self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
        return [dict(row) for row in found]
