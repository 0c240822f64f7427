"""The audit trail over the event table: reading, verifying, exporting with anchors, pruning behind checkpoints."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Any

from store.chain import CHECKPOINT, Anchor, Chain, Verdict
from store.database import Database
from store.units import Query, Unit

PAGE = "SELECT seq, at, kind, subject, actor, body, hash FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
OLDEST_KEPT = "SELECT min(seq) FROM event WHERE at >= ?"
LAST = "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1"
HASH_AT = "SELECT hash FROM event WHERE seq = ?"
STEP = "SELECT seq FROM event WHERE seq <= ? ORDER BY seq LIMIT 1 OFFSET ?"
DELETE = "DELETE FROM event WHERE seq <= ?"

# Rows read at once, and rows deleted by one unit: each keeps its connection busy for some milliseconds only.
PAGE_ROWS = 10_000
PRUNE_ROWS = 2_000


def page(query: Query, after: int, limit: int = PAGE_ROWS) -> list[sqlite3.Row]:
    """Return up to ``limit`` rows ``(seq, at, kind, subject, actor, body, hash)`` that follow event ``after``."""
    return query.all(PAGE, (after, limit))


def verify_all(query: Query, anchors: Iterable[Anchor] = ()) -> Verdict:
    """Check the whole chain on one snapshot; for a database nobody is waiting for."""
    chain = Chain(anchors)
    while rows := page(query, chain.last):
        chain.feed(rows)
    return chain.verdict()


async def verify(database: Database, anchors: Iterable[Anchor] = ()) -> Verdict:
    """Check the whole chain of an open database, page by page beside its other work."""
    known = tuple(anchors)
    verdict = await _verify_pages(database, known)
    # Pruning between two pages looks like a removal; what is really missing is still missing the second time.
    return verdict if verdict.ok else await _verify_pages(database, known)


async def export(database: Database, write: Callable[[str], Any], *, after: int = 0) -> Anchor:
    """Write the events behind ``after`` as JSON lines and an anchor as the last line; return the anchor.

    Lines: ``{"seq", "at", "kind", "subject", "actor", "body": {…}, "hash": hexadecimal}``, then
    ``{"anchor": {"seq", "hash"}}``. Kept on another machine, the anchor shows later removal at the end and rewriting.
    """
    anchor = Anchor(after, "")
    while rows := await database.read(page, anchor.seq):
        write("".join(_line(row) for row in rows))
        anchor = Anchor(rows[-1]["seq"], rows[-1]["hash"].hex())
    write(json.dumps({"anchor": asdict(anchor)}) + "\n")
    return anchor


def anchors(lines: Iterable[str]) -> Iterator[Anchor]:
    """Return the anchors in exported lines; raise ValueError where a line is not JSON."""
    for line in lines:
        content = json.loads(line)
        if "anchor" in content and content["anchor"]["hash"]:
            yield Anchor(int(content["anchor"]["seq"]), str(content["anchor"]["hash"]))


async def prune(database: Database, before: int) -> int:
    """Remove the events older than ``before`` (ms) behind checkpoint events; return how many went.

    The newest event always stays. An event whose clock was wrong ends the pruning rather than being jumped over.
    """
    through = await database.read(prunable, before)
    removed = 0
    while step := await database.write(prune_step, through):
        removed += step
    return removed


def prunable(query: Query, before: int) -> int:
    """Return the last event that is older than ``before``, with all events in front of it older as well."""
    kept = query.all(OLDEST_KEPT, (before,))[0][0]
    last = query.one(LAST)
    newest = 0 if last is None else last["seq"]
    return min(newest, newest + 1 if kept is None else kept) - 1


def prune_step(tx: Unit, through: int) -> int:
    """Remove some of the events up to ``through``, oldest first, behind a checkpoint; return how many went."""
    bounded = tx.one(STEP, (through, PRUNE_ROWS - 1))
    border = through if bounded is None else bounded["seq"]
    row = tx.one(HASH_AT, (border,))
    if row is None:
        return 0
    removed = tx.run(DELETE, (border,))
    tx.emit(CHECKPOINT, str(border), through=border, hash=row["hash"].hex(), removed=removed)
    return removed


async def _verify_pages(database: Database, anchors: Iterable[Anchor]) -> Verdict:
    chain = Chain(anchors)
    while rows := await database.read(page, chain.last):
        chain.feed(rows)
    return chain.verdict()


def _line(row: sqlite3.Row) -> str:
    event = {**dict(row), "body": json.loads(row["body"]), "hash": row["hash"].hex()}
    return json.dumps(event, ensure_ascii=False) + "\n"
