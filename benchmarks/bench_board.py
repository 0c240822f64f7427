"""The board: durable operations a second beside raw sqlite3 in the same run, looks at a full board, and the start.

A claim is the product's own: the best ready task of the served queues, its attempt and its event. The raw loops are
those of the store's benchmark: one ``UPDATE … RETURNING`` and one event row with its hash.
"""

import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from benchmarks import bench_store, report
from board import working
from board.creating import Wanted, create
from board.dispatcher import Taken, claim_ready, look
from board.room import Room
from board.service import Board
from board.settings import BoardSettings
from board.workers.agents import Conduct
from kernel.bus import Bus
from kernel.clock import SystemClock
from kernel.tasks import Alive, Attempt, AttemptOutcome, Brief, Job, Reports, Used
from store import attempts, tasks
from store.attempts import Claim
from store.connect import open_writer
from store.database import Database
from store.tasks import New
from store.units import Unit

CALLERS = 32
SETTINGS = BoardSettings(at_once=1000, agent_at_once=1000, host="here")
CLAIM = Claim("hermes", "here", 60_000)
QUEUE = tasks.queue_of("agent", "", Brief())
ELSEWHERE = tasks.queue_of("agent", "somebody else", Brief())
FINISHED, WAITING, OPEN, ELIGIBLE = 1_000_000, 100_000, 100_000, 10
ROW = """
INSERT INTO task (state, title, lane, assignee, template, priority, queue, unmet, block_kind, entered_at, created_at,
    created_by, updated_at, ended_at) VALUES (?, 'a task', 'agent', ?, 'simple', 1, ?, ?, ?, 1, 1, 'cli', 1, ?)
"""
BRIEFS = """
INSERT INTO task_brief (task_id, description, acceptance, skills, labels, project, workspace, host, capabilities,
    behalf)
SELECT id, '', '', '[]', '[]', '', 'none', '', '[]', 'web:owner' FROM task
    WHERE id NOT IN (SELECT task_id FROM task_brief)
"""


def put(tx: Unit) -> int:
    """Create one task."""
    new = New("an ordinary task", "agent", QUEUE, "simple", "cli")
    return create(tx, SETTINGS, Wanted(new, Brief(description="an ordinary description")), actor="cli").id


def take(tx: Unit) -> tuple[int, int]:
    """Take the next task."""
    task = attempts.claim_next(tx, [QUEUE], CLAIM)
    assert task is not None
    return task.id, task.epoch


def begin(tx: Unit, id: int, epoch: int) -> None:
    """Begin an attempt."""
    working.start(tx, SETTINGS, id, epoch, working.Start())


def beat(tx: Unit, id: int, epoch: int) -> None:
    """Renew a lease."""
    attempts.heartbeat(tx, id, epoch, 60_000)


def end(tx: Unit, id: int, epoch: int) -> None:
    """Complete a task."""
    working.finish(tx, id, epoch, "", Used())


@dataclass(frozen=True, slots=True)
class Rates:
    """Operations a second of one board."""

    create: float
    claim: float
    heartbeat: float
    complete: float


async def opened(folder: Path, finished: int = 0, waiting: int = 0, elsewhere: int = 0) -> Database:
    """Open a board that holds so much already: ``elsewhere`` are open tasks that nobody here may take."""
    database = await Database.open(folder / "board.db", clock=SystemClock(), bus=Bus())
    await database.close()
    with closing(open_writer(folder / "board.db")) as connection:
        fill(connection, finished, waiting, elsewhere)
    return await Database.open(folder / "board.db", clock=SystemClock(), bus=Bus(), check_bytes=0)


