"""The daily digest: what it makes of what the daemon tells."""

from pathlib import Path

import pytest

from kernel.bus import Bus
from kernel.clock import SystemClock
from store.database import Database
from store.digests import digest
from tests.support.recipes import HOUR, NOW, Bench

DAY = {
    "turns": 12,
    "failed_turns": 1,
    "tasks": [{"id": 4, "title": "Tidy *the* importer", "state": "done"}],
    "runs": {"done": 5, "failed": 1},
    "failures": [{"name": "backup", "error": "There is no folder /mnt."}],
    "approvals": [{"short": "k3", "text": "rm -r build"}],
    "cost": 1.234,
    "tokens": 45_000,
    "upcoming": [{"name": f"job {number}", "at": NOW + number * HOUR} for number in range(1, 9)],
    "dead": 1,
}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench("daily_digest", tmp_path)


async def test_a_day_is_told_in_parts_what_waits_first(bench: Bench) -> None:
    bench.house.digested = DAY
    told = (await bench.run()).text
    assert told.index("**Waiting for you**\n- `k3` rm -r build") < told.index(
        "**Failed**\n- backup: There is no"
    )
    assert "- 4 Tidy \\*the\\* importer: done" in told
    assert "- 12 answers, 1 of them failed" in told
    assert "- Runs of jobs: 5 done, 1 failed" in told
    assert "- 1 message could not be delivered" in told
    assert "- 45,000 tokens, $1.23" in told
    assert "**Coming**\n- 13:00 job 1" in told
    assert "job 6" not in told


async def test_it_tells_what_happened_since_the_last_one(bench: Bench) -> None:
    await bench.run()
    bench.now += 24 * HOUR
    await bench.run()
    assert bench.house.since == [NOW - 24 * HOUR, NOW]


async def test_an_empty_day_is_said_or_not_said(bench: Bench) -> None:
    assert "Nothing happened" in (await bench.run()).text
    assert not (await bench.run(quiet=True)).changed
    assert not bench.asked


async def test_a_model_says_what_deserves_attention(bench: Bench) -> None:
    bench.house.digested = DAY
    bench.summary = "The backup needs its disk."
    assert "The backup needs its disk." in (await bench.run()).text
    assert "There is no folder" in bench.asked[0][1]


async def test_what_an_empty_database_tells_is_a_digest(bench: Bench, tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "hermes.db", clock=SystemClock(), bus=Bus())
    try:
        bench.house.digested = dict(await database.read(digest, 0))
    finally:
        await database.close()
    assert "Nothing happened" in (await bench.run()).text
