"""Backups: an online copy that is proven by opening it, and the way back."""

import contextlib
import os
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from kernel.clock import Clock
from kernel.errors import InvalidInput, StoreError
from store import damage
from store.chain import Anchor
from store.connect import is_full, open_reader, open_writer
from store.events import verify_all
from store.groups import Groups
from store.migrate import MIGRATIONS, identify, load
from store.units import Query, Unit


@dataclass(frozen=True, slots=True)
class Proof:
    """What opening a copy showed: its size in bytes, its schema's version, and where its event chain ends."""

    path: Path
    size: int
    version: int
    anchor: Anchor


def backup(database: Path, target: Path, *, newer: bool = False) -> Proof:
    """Copy a database, which may be in use, to ``target`` and prove the copy; return the proof.

    With ``newer`` the database may be of a later version than this program, as before an update that shall catch up.

    Takes as long as reading the file does: run it in a thread where an event loop waits. The writer goes on meanwhile.
    Raises InvalidInput where the target exists or cannot be written, and StoreError where the copy cannot be made or is
    not sound; the target exists afterwards only if all went well.
    """
    if target.exists():
        raise InvalidInput(f"{target} exists already.", remedy="Name another file.")
    part = target.with_name(f"{target.name}.part")
    try:
        _copy(database, part)
        proof = prove(part, newer=newer)
        _install(part, target)
    except OSError as error:
        raise InvalidInput(f"{target} cannot be written: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)
    return Proof(target, proof.size, proof.version, proof.anchor)


def prove(path: Path, migrations: Path = MIGRATIONS, *, newer: bool = False) -> Proof:
    """Open a copy and check pages, foreign keys and the event chain; raise StoreError where any of it is not sound."""
    if not path.is_file():
        raise InvalidInput(f"There is no file {path}.")
    try:
        with closing(open_reader(path)) as connection:
            version = identify(connection, path, sys.maxsize if newer else len(load(migrations)))
            if version == 0:
                raise InvalidInput(f"{path} is an empty database.")
            _sound(connection, path)
            verdict = verify_all(Query(connection.cursor()))
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path} cannot be read as a database: {error}.") from error
    if not verdict.ok:
        raise StoreError(f"The audit trail of {path} is not whole. {verdict.problem}")
    return Proof(path, path.stat().st_size, version, Anchor(verdict.last, verdict.hash))


def restore(copy: Path, database: Path, *, clock: Clock) -> Path | None:
    """Put a proven copy in the place of the database; return where the former one is now, ``None`` if there was none.

    The caller holds the home's lock and nobody has the database open. The restored one records what happened as an
    event ``store.restored``. Raises what ``prove`` raises, before anything is touched.
    """
    proof = prove(copy)
    part = database.with_name(f"{database.name}.part")
    try:
        _copy(copy, part)
        _record(part, copy.name, proof.anchor, clock)
        aside = _keep_aside(database, clock.now())
        _install(part, database)
    except OSError as error:
        raise InvalidInput(f"{database} cannot be replaced: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)
    damage.forget(database.parent)
    return aside


def _copy(source: Path, target: Path) -> None:
    """Copy all pages as of one moment into one file without a write-ahead log, readable by its owner only."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(target, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    try:
        with closing(open_reader(source)) as reader, closing(sqlite3.connect(target)) as writer:
            reader.backup(writer)
            writer.execute("PRAGMA journal_mode = DELETE").fetchall()
    except sqlite3.Error as error:
        reason = "the disk is full" if is_full(error) else str(error)
        raise StoreError(f"{source} cannot be copied: {reason}.") from error


def _sound(connection: sqlite3.Connection, path: Path) -> None:
    problems = [
        row[0] for row in connection.execute("PRAGMA integrity_check(5)").fetchall() if row[0] != "ok"
    ]
    orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
    if orphans:
        problems.append(f"{len(orphans)} rows refer to rows that are not there")
    if problems:
        raise StoreError(f"{path} is damaged: {problems[0]}.")


def _record(part: Path, name: str, anchor: Anchor, clock: Clock) -> None:
    """Write into the copy that it was restored, and fold the write-ahead log back into the one file."""

    def note(tx: Unit) -> None:
        tx.emit("store.restored", name, through=anchor.seq, hash=anchor.hash)

    with closing(open_writer(part)) as connection:
        Groups(connection, clock).alone(note)
        connection.execute("PRAGMA journal_mode = DELETE").fetchall()


def _keep_aside(database: Path, now: int) -> Path | None:
    """Give the database a second name and take its write-ahead log away, so that a new file can replace it at once.

    Opening and closing folds the log into the file; where the damage forbids that, the log goes with the second name.
    """
    if not database.exists():
        return None
    with contextlib.suppress(sqlite3.Error):
        open_writer(database).close()
    aside = database.with_name(f"{database.name}.before-restore-{now}")
    for suffix in ("-wal", "-shm"):
        belonging = database.with_name(database.name + suffix)
        if belonging.exists():
            belonging.rename(aside.with_name(aside.name + suffix))
    os.link(database, aside)
    return aside


def _install(part: Path, target: Path) -> None:
    """Make a finished file durable and give it its name."""
    _sync(part, os.O_RDWR)
    part.replace(target)
    _sync(target.parent, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
