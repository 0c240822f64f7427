"""A morning after a long night: how a chat is answered while the real daemon works off 1,000 jobs that were due."""

import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks import report
from benchmarks.report import Row
from kernel.bus import Bus
from kernel.clock import SystemClock
from kernel.messages import Address
from kernel.schedules import Job, JobKind
from store import schedules
from store.database import Database
from store.units import Unit
from tests.fakes.telegram_server import TelegramServer
from tests.support.daemon import OWNER, Daemon, quiet_settings

# Whose jobs they are; somebody else chats meanwhile.
SLEEPER = 8

DUE, IDLE, ROUND, STORED = 1_000, 100, 100, 250
HOUR_MS = 3_600_000
PAUSE = 0.05
LONGEST = 180


def fill(tx: Unit, first: int, count: int, at: int, account: str) -> None:
    """Store prompts of the owner's that were due at a time; each has a conversation of its own."""
    job = Job(JobKind.PROMPT, "say good morning", deliver=("none",))
    for number in range(first, first + count):
        place = Address("telegram", account, str(SLEEPER))
        schedules.add(
            tx,
            schedules.New(f"j{number}", f"telegram:{SLEEPER}", place, "cron:0 * * * *", "UTC", job, at, at),
            actor="bench",
        )


async def night(path: Path, account: str) -> None:
    """Let the jobs have been due for an hour, while no daemon ran."""
    database = await Database.open(path, clock=SystemClock(), bus=Bus())
    at = SystemClock().now() - HOUR_MS
    for first in range(0, DUE, STORED):
        await database.write(fill, first, STORED, at, account)
    await database.close()


async def round_trip(phone: TelegramServer, number: int) -> float:
    """Return how long one message of a person takes to its answer, in milliseconds."""
    began = time.perf_counter()
    phone.user_says(OWNER, f"say n{number}n")
    await phone.wait_for_text(OWNER, f"n{number}n", within=20)
    return (time.perf_counter() - began) * 1000


def unfinished(daemon: Daemon) -> int:
    """Return how many jobs have not run."""
    return (
        DUE - daemon.rows("SELECT count(*) AS n FROM fire WHERE ended_at > 0 AND state <> 'missed'")[0]["n"]
    )


async def morning(folder: Path) -> dict[str, float]:
    """Return a chat's round trip idle and while the jobs are worked off (p95, ms), and how many are left over."""
    async with (
        TelegramServer() as phone,
        Daemon(
            folder / "home",
            quiet_settings(phone, access={"owners": [f"telegram:{OWNER}", f"telegram:{SLEEPER}"]}),
        ) as daemon,
    ):
        await daemon.start()
        await round_trip(phone, 0)
        phone.user_says(SLEEPER, "say good night")
        await phone.wait_for_text(SLEEPER, "good night", within=20)
        idle = [await _paced(phone, number) for number in range(1, IDLE)]
        account = daemon.rows("SELECT account FROM inbox LIMIT 1")[0]["account"]
        await daemon.stop()
        await night(daemon.home.database, account)
        await daemon.start()
        # The first answer of a process loads the agents, then as now.
        await round_trip(phone, IDLE)
        began, busy, left = time.perf_counter(), list[float](), DUE
        while left and time.perf_counter() - began < LONGEST:
            busy += [await _paced(phone, IDLE + 1 + len(busy) + number) for number in range(ROUND)]
            left = await asyncio.to_thread(unfinished, daemon)
        await daemon.stop()
        return {"idle": p95(idle), "busy": p95(busy), "left": left}


async def _paced(phone: TelegramServer, number: int) -> float:
    await asyncio.sleep(PAUSE)
    return await round_trip(phone, number)


def p95(values: list[float]) -> float:
    """Return the 95th percentile."""
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]


def rows() -> list[Row]:
    """Measure the real daemon with the offline operator and Telegram's protocol on loopback."""
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(morning(Path(folder)))
    given = f"{DUE:,} prompts due at once"
    return [
        report.at_most_times(
            f"{given}: a chat's round trip, p95", found["busy"], "ms", 2, ("idle", found["idle"])
        ),
        report.at_most(f"{given}: not run after {LONGEST} s", found["left"], "", 0),
    ]
