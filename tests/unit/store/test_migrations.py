"""Migrations: in order, once, whole, with a copy first; nothing of others is touched."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kernel.errors import ForeignDatabase, StoreError
from store.migrate import MIGRATIONS, load, schema_of, statements
from tests.unit.store.small import add, items, migrations, opened

TRIGGER = """
-- a comment; with a semicolon
ALTER TABLE item ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER grown AFTER INSERT ON item BEGIN
    UPDATE item SET size = length(note) WHERE id = new.id; -- another; one
    UPDATE item SET note = note || ';' WHERE id = new.id;
END;
"""


def test_the_schema_file_is_the_sum_of_the_migrations() -> None:
    assert (MIGRATIONS.parent / "schema.sql").read_text(encoding="utf-8") == schema_of()


def test_every_table_is_strict() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(schema_of())
        loose = connection.execute(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0"
        ).fetchall()
    assert [name for (name,) in loose if not name.startswith("sqlite_")] == []


async def test_an_upgrade_keeps_the_rows_and_makes_a_copy_first(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await database.write(add, 1)
    upgraded = migrations(tmp_path / "newer", TRIGGER)
    async with opened(tmp_path, migrations=upgraded) as database:
        await database.write(add, 2, "four")
        row = await database.read(lambda query: query.one("SELECT size, note FROM item WHERE id = 2"))
        assert row is not None
        assert tuple(row) == (4, "four;")
    assert items(tmp_path) == [1, 2]
    with closing(sqlite3.connect(tmp_path / "backups" / "before-migration-0002.db")) as copy:
        assert copy.execute("SELECT count(*) FROM item").fetchone() == (1,)
        assert copy.execute("PRAGMA user_version").fetchone() == (1,)


async def test_a_migration_that_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await database.write(add, 1)
    broken = migrations(
        tmp_path / "newer", "CREATE TABLE extra (id INTEGER) STRICT;\nINSERT INTO nowhere VALUES (1);\n"
    )
    with pytest.raises(StoreError, match=r"Migration 0002 \(step\) failed"):
        async with opened(tmp_path, migrations=broken):
            pass
    async with opened(tmp_path) as database:
        tables = await database.read(
            lambda query: [row[0] for row in query.all("SELECT name FROM sqlite_schema WHERE name = 'extra'")]
        )
        assert tables == []


async def test_a_changed_migration_is_noticed(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    with (tmp_path / "migrations" / "0001_step.sql").open("a", encoding="utf-8") as file:
        file.write("-- afterthought\n")
    with pytest.raises(StoreError, match="other migrations"):
        async with opened(tmp_path, migrations=tmp_path / "migrations"):
            pass


async def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    newer = migrations(tmp_path / "newer", TRIGGER)
    async with opened(tmp_path, migrations=newer):
        pass
    before = (tmp_path / "small.db").read_bytes()
    with pytest.raises(ForeignDatabase, match="newer Hermes"):
        async with opened(tmp_path):
            pass
    assert (tmp_path / "small.db").read_bytes() == before


async def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "small.db")) as connection:
        connection.execute("CREATE TABLE theirs (id INTEGER)")
    before = (tmp_path / "small.db").read_bytes()
    with pytest.raises(ForeignDatabase, match="another program"):
        async with opened(tmp_path):
            pass
    assert (tmp_path / "small.db").read_bytes() == before
    assert not (tmp_path / "small.db-wal").exists()


@pytest.mark.parametrize("names", [["0002_late.sql"], ["0001_a.sql", "0003_b.sql"], ["first.sql"]])
def test_migrations_are_numbered_without_a_gap(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1;\n", encoding="utf-8")
    with pytest.raises(StoreError):
        load(tmp_path)


def test_a_script_is_split_where_its_statements_end() -> None:
    assert len(list(statements(TRIGGER))) == 2
    assert list(statements("SELECT ';'; SELECT 2 -- rest")) == ["SELECT ';';", "SELECT 2 -- rest"]
    assert list(statements(" \n")) == []


async def test_a_migration_that_ends_inside_a_statement_fails(tmp_path: Path) -> None:
    cut = migrations(tmp_path / "cut", "CREATE TRIGGER x AFTER INSERT ON item BEGIN SELECT 1;")
    with pytest.raises(StoreError, match="incomplete input"):
        async with opened(tmp_path, migrations=cut):
            pass
