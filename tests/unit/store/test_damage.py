"""Damage: read-only with a copy and a sentence, never wrong answers; a database that went back in time is noticed."""

import asyncio
from pathlib import Path

import pytest

from kernel.errors import ForeignDatabase, StoreError, StoreReadOnly
from store.database import Database
from store.units import Query, Unit
from tests.unit.store.small import add, opened

PAGE = 4096


def many(tx: Unit) -> None:
    """Fill some dozen pages."""
    for number in range(1, 2000):
        add(tx, number, "a note that fills the page " * 3)


def rows(query: Query) -> list[int]:
    """Read every item, by way of the table."""
    return [row[0] for row in query.all("SELECT id FROM item WHERE note <> '' ORDER BY id")]


async def filled(home: Path) -> Path:
    """Make a database of many pages and return its path."""
    async with opened(home) as database:
        await database.write(many)
    return home / "small.db"


def spoil(path: Path, offset: int, content: bytes = b"\xa5" * PAGE) -> None:
    """Overwrite part of a file."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


async def test_a_spoiled_page_makes_the_store_read_only_with_a_copy_aside(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    spoil(path, path.stat().st_size // PAGE // 2 * PAGE)
    spoilt = path.read_bytes()
    async with opened(tmp_path) as database:
        assert database.state == "read_only"
        assert "damaged" in database.findings[0]
        with pytest.raises(StoreReadOnly, match="hermes restore"):
            await database.write(add, 5000)
        assert await database.read(lambda query: query.all("SELECT count(*) FROM migration")[0][0]) == 1
    (copy,) = (tmp_path / "damaged").iterdir()
    assert copy.read_bytes()[PAGE:] == spoilt[PAGE:]
    assert path.read_bytes() == spoilt
    async with opened(tmp_path):
        assert len(list((tmp_path / "damaged").iterdir())) == 1


async def test_damage_is_never_told_as_not_found(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    for page in range(2, path.stat().st_size // PAGE):
        spoil(path, page * PAGE)
    async with opened(tmp_path) as database:
        with pytest.raises(StoreReadOnly, match="damaged"):
            await database.read(rows)


async def test_damage_met_while_running_stops_the_writing(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    async with opened(tmp_path) as database:
        states: list[str] = []
        database.watch(states.append)
        for page in range(2, path.stat().st_size // PAGE):
            spoil(path, page * PAGE)
        with pytest.raises(StoreReadOnly):
            await database.read(rows)
        assert database.state == "read_only"
        with pytest.raises(StoreReadOnly):
            await database.write(add, 5000)
        await asyncio.sleep(0)
        assert states == ["read_only"]
    assert (tmp_path / "damaged").is_dir()


async def test_damage_of_a_large_file_is_found_beside_the_work(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    spoil(path, path.stat().st_size // PAGE // 2 * PAGE)
    async with opened(tmp_path, check_bytes=0) as database:
        changed = asyncio.Event()
        database.watch(lambda _: changed.set())
        if database.state == "open":
            await changed.wait()
        assert database.state == "read_only"
        assert "damaged" in database.findings[0]


async def test_a_large_file_without_damage_stays_open(tmp_path: Path) -> None:
    await filled(tmp_path)
    async with opened(tmp_path, check_bytes=0) as database:
        await database.write(add, 5000)
        assert database.state == "open"
    async with opened(tmp_path) as database:
        assert database.findings == ()


async def test_a_file_that_was_cut_short_is_damaged(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 3 * PAGE)
    async with opened(tmp_path) as database:
        assert database.state == "read_only"


@pytest.mark.parametrize("content", [b"not a database " * 400, b"\0" * 8192])
async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "small.db").write_bytes(content)
    with pytest.raises(ForeignDatabase, match="not a database"):
        async with opened(tmp_path):
            pass
    assert (tmp_path / "small.db").read_bytes() == content


async def test_a_spoiled_header_is_explained(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    spoil(path, 0, b"\xa5" * 100)
    with pytest.raises(ForeignDatabase, match="first page is damaged"):
        async with opened(tmp_path):
            pass


async def test_a_place_that_cannot_hold_a_database_is_explained(tmp_path: Path) -> None:
    (tmp_path / "small.db").mkdir()
    with pytest.raises(StoreError, match="cannot be opened"):
        async with opened(tmp_path):
            pass


async def test_a_cut_write_ahead_log_is_noticed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with opened(home) as database:
        await database.write(add, 1)
    async with opened(home) as database:
        await database.write(add, 2)
        await database.write(add, 3)
        left = {name: (home / name).read_bytes() for name in ("small.db", "small.db-wal")}
    for name, content in left.items():
        (home / name).write_bytes(content if name == "small.db" else content[: len(content) // 2])
    async with opened(home) as database:
        assert "older than this home" in database.findings[0]
        last = await database.read(lambda query: query.all("SELECT kind FROM event")[-1][0])
        assert last == "store.went_back"
    async with opened(home) as database:
        assert database.findings == ()


async def test_a_database_that_was_removed_is_noticed(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await database.write(add, 1)
    (tmp_path / "small.db").unlink()
    async with opened(tmp_path) as database:
        assert "event 1 was committed once" in database.findings[0]
        assert isinstance(database, Database)


async def test_a_spoiled_anchor_is_no_finding(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await database.write(add, 1)
    (tmp_path / "anchor.json").write_text("{", encoding="utf-8")
    async with opened(tmp_path) as database:
        assert database.findings == ()