def fill(connection: sqlite3.Connection, finished: int, waiting: int, elsewhere: int) -> None:
    """Put tasks on an empty board; what waits, waits for a task of its own."""
    connection.execute("BEGIN")
    rows: list[tuple[int, tuple[Any, ...]]] = [
        (finished, ("done", "", QUEUE, 0, "", 1)),
        (waiting, ("triage", "", QUEUE, 0, "", 0)),
        (waiting, ("blocked", "", QUEUE, 1, "dependencies", 0)),
        (elsewhere, ("assigned", "somebody else", ELSEWHERE, 0, "", 0)),
    ]
    for count, values in rows:
        connection.executemany(ROW, (values for _ in range(count)))
    connection.execute(BRIEFS)
    connection.execute(
        "INSERT INTO dependency (task_id, needs_id) SELECT id, id - ? FROM task WHERE state = 'blocked'",
        (waiting,),
    )
    connection.execute("COMMIT")


async def each(work: Callable[..., Any], items: Sequence[tuple[Any, ...]]) -> tuple[float, list[Any]]:
    """Let the callers carry ``work`` out for all items; return operations a second and the results."""
    waiting, results = list(reversed(items)), list[Any]()

    async def caller() -> None:
        while waiting:
            results.append(await work(*waiting.pop()))

    start = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(CALLERS):
            group.create_task(caller())
    return len(items) / (time.perf_counter() - start), results


async def rates(database: Database, count: int) -> Rates:
    """Create, claim, begin, renew and complete so many tasks."""
    created, _ = await each(lambda: database.write(put), [()] * count)
    claimed, held = await each(lambda: database.write(take), [()] * count)
    await each(lambda id, epoch: database.write(begin, id, epoch), held)
    beaten, _ = await each(lambda id, epoch: database.write(beat, id, epoch), held)
    completed, _ = await each(lambda id, epoch: database.write(end, id, epoch), held)
    return Rates(created, claimed, beaten, completed)


class Instant:
    """A worker whose attempts begin at once."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports
        self._begun: dict[int, asyncio.Future[float]] = {}

    def when(self, id: int) -> "asyncio.Future[float]":
        """Return the time at which a task's attempt begins."""
        return self._begun.setdefault(id, asyncio.get_running_loop().create_future())

    async def start(self, job: Job) -> None:
        """Store that the attempt runs, and note when."""
        await self._reports.started(job.task.id, job.epoch)
        self.when(job.task.id).set_result(time.perf_counter())

    async def stop(self, attempt: Attempt, why: str) -> None:
        """Nothing runs."""

    async def adopt(self, attempt: Attempt) -> Alive:
        """Nothing is left."""
        del attempt
        return Alive.NO

    def breathes(self, attempt: Attempt) -> bool:
        """It is there."""
        del attempt
        return True

    async def drain(self) -> None:
        """Nothing to end."""


async def start_times(folder: Path, count: int) -> list[float]:
    """Return how long each of so many tasks took from its commit to the start of its attempt, in milliseconds."""
    bus = Bus()
    database = await Database.open(folder / "board.db", clock=SystemClock(), bus=bus)
    room = Room(database, bus, SystemClock(), SETTINGS, folder / "board", folder / "workspace")

    async def cancel(_session: str, _actor: str) -> int:
        return 0

    board = Board(room, Conduct(lambda _session, _actor: False, cancel))
    worker = Instant(board.reports)
    board.use("agent", worker)
    took: list[float] = []
    async with asyncio.TaskGroup() as group:
        await board.prepare(group)
        board.begin(group)
        for _ in range(count):
            id, committed = await database.write(put), time.perf_counter()
            took.append((await worker.when(id) - committed) * 1000)
        await board.drain()
    await database.close()
    return took


async def passes(database: Database, count: int) -> float:
    """Return the median of a dispatcher's look with its claims, in milliseconds, each rolled back in the end."""
    took: list[float] = []
    for _ in range(count):
        start = time.perf_counter()
        await database.read(look)
        found = await database.write(claim_ready, SETTINGS, "")
        took.append((time.perf_counter() - start) * 1000)
        await database.write(_give_back, found)
    return statistics.median(took)


