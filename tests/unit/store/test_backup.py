"""Backups are proven by opening them, and a restore can be undone."""

import asyncio
from pathlib import Path

import pytest

from kernel.clock import SystemClock
from kernel.errors import ForeignDatabase, InvalidInput, StoreError
from store import backup, events
from store.database import Database
from store.units import Unit
from tests.unit.store.small import add, items, migrations, opened


def spoil(path: Path, offset: int = 4096) -> None:
    """Overwrite part of a file that nobody has open."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xa5" * 2048)


async def test_a_backup_taken_under_load_is_sound_and_whole(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        for number in range(1, 101):
            await database.write(add, number)
        load = [asyncio.ensure_future(database.write(add, number)) for number in range(101, 400)]
        proof = await asyncio.to_thread(backup.backup, tmp_path / "small.db", tmp_path / "kept" / "one.db")
        await asyncio.gather(*load)
    assert proof.anchor.seq >= 100
    assert proof.size == (tmp_path / "kept" / "one.db").stat().st_size
    assert (tmp_path / "kept" / "one.db").stat().st_mode & 0o077 == 0
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["one.db"]


async def test_a_backup_replaces_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path):
        (tmp_path / "there.db").write_text("mine", encoding="utf-8")
        with pytest.raises(InvalidInput, match="exists already"):
            backup.backup(tmp_path / "small.db", tmp_path / "there.db")


async def test_a_backup_of_a_tampered_trail_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        for number in range(1, 5):
            await database.write(add, number)
        await database.write(lambda tx: tx.run("UPDATE event SET subject = 'x' WHERE seq = 2"))
        with pytest.raises(StoreError, match="Event 2 was changed"):
            backup.backup(tmp_path / "small.db", tmp_path / "one.db")
    assert not (tmp_path / "one.db").exists()
    assert not (tmp_path / "one.db.part").exists()


async def test_a_restore_goes_back_keeps_the_former_one_and_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await database.write(add, 1)
        backup.backup(tmp_path / "small.db", tmp_path / "one.db")
        await database.write(add, 2)
    aside = backup.restore(tmp_path / "one.db", tmp_path / "small.db", clock=SystemClock())
    assert items(tmp_path) == [1]
    assert aside is not None
    assert backup.prove(aside, tmp_path / "migrations").anchor.seq == 2
    async with opened(tmp_path) as database:
        assert database.findings == ()
        last = await database.read(lambda query: query.all("SELECT kind, subject FROM event")[-1][:])
        assert last == ("store.restored", "one.db")
        assert (await events.verify(database)).ok


async def test_a_restore_into_an_empty_home_makes_the_database(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await database.write(add, 1)
        backup.backup(tmp_path / "small.db", tmp_path / "one.db")
    home = tmp_path / "fresh"
    assert backup.restore(tmp_path / "one.db", home / "small.db", clock=SystemClock()) is None
    assert items(home) == [1]


async def test_a_damaged_copy_is_not_restored(tmp_path: Path) -> None:
    def many(tx: Unit) -> None:
        for number in range(1, 2000):
            add(tx, number, "x" * 50)

    async with opened(tmp_path) as database:
        await database.write(many)
        backup.backup(tmp_path / "small.db", tmp_path / "one.db")
    spoil(tmp_path / "one.db", 10 * 4096)
    before = (tmp_path / "small.db").read_bytes()
    with pytest.raises(StoreError):
        backup.restore(tmp_path / "one.db", tmp_path / "small.db", clock=SystemClock())
    assert (tmp_path / "small.db").read_bytes() == before


async def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text(
        "not a database, but long enough to be looked at " * 100, encoding="utf-8"
    )
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreError, match="cannot be read"):
        backup.prove(tmp_path / "text.db")
    with pytest.raises(InvalidInput, match="empty"):
        backup.prove(tmp_path / "empty.db")
    with pytest.raises(InvalidInput, match="no file"):
        backup.prove(tmp_path / "nowhere.db")


async def test_a_backup_of_a_newer_hermes_is_refused(tmp_path: Path) -> None:
    newer = migrations(tmp_path / "newer", "CREATE TABLE extra (id INTEGER) STRICT;\n")
    async with opened(tmp_path, migrations=newer) as database:
        assert isinstance(database, Database)
    with pytest.raises(ForeignDatabase, match="newer"):
        backup.prove(tmp_path / "small.db", migrations(tmp_path / "older"))
