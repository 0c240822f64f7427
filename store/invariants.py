"""The invariants, checked: what breaks a promise, damage that SQLite finds, untrue history, and secrets that leaked."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from store.connect import open_reader
from store.events import verify_all
from store.promises import RULES, Rule
from store.units import Query


@dataclass(frozen=True, slots=True)
class Finding:
    """What breaks a rule: the ids of the first few rows, and how many there are in all."""

    invariant: str
    name: str
    sentence: str
    ids: tuple[str, ...]
    count: int

    def __str__(self) -> str:
        more = ", …" if self.count > len(self.ids) else ""
        return f"{self.invariant} {self.name}: {self.sentence} ({self.count}: {', '.join(self.ids)}{more})"


SHOWN = 5


def broken(q: Query, before: int) -> list[Finding]:
    """Return what breaks the rules; ``before`` is in milliseconds since the epoch."""
    return [finding for rule in RULES if (finding := _judge(q, rule, before)) is not None]


def _judge(q: Query, rule: Rule, before: int) -> Finding | None:
    rows = q.all(rule.sql, {"before": before})
    if not rows:
        return None
    return _finding(rule.invariant, rule.name, rule.sentence, [str(row[0]) for row in rows])


def _finding(invariant: str, name: str, sentence: str, ids: list[str]) -> Finding:
    return Finding(invariant, name, sentence, tuple(ids[:SHOWN]), len(ids))


def damaged(q: Query) -> list[Finding]:
    """Return what SQLite itself finds: broken pages, indexes, CHECK lists, and references to nothing."""
    found: list[Finding] = []
    problems = [str(row[0]) for row in q.all("PRAGMA integrity_check(20)") if row[0] != "ok"]
    if problems:
        found.append(_finding("I11", "integrity", "SQLite finds the file damaged.", problems))
    references = [f"{row[0]} row {row[1]} → {row[2]}" for row in q.all("PRAGMA foreign_key_check")]
    if references:
        found.append(_finding("I11", "references", "A row refers to one that does not exist.", references))
    return found


def untrue(q: Query) -> list[Finding]:
    """Return where the chain of events is broken."""
    verdict = verify_all(q)
    return [] if verdict.ok else [_finding("I11", "event.chain", verdict.problem, [str(verdict.last)])]


def leaked(q: Query, secrets: Iterable[str]) -> list[Finding]:
    """Return the columns in which one of ``secrets`` is stored."""
    wanted = [secret for secret in secrets if secret]
    columns = [
        f"{table}.{column}"
        for table, column in _text_columns(q)
        for secret in wanted
        if _holds(q, table, column, secret)
    ]
    return (
        [_finding("I10", "secret", "A configured secret is stored in the database.", columns)]
        if columns
        else []
    )


def _text_columns(q: Query) -> Iterator[tuple[str, str]]:
    for table in q.all("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'"):
        for column in q.all("SELECT name FROM pragma_table_info(?) WHERE type = 'TEXT'", (table[0],)):
            yield table[0], column[0]


def _holds(q: Query, table: str, column: str, secret: str) -> bool:
    # Names of tables and columns come from the schema and cannot be bound; JSON text escapes what it must.
    sql = f'SELECT 1 FROM "{table}" WHERE instr("{column}", ?) OR instr("{column}", ?) LIMIT 1'  # noqa: S608
    return q.one(sql, (secret, json.dumps(secret)[1:-1])) is not None


def inspect(source: Path, scratch: Path, *, before: int, secrets: Iterable[str] = ()) -> list[Finding]:
    """Copy a database into the folder ``scratch`` and return all that is wrong with the copy.

    A file that is too damaged to be copied or read is a finding, not an error.
    """
    try:
        with closing(_copied(source, scratch / "copy.db")) as connection:
            query = Query(connection.cursor())
            return damaged(query) or [*broken(query, before), *untrue(query), *leaked(query, secrets)]
    except sqlite3.DatabaseError as error:
        return [_finding("I11", "integrity", "SQLite cannot read the file.", [str(error)])]


def _copied(source: Path, target: Path) -> sqlite3.Connection:
    """Copy a database, also one that a daemon is writing to, and open the copy.

    SQLite forgets the CHECK lists of a database that it opens for reading only, so the copy is opened like any other.
    """
    with closing(open_reader(source)) as connection, closing(sqlite3.connect(target)) as copy:
        connection.backup(copy)
    opened = sqlite3.connect(target, isolation_level=None)
    opened.row_factory = sqlite3.Row
    opened.execute("PRAGMA trusted_schema = OFF").fetchall()
    return opened