def _give_back(tx: Unit, found: Sequence[Taken]) -> None:
    for task in found:
        attempts.end(tx, task.id, task.epoch, AttemptOutcome.RELEASED)
        tasks.move(tx, task.id, "open")


async def _eligible(database: Database, count: int) -> None:
    for _ in range(count):
        await database.write(put)


def middle(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


async def measure(folder: Path, count: int, rounds: int) -> list[report.Row]:
    """Measure everything in turns; a ratio is taken within one round, and the median of the ratios is shown."""
    for name in ("empty", "grown", "waiting", "crowded", "started"):
        (folder / name).mkdir()
    empty = await opened(folder / "empty")
    grown = await opened(folder / "grown", finished=FINISHED)
    waiting = await opened(folder / "waiting", waiting=WAITING)
    crowded = await opened(folder / "crowded", elsewhere=OPEN)
    done: list[tuple[float, float, Rates, Rates, Rates]] = []
    for number in range(rounds):
        turn = folder / f"raw{number}"
        turn.mkdir()
        single, batched = bench_store.raw(turn, 1, 0.5), bench_store.raw(turn, 64, 0.5)
        ours = await rates(empty, count)
        done.append((single, batched, ours, await rates(grown, count), await rates(waiting, count)))
    await _eligible(crowded, ELIGIBLE)
    looks = await passes(crowded, 20), await passes(waiting, 20)
    started = await start_times(folder / "started", 200)
    for database in (empty, grown, waiting, crowded):
        await database.close()
    return rows_of(done, looks, started)


def rows_of(
    done: Sequence[tuple[float, float, Rates, Rates, Rates]],
    looks: tuple[float, float],
    started: Sequence[float],
) -> list[report.Row]:
    """Return the rows for all rounds."""
    rows: list[report.Row] = []
    for name in Rates.__slots__:
        best = sorted(done, key=lambda one, name=name: getattr(one[2], name) / one[0])[len(done) // 2]
        single, batched = ("raw, 1 per commit", best[0]), ("raw, 64 per commit", best[1])
        figure, value = f"board: {name}/s, 32 callers", getattr(best[2], name)
        # Only the claim has a limit; the others stand beside it.
        rows.append(report.at_least_times(figure, value, "/s", 3 if name == "claim" else 0.5, single))
        rows.append(report.at_least_times(figure, value, "/s", 0.05, batched))
    for name in Rates.__slots__:
        best = sorted(done, key=lambda one, name=name: getattr(one[3], name) / getattr(one[2], name))[
            len(done) // 2
        ]
        figure = f"board: {name}/s with {FINISHED:,} finished tasks"
        base = ("empty board", getattr(best[2], name))
        rows.append(report.at_least_times(figure, getattr(best[3], name), "/s", 0.8, base))
    best = sorted(done, key=lambda one: one[4].complete / one[2].complete)[len(done) // 2]
    figure = f"board: complete/s beside {WAITING:,} that wait"
    rows.append(report.at_least_times(figure, best[4].complete, "/s", 0.8, ("empty board", best[2].complete)))
    rows.append(
        report.at_most(f"board: a look at {OPEN:,} open tasks, {ELIGIBLE} eligible", looks[0], "ms", 5)
    )
    rows.append(report.at_most(f"board: a look at {WAITING:,} tasks that wait", looks[1], "ms", 5))
    p95 = statistics.quantiles(started, n=20)[18]
    rows.append(report.at_most("board: commit of a ready task to its attempt's start, p95", p95, "ms", 50))
    return rows


def rows(count: int = 3_000, rounds: int = 5) -> list[report.Row]:
    """Measure on the event loop that the daemon runs on, beside the project, where the disk is a real one."""
    sys.setswitchinterval(1e-4)
    with (
        tempfile.TemporaryDirectory(prefix=".bench-", dir=Path(__file__).parents[1]) as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(measure(Path(folder), count, rounds))


if __name__ == "__main__":
    report.show(rows())
