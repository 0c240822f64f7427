"""Reads: snapshots that cannot write and cannot last."""

import asyncio
from pathlib import Path

import pytest

from kernel.errors import StoreError
from store.units import Query
from tests.unit.store.small import add, opened

ENDLESS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def count(query: Query) -> int:
    """Count the items."""
    return query.all("SELECT count(*) FROM item")[0][0]


async def test_a_read_sees_what_was_written_before_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        for number in range(1, 20):
            await database.write(add, number)
            assert await database.read(count) == number


async def test_a_read_is_one_snapshot(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        loop = asyncio.get_running_loop()

        def twice(query: Query) -> tuple[int, int]:
            before = count(query)
            asyncio.run_coroutine_threadsafe(database.write(add, 1), loop).result(10)
            return before, count(query)

        assert await database.read(twice) == (0, 0)
        assert await database.read(count) == 1


async def test_a_read_cannot_write(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        with pytest.raises(StoreError, match="readonly"):
            await database.read(lambda query: query.all("DELETE FROM item"))


async def test_a_read_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    async with opened(tmp_path, read_limit=0.05) as database:
        with pytest.raises(StoreError, match=r"longer than 0\.05 s"):
            await database.read(lambda query: query.all(ENDLESS))
        assert await database.read(count) == 0


async def test_a_read_nobody_waits_for_is_given_up(tmp_path: Path) -> None:
    async with opened(tmp_path, readers=1, read_limit=3600) as database:
        task = asyncio.ensure_future(database.read(lambda query: query.all(ENDLESS)))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await database.read(count) == 0


async def test_a_read_that_raises_leaves_the_reader_usable(tmp_path: Path) -> None:
    def fail(query: Query) -> None:
        count(query)
        raise LookupError

    async with opened(tmp_path, readers=1) as database:
        with pytest.raises(LookupError):
            await database.read(fail)
        assert await database.read(count) == 0


async def test_what_outlives_its_read_is_useless(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        kept = await database.read(lambda query: query)
        with pytest.raises(StoreError, match="over"):
            kept.one("SELECT 1")
