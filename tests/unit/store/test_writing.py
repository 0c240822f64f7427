"""Units of work: committed together, undone alone, never half."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from kernel.bus import Bus
from kernel.errors import StoreError
from kernel.events import Event
from store import events
from store.units import Unit
from tests.unit.store.small import add, items, opened


def refuse(tx: Unit, number: int) -> None:
    """Write and then raise."""
    add(tx, number)
    raise LookupError(number)


def end_everything(tx: Unit, number: int) -> None:
    """Make SQLite roll the whole transaction back."""
    add(tx, number)
    tx.run("INSERT OR ROLLBACK INTO item (id, state) VALUES (?, 'new')", (number,))


def modes(home: Path) -> dict[str, int]:
    """Return who may touch the database's files."""
    return {path.name: path.stat().st_mode & 0o777 for path in home.glob("small.db*")}


async def test_a_unit_is_visible_to_others_once_its_result_is_there(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        assert await database.write(add, 7) == 7
        assert items(tmp_path) == [7]


async def test_a_unit_that_raises_rolls_back_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        outcomes = await asyncio.gather(
            *(database.write(refuse if number % 3 == 0 else add, number) for number in range(1, 100)),
            return_exceptions=True,
        )
        assert [isinstance(outcome, LookupError) for outcome in outcomes] == [
            number % 3 == 0 for number in range(1, 100)
        ]
        assert items(tmp_path) == [number for number in range(1, 100) if number % 3]
        assert (await events.verify(database)).ok


async def test_a_unit_that_ends_the_transaction_takes_nobody_with_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        outcomes = await asyncio.gather(
            *(database.write(end_everything if number == 20 else add, number) for number in range(1, 41)),
            return_exceptions=True,
        )
        assert isinstance(outcomes.pop(19), sqlite3.IntegrityError)
        assert outcomes == items(tmp_path) == [number for number in range(1, 41) if number != 20]
        assert (await events.verify(database)).events == 39


async def test_a_unit_that_hides_the_lost_transaction_does_not_go_on(tmp_path: Path) -> None:
    def hide(tx: Unit) -> None:
        add(tx, 1)
        try:
            tx.run("INSERT OR ROLLBACK INTO item (id, state) VALUES (1, 'new')")
        except sqlite3.IntegrityError:
            tx.run("INSERT INTO item (id, state) VALUES (2, 'new')")

    async with opened(tmp_path) as database:
        with pytest.raises(StoreError, match="over"):
            await database.write(hide)
        assert items(tmp_path) == []


async def test_a_unit_that_survives_the_lost_transaction_fails_all_the_same(tmp_path: Path) -> None:
    def hide(tx: Unit) -> None:
        add(tx, 1)
        try:
            tx.run("INSERT OR ROLLBACK INTO item (id, state) VALUES (1, 'new')")
        except sqlite3.IntegrityError:
            return

    async with opened(tmp_path) as database:
        with pytest.raises(StoreError, match="ended its transaction"):
            await database.write(hide)
        assert items(tmp_path) == []


@pytest.mark.parametrize(
    "sql", ["COMMIT", "ROLLBACK", "BEGIN", "SAVEPOINT mine", "RELEASE unit", "ATTACH ':memory:' AS other"]
)
async def test_a_unit_cannot_touch_its_transaction(tmp_path: Path, sql: str) -> None:
    def touch(tx: Unit) -> None:
        add(tx, 1)
        tx.run(sql)

    async with opened(tmp_path) as database:
        with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
            await database.write(touch)
        assert await database.write(add, 2) == 2
        assert items(tmp_path) == [2]


async def test_a_coroutine_is_no_unit(tmp_path: Path) -> None:
    async def wrong(tx: Unit) -> None:
        add(tx, 1)

    async with opened(tmp_path) as database:
        with pytest.raises(TypeError, match="plain function"):
            await database.write(wrong)


async def test_what_outlives_its_unit_is_useless(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        kept = await database.write(lambda tx: tx)
        with pytest.raises(StoreError, match="over"):
            add(kept, 1)
        assert items(tmp_path) == []


async def test_an_open_returning_cursor_does_not_break_the_group(tmp_path: Path) -> None:
    def returning(tx: Unit, number: int) -> int:
        tx.run("INSERT INTO item (id, state) VALUES (?, 'new') RETURNING id", (number,))
        row = tx.one("UPDATE item SET note = 'x' RETURNING id")
        assert row is not None
        return tx.insert("INSERT INTO item (state) VALUES ('new') RETURNING id, state")

    async with opened(tmp_path) as database:
        assert await asyncio.gather(database.write(returning, 10), database.write(returning, 20)) == [11, 21]


async def test_a_cancelled_caller_stops_waiting_and_nothing_else(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        task = asyncio.ensure_future(database.write(add, 1))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await database.write(add, 2)
        assert items(tmp_path) == [1, 2]


async def test_a_storm_of_cancellations_leaves_whole_units(tmp_path: Path) -> None:
    def pair(tx: Unit, number: int) -> None:
        add(tx, number)
        add(tx, number + 1000)

    async with opened(tmp_path) as database:
        for start in range(0, 300, 30):
            tasks = [asyncio.ensure_future(database.write(pair, start + number)) for number in range(30)]
            for turn, task in enumerate(tasks):
                if turn % 3:
                    task.cancel()
                if turn % 5 == 0:
                    await asyncio.sleep(0)
            await asyncio.gather(*tasks, return_exceptions=True)
        await database.write(add, 5000)
        stored = items(tmp_path)
        assert [number + 1000 for number in stored if number < 1000] == [
            number for number in stored if 1000 <= number < 5000
        ]
        assert (await events.verify(database)).ok


async def test_events_are_published_in_order_after_the_commit(tmp_path: Path) -> None:
    heard: list[Event] = []
    bus = Bus()
    bus.listen("item.", heard.append)
    async with opened(tmp_path, bus) as database:
        await asyncio.gather(
            *(database.write(refuse if number == 5 else add, number) for number in range(10)),
            return_exceptions=True,
        )
        assert [event.subject for event in heard] == [str(number) for number in range(10) if number != 5]
        assert [event.seq for event in heard] == list(range(1, 10))


async def test_a_listener_that_fails_keeps_nobody_waiting(tmp_path: Path) -> None:
    def fail(event: Event) -> None:
        raise RuntimeError(event.kind)

    bus = Bus()
    bus.listen("item.", fail)
    async with opened(tmp_path, bus) as database:
        assert await asyncio.gather(database.write(add, 1), database.write(add, 2)) == [1, 2]


async def test_closing_commits_what_is_queued_and_takes_no_more(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        waiting = [asyncio.ensure_future(database.write(add, number)) for number in range(1, 50)]
        await asyncio.sleep(0)
        assert database.depth > 0
        await database.close()
        assert database.state == "closed"
        assert await asyncio.gather(*waiting) == list(range(1, 50))
        with pytest.raises(StoreError, match="closed"):
            await database.write(add, 99)
        with pytest.raises(StoreError, match="closed"):
            await database.read(lambda query: query.one("SELECT 1"))
    assert items(tmp_path) == list(range(1, 50))


async def test_foreign_keys_hold(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
            await database.write(lambda tx: tx.run("INSERT INTO part (item_id) VALUES (4)"))


async def test_the_database_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await database.write(add, 1)
        assert modes(tmp_path) == {"small.db": 0o600, "small.db-wal": 0o600, "small.db-shm": 0o600}


async def test_durability_is_not_relaxed(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:

        def settings(tx: Unit) -> list[object]:
            names = ("journal_mode", "synchronous", "foreign_keys", "trusted_schema")
            return [tx.all(f"PRAGMA {name}")[0][0] for name in names]

        assert await database.write(settings) == ["wal", 2, 1, 0]
