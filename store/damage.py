"""Damage: finding it at the start, keeping a copy aside, and noticing a database that went back in time."""

import contextlib
import json
import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from kernel.errors import ForeignDatabase
from store.chain import Anchor, Head
from store.connect import is_damage, open_reader
from store.migrate import identify

# Up to this size the whole file is checked before anything else happens; a larger one is checked beside the work.
QUICK_BYTES = 16 * 1024 * 1024

_CHECK = "PRAGMA quick_check(5)"
_COPIES = "damaged"
_ANCHOR = "anchor.json"


def examine(path: Path, known: int, check_bytes: int = QUICK_BYTES) -> list[str]:
    """Return what is wrong with a database file before it is opened for writing; empty where nothing was found.

    Pages are checked in files up to ``check_bytes``; of a larger one only the first page is read.
    Raises ForeignDatabase where the file is another program's, newer than the ``known`` version, or no database.
    """
    if not path.exists():
        return []
    try:
        with closing(open_reader(path)) as connection:
            identify(connection, path, known)
            return check(connection) if path.stat().st_size <= check_bytes else []
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        if _is_ours(path):
            return [str(error)]
        raise ForeignDatabase(
            f"{path} is not a database, or its first page is damaged.",
            remedy="Restore a backup with: hermes restore FILE - or set HERMES_HOME to another directory.",
        ) from error


def check(connection: sqlite3.Connection) -> list[str]:
    """Return the first few problems SQLite finds in the whole file."""
    try:
        return [str(row[0]) for row in connection.execute(_CHECK).fetchall() if row[0] != "ok"]
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            return [str(error)]
        raise


def copy_aside(path: Path) -> Path | None:
    """Copy a damaged database, once for each state of the file, and return the copy; ``None`` where that fails too.

    The pages are copied as they are, with what the write-ahead log holds, so that a later repair has everything.
    """
    target = path.parent / _COPIES / f"{path.stem}-{int(path.stat().st_mtime)}.db"
    if target.exists():
        return target
    target.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        with closing(open_reader(path)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
    except sqlite3.Error:
        target.unlink(missing_ok=True)
        return None
    return target


def remember(folder: Path, head: Head) -> None:
    """Write the end of the chain beside the database; a disk that is full or read-only is no reason to stop."""
    path = folder / _ANCHOR
    temporary = path.with_suffix(".part")
    with contextlib.suppress(OSError):
        temporary.write_text(json.dumps(asdict(Anchor(head.seq, head.hash.hex()))), encoding="utf-8")
        temporary.replace(path)


def forget(folder: Path) -> None:
    """Remove the remembered end of the chain; the next start compares nothing."""
    (folder / _ANCHOR).unlink(missing_ok=True)


def remembered(folder: Path) -> Anchor | None:
    """Return the end of the chain that was remembered last, or ``None``."""
    try:
        content = json.loads((folder / _ANCHOR).read_text(encoding="utf-8"))
        return Anchor(int(content["seq"]), str(content["hash"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def went_back(connection: sqlite3.Connection, anchor: Anchor | None, head: Head) -> str:
    """Return a sentence where the chain lacks an event that was once committed; empty where all is well."""
    if anchor is None or anchor.seq == 0:
        return ""
    rows = connection.execute("SELECT hash FROM event WHERE seq = ?", (anchor.seq,)).fetchall()
    pruned = not rows and anchor.seq < head.seq
    if pruned or (rows and rows[0][0].hex() == anchor.hash):
        return ""
    return (
        f"The database is older than this home: event {anchor.seq} was committed once and is not there "
        f"(the last one is {head.seq}). What happened since may be done again or be missing."
    )


def _is_ours(path: Path) -> bool:
    """Tell whether the file at least begins like a database that Hermes could have written.

    Nobody has the file open through SQLite when this is asked, so reading it drops no lock.
    """
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"
