"""Numbered migrations: checksummed, each in its own transaction, with a backup first."""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from kernel.clock import Clock
from kernel.errors import ForeignDatabase, StoreError

MIGRATIONS = Path(__file__).parent / "migrations"

# "Herm" in ASCII, in the header of every database of ours.
APPLICATION_ID = 0x4865726D

_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")

_TABLE = """CREATE TABLE IF NOT EXISTS migration (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  checksum TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file: its SQL and the SHA-256 of its bytes in hexadecimal digits."""

    number: int
    name: str
    sql: str
    checksum: str


def load(folder: Path = MIGRATIONS) -> tuple[Migration, ...]:
    """Return the folder's migrations in order; raise StoreError where the numbers are not 1, 2, 3 …"""
    found = tuple(_load_one(path) for path in sorted(folder.glob("*.sql")))
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise StoreError(f"The migrations in {folder} are not numbered 0001, 0002, … without a gap.")
    return found


def identify(connection: sqlite3.Connection, path: Path, known: int) -> int:
    """Return the database's version, 0 for an empty one.

    Raises ForeignDatabase where it belongs to another product or has more migrations than the ``known`` number.
    """
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if application != APPLICATION_ID and (application or version or tables):
        raise ForeignDatabase(
            f"{path} is a database of another program.",
            remedy="Set HERMES_HOME to another directory; Hermes leaves this one alone.",
        )
    if version > known:
        raise ForeignDatabase(
            f"{path} was written by a newer Hermes (version {version}; this one knows {known}).",
            remedy="Run: hermes update. Or restore a backup with: hermes restore FILE",
        )
    return version


def migrate(connection: sqlite3.Connection, path: Path, *, clock: Clock, folder: Path = MIGRATIONS) -> int:
    """Bring the database to the newest version and return how many migrations ran.

    ``connection`` is the writer's, outside a transaction. A database that holds something is first copied to
    ``backups/before-migration-NNNN.db`` beside it. Raises StoreError where a migration that already ran was changed
    afterwards; a migration that fails leaves the database as it was before it.
    """
    migrations = load(folder)
    version = identify(connection, path, len(migrations))
    if version:
        _check_history(connection, migrations[:version])
    pending = migrations[version:]
    if version and pending:
        _copy_aside(connection, path.parent / "backups" / f"before-migration-{version + 1:04}.db")
    for migration in pending:
        _apply(connection, migration, clock.now())
    return len(pending)


def statements(script: str) -> Iterator[str]:
    """Split a script into statements; triggers, strings and comments may hold semicolons.

    What follows the last semicolon comes too: a comment does no harm, and SQLite names what is incomplete.
    """
    buffer = ""
    *pieces, rest = script.split(";")
    for piece in pieces:
        buffer += piece + ";"
        if sqlite3.complete_statement(buffer):
            yield buffer.strip()
            buffer = ""
    if (buffer + rest).strip():
        yield (buffer + rest).strip()


def schema(connection: sqlite3.Connection) -> str:
    """Return the schema as one script: tables first, then indexes, triggers and views, each group by name."""
    rows = connection.execute(
        "SELECT type, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
        "AND name NOT IN (SELECT name FROM pragma_table_list WHERE type = 'shadow') "
        "ORDER BY instr('table index trigger view', type), name"
    ).fetchall()
    return "".join(f"{row[1]};\n\n" for row in rows).rstrip("\n") + "\n"


def schema_of(folder: Path = MIGRATIONS) -> str:
    """Return the schema that the sum of the migrations makes, as ``store/schema.sql`` holds it."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for migration in load(folder):
            _apply(connection, migration, 0)
        return schema(connection)


def _load_one(path: Path) -> Migration:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise StoreError(f"{path.name} is not named like 0001_what_it_does.sql.")
    content = path.read_bytes()
    return Migration(int(match[1]), match[2], content.decode(), sha256(content).hexdigest())


def _check_history(connection: sqlite3.Connection, expected: Sequence[Migration]) -> None:
    rows = connection.execute("SELECT number, checksum FROM migration ORDER BY number").fetchall()
    if [(row[0], row[1]) for row in rows] != [(one.number, one.checksum) for one in expected]:
        raise StoreError(
            "The database was made by other migrations than this Hermes has.",
            remedy="Install the version that made it, or restore a backup with: hermes restore FILE",
        )


def _copy_aside(connection: sqlite3.Connection, target: Path) -> None:
    target.parent.mkdir(mode=0o700, exist_ok=True)
    with closing(sqlite3.connect(target)) as copy:
        connection.backup(copy)


def _apply(connection: sqlite3.Connection, migration: Migration, now: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(_TABLE)
        for statement in statements(migration.sql):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO migration (number, name, checksum, at) VALUES (?, ?, ?, ?)",
            (migration.number, migration.name, migration.checksum, now),
        )
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {migration.number}")
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise StoreError(f"Migration {migration.number:04} ({migration.name}) failed: {error}.") from error
