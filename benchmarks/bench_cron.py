"""Scheduled jobs: how late a run begins, what 100,000 schedules cost, and what a morning after a long night does.

Everything is the product's own: its store with full durability, its clock, its runs; only people are missing.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import uvloop

from benchmarks import bench_cron_night, report
from benchmarks.report import Row
from cron.room import Ports, Room
from cron.service import Cron
from cron.settings import CronSettings
from kernel.bus import Bus
from kernel.clock import SystemClock
from kernel.errors import NotFound
from kernel.messages import Address
from kernel.people import Principal, Role
from kernel.schedules import Job, JobKind
from store import marks, schedules
from store.database import Database
from store.units import Query, Unit

FEW, MANY, DUE, AT_ONCE = 100, 100_000, 1_000, 100
PLACE = Address("telegram", "1", "7")
HOUR_MS = 3_600_000
QUIET = ("none",)


class _NoGate:
    async def attend(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("nothing here is judged")


async def _resolve(text: str) -> Address:
    raise NotFound(text)


@asynccontextmanager
async def opened(path: Path) -> AsyncGenerator[tuple[Cron, Database]]:
    """Open cron on a database."""
    bus = Bus()
    database = await Database.open(path, clock=SystemClock(), bus=bus)
    ports = Ports(lambda id: Principal(id, Role.OWNER), _resolve, lambda _: path.parent, _NoGate)
    room = Room(database, bus, SystemClock(), CronSettings(), ZoneInfo("UTC"), path.parent, ports)
    try:
        yield Cron(room), database
    finally:
        await database.close()


def fill(tx: Unit, first: int, count: int, rule: str, at: int) -> None:
    """Store schedules that are next at a time."""
    job = Job(JobKind.REMINDER, "hello", deliver=QUIET)
    for number in range(first, first + count):
        schedules.add(
            tx, schedules.New(f"j{number}", "telegram:7", PLACE, rule, "UTC", job, at, at), actor="bench"
        )


def lateness(q: Query) -> list[float]:
    """Return how long after their time runs were claimed, in milliseconds."""
    return [float(row[0]) for row in q.all("SELECT claimed_at - instant FROM fire WHERE claimed_at > 0")]


async def same_second(folder: Path) -> list[float]:
    """Let jobs be due at the same second and return how late each was claimed, in milliseconds."""
    async with opened(folder / "second.db") as (cron, database), asyncio.TaskGroup() as group:
        at = SystemClock().now() + 2_000
        await database.write(fill, 0, AT_ONCE, f"at:{at}", at)
        await cron.prepare(group)
        cron.begin(group)
        # The bench looks on from outside: it is not told of what it measures.
        while len(found := await database.read(lateness)) < AT_ONCE:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        await end(cron, group)
        return found


async def end(cron: Cron, group: asyncio.TaskGroup) -> None:
    """Stop cron and whatever it left in the group."""
    await cron.drain(1)
    own = asyncio.current_task()
    for task in asyncio.all_tasks():
        if task is not own and task.get_name() in ("runs of jobs", "cron"):
            task.cancel()
    del group


def resident() -> float:
    """Return this process's memory in MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


async def with_many(folder: Path, count: int) -> dict[str, float]:
    """Return what a start with so many schedules costs, and a look at which 100 of them are due."""
    path, now = folder / f"many{count}.db", SystemClock().now()
    async with opened(path) as (_, database):
        for first in range(0, count, 2_000):
            await database.write(fill, first, min(2_000, count - first), "every:3600000:0", now + HOUR_MS)
    memory, begun = resident(), time.perf_counter()
    async with opened(path) as (cron, database), asyncio.TaskGroup() as group:
        await cron.prepare(group)
        await cron.look()
        started = time.perf_counter() - begun
        costs: list[float] = []
        for number in range(5):
            first = number * FEW // 5
            ids = range(first + 1, first + FEW // 5 + 1)
            await database.write(_make_due, ids)
            began = time.perf_counter()
            await cron.look()
            while cron.runs._tasks:  # noqa: SLF001 - the bench waits for what runs
                await asyncio.wait(list(cron.runs._tasks.values()))  # noqa: SLF001 - as above
            costs.append((time.perf_counter() - began) / len(ids) * 1000)
        await end(cron, group)
        return {"start": started, "fire": statistics.median(costs), "memory": resident() - memory}


def _make_due(tx: Unit, ids: Sequence[int]) -> None:
    for id in ids:
        schedules.note(tx, id, instant=tx.now, next_at=tx.now)


async def after_downtime(folder: Path) -> dict[str, float]:
    """Let 1,000 jobs be due at once, and return what a chat's commit takes meanwhile and before (p95, ms)."""
    async with opened(folder / "night.db") as (cron, database), asyncio.TaskGroup() as group:
        before = await commits(database, 200)
        at = SystemClock().now() - HOUR_MS
        for first in range(0, DUE, 250):
            await database.write(fill, first, 250, "cron:0 * * * *", at)
        await cron.prepare(group)
        began = time.perf_counter()
        looking = group.create_task(cron.look())
        during: list[float] = []
        while not looking.done() or cron.runs._tasks:  # noqa: SLF001 - the bench waits for what runs
            during += await commits(database, 5)
        took = time.perf_counter() - began
        await end(cron, group)
        return {"idle": p95(before), "busy": p95(during), "seconds": took}


async def commits(database: Database, count: int) -> list[float]:
    """Return how long small units take, one every 5 ms, in milliseconds."""
    found: list[float] = []
    for number in range(count):
        began = time.perf_counter()
        await database.write(marks.put, "bench", str(number))
        found.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0.005)
    return found


def p95(values: list[float]) -> float:
    """Return the 95th percentile."""
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]


async def measured() -> list[Row]:
    """Measure everything."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        late = sorted(await same_second(folder))
        few, many = await with_many(folder, FEW), await with_many(folder, MANY)
        night = await after_downtime(folder)
    return [
        report.at_most(f"{AT_ONCE} jobs at one second, due to claimed, p50", late[len(late) // 2], "ms", 20),
        report.at_most(
            f"{AT_ONCE} jobs at one second, due to claimed, p99", late[int(len(late) * 0.99)], "ms", 250
        ),
        report.at_most(f"{MANY:,} schedules: start, more than {FEW}", many["start"] - few["start"], "s", 2),
        report.at_most(f"{MANY:,} schedules: memory", many["memory"], "MiB", 50),
        report.at_most_times(
            f"{MANY:,} schedules: cost of a run", many["fire"], "ms", 1.5, (f"{FEW} schedules", few["fire"])
        ),
        report.at_most_times(
            f"{DUE:,} due at once: a chat's commit, p95", night["busy"], "ms", 2, ("idle", night["idle"])
        ),
        report.at_most(f"{DUE:,} due at once: all have run", night["seconds"], "s", 60),
    ]


def rows() -> list[Row]:
    """Return the rows of this suite."""
    return [*uvloop.run(measured()), *bench_cron_night.rows()]


def main() -> int:
    """Print the rows, or write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    found = rows()
    if parser.parse_args().json:
        print(json.dumps([asdict(row) for row in found]))
    else:
        report.show(found)
    return 0


if __name__ == "__main__":
    sys.setswitchinterval(1e-4)
    sys.exit(main())
