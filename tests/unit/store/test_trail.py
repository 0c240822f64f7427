"""The audit trail: any change and removal shows, pruning leaves a checkpoint that vouches."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kernel.clock import SystemClock
from store import events
from store.chain import Anchor, digest
from store.database import Database
from store.units import Unit
from tests.unit.store.small import add, opened


async def filled(database: Database, count: int = 20) -> None:
    """Write some events."""
    for number in range(1, count + 1):
        await database.write(add, number, f"note {number}")


def tamper(home: Path, sql: str) -> None:
    """Change the table behind the store's back."""
    with closing(sqlite3.connect(home / "small.db")) as connection:
        connection.execute(sql)
        connection.commit()


async def problem(home: Path, sql: str, *anchors: Anchor) -> str:
    """Return what verifying finds after tampering with a trail of twenty events."""
    async with opened(home) as database:
        await filled(database)
    tamper(home, sql)
    async with opened(home) as database:
        return (await events.verify(database, anchors)).problem


async def test_an_untouched_trail_is_whole(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await filled(database)
    async with opened(tmp_path) as database:
        await database.write(add, 100)
        verdict = await events.verify(database)
        assert (verdict.ok, verdict.events, verdict.first, verdict.last) == (True, 21, 1, 21)


@pytest.mark.parametrize(
    "column",
    ["at = at + 1", "kind = 'item.sub'", "subject = '77'", "actor = 'cli'", "body = '{}'", "hash = x'00'"],
)
async def test_a_change_of_any_column_shows(tmp_path: Path, column: str) -> None:
    assert "was changed" in await problem(tmp_path, f"UPDATE event SET {column} WHERE seq = 9")  # noqa: S608 - our own text


async def test_a_change_of_the_first_event_shows(tmp_path: Path) -> None:
    assert "was changed" in await problem(tmp_path, "UPDATE event SET subject = '7' WHERE seq = 1")


async def test_a_removal_in_the_middle_shows(tmp_path: Path) -> None:
    assert await problem(tmp_path, "DELETE FROM event WHERE seq IN (8, 9)") == "Events 8 to 9 are missing."


async def test_a_removal_at_the_beginning_shows(tmp_path: Path) -> None:
    assert "no checkpoint vouches" in await problem(tmp_path, "DELETE FROM event WHERE seq < 4")


async def test_a_removal_at_the_end_shows_against_an_anchor(tmp_path: Path) -> None:
    found = await problem(tmp_path, "DELETE FROM event WHERE seq > 15", Anchor(18, "ab"))
    assert found == "The trail ends at event 16; an anchor names event 18."


async def test_a_rewritten_trail_shows_against_an_anchor(tmp_path: Path) -> None:
    async with opened(tmp_path / "one") as database:
        await filled(database)
        exported: list[str] = []
        await events.export(database, exported.append)
    anchors = list(events.anchors("".join(exported).splitlines()))
    async with opened(tmp_path / "two") as database:
        await filled(database, 25)
        assert (await events.verify(database)).ok
        assert "not the one" in (await events.verify(database, anchors)).problem
    async with opened(tmp_path / "one") as database:
        await database.write(add, 21)
        assert (await events.verify(database, anchors)).ok


async def test_an_export_holds_every_event_and_can_be_continued(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await filled(database)
        exported: list[str] = []
        anchor = await events.export(database, exported.append)
        await database.write(add, 21, "späť")
        more: list[str] = []
        await events.export(database, more.append, after=anchor.seq)
    assert len("".join(exported).splitlines()) == 21
    assert '"note": "späť"' in more[0]
    assert len("".join(more).splitlines()) == 2


async def test_pruning_leaves_a_trail_that_verifies(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await filled(database)
        first = await events.verify(database)
        assert await events.prune(database, SystemClock().now() + 1) == 19
        verdict = await events.verify(database, [Anchor(first.last, first.hash)])
        assert (verdict.ok, verdict.first, verdict.last) == (True, 20, 21)
    tamper(tmp_path, "DELETE FROM event WHERE seq = 20")
    async with opened(tmp_path) as database:
        assert "no checkpoint vouches" in (await events.verify(database)).problem


async def test_pruning_goes_no_further_than_it_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await filled(database, 5)
        assert await events.prune(database, 0) == 0
        assert (await events.verify(database)).events == 5


async def test_pruning_much_happens_in_steps(tmp_path: Path) -> None:
    count = 2 * events.PRUNE_ROWS + 10

    def many(tx: Unit) -> None:
        for number in range(count):
            tx.emit("item.count", str(number))

    async with opened(tmp_path) as database:
        await database.write(many)
        assert await events.prune(database, SystemClock().now() + 1) == count - 1
        verdict = await events.verify(database)
        assert (verdict.ok, verdict.events) == (True, 4)


async def test_an_empty_trail_is_whole(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        verdict = await events.verify(database)
        assert (verdict.ok, verdict.events, verdict.last) == (True, 0, 0)
        assert await events.prune(database, SystemClock().now() + 1) == 0


async def test_a_number_that_json_does_not_know_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        with pytest.raises(ValueError, match="JSON compliant"):
            await database.write(lambda tx: tx.emit("item.add", "1", weight=float("nan")))
        await database.write(lambda tx: tx.emit("item.add", "1", weight=1.5, whole=True, none=None))
        assert (await events.verify(database)).ok


def test_no_two_rows_share_what_is_hashed() -> None:
    assert digest(b"", 1, 2, "a.b", "c", "d", "{}") != digest(b"", 1, 2, "a.", "bc", "d", "{}")
    assert digest(b"", 1, 23, "a", "b", "c", "{}") != digest(b"", 12, 3, "a", "b", "c", "{}")
    assert digest(b"", 1, 2, "a1:b", "c", "d", "{}") != digest(b"", 1, 2, "a", "b", "1:cd", "{}")
