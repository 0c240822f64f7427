"""What is kept of a job that somebody has walked away from: its place, its card, and what was told of it."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from kernel.messages import Address
from store.units import Query, Unit

LIVE, ENDED, REQUEST = "walkaway:", "walked:", "delegated:"
GET = "SELECT value FROM mark WHERE name IN (?, ?)"
PUT = """
INSERT INTO mark (name, value, updated_at) VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
"""
DELETE = "DELETE FROM mark WHERE name = ?"
WITH_PREFIX = (
    "SELECT value FROM mark WHERE name >= ? AND name < ? ORDER BY updated_at DESC, name DESC LIMIT ?"
)
ONE = "SELECT value FROM mark WHERE name = ?"


@dataclass(frozen=True, slots=True)
class Walk:
    """A job's place and what was told there.

    ``mode`` is ``"walkaway"`` (a card and pings) or ``"background"`` (its end alone). ``ping`` is ``"milestone"``,
    ``"done"`` or ``"interval"``, which rings every ``every_ms``. ``card`` is the platform's id of the card, the
    ``number``-th one, and ``shown`` a digest of what it says; ``edit`` is the outbox key of its last edit. ``rung`` is
    the last milestone that was told, ``rung_at`` when something last rang. ``silent`` is the sign of life after which
    the silence was told, ``over`` the end that was told, ``edited_at`` when the card was last changed.
    """

    task_id: int
    mode: str
    place: Address
    session_id: str = ""
    ping: str = "milestone"
    every_ms: int = 0
    card: str = ""
    number: int = 0
    shown: str = ""
    edit: str = ""
    edited_at: int = 0
    rung: int = 0
    rung_at: int = 0
    silent: int = 0
    over: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What is known of a request to delegate: the place that was opened for it, and the task that came of it."""

    place: Address
    task_id: int = 0


def _name(prefix: str, task_id: int) -> str:
    return f"{prefix}{task_id:012d}"


def _walk_of(text: str) -> Walk:
    given: dict[str, Any] = json.loads(text)
    place = Address(*given.pop("place"))
    return Walk(place=place, **given)


def find(q: Query, task_id: int) -> Walk | None:
    """Return what is kept of a job, or ``None`` where nobody has walked away from the task."""
    row = q.one(GET, (_name(LIVE, task_id), _name(ENDED, task_id)))
    return _walk_of(row["value"]) if row else None


def put(tx: Unit, walk: Walk) -> None:
    """Keep what is known of a job that is not over."""
    tx.run(PUT, (_name(LIVE, walk.task_id), json.dumps(asdict(walk)), tx.now))


def archive(tx: Unit, walk: Walk) -> None:
    """Keep what is known of a job that is over, where replies still find it."""
    tx.run(DELETE, (_name(LIVE, walk.task_id),))
    tx.run(PUT, (_name(ENDED, walk.task_id), json.dumps(asdict(walk)), tx.now))


def live(q: Query, limit: int = 1000) -> list[Walk]:
    """Return the jobs that are not over."""
    return [_walk_of(row["value"]) for row in q.all(WITH_PREFIX, (LIVE, LIVE + "~", limit))]


def ended(q: Query, limit: int = 500) -> list[Walk]:
    """Return the jobs that ended last, the latest first."""
    return [_walk_of(row["value"]) for row in q.all(WITH_PREFIX, (ENDED, ENDED + "~", limit))]


def request(q: Query, key: str) -> Request | None:
    """Return what came of a request, so that asking twice is the same as once."""
    row = q.one(ONE, (REQUEST + key,))
    if row is None:
        return None
    given = json.loads(row["value"])
    return Request(Address(*given["place"]), given["task_id"])


def keep_request(tx: Unit, key: str, place: Address, task_id: int = 0) -> None:
    """Keep what came of a request so far."""
    tx.run(PUT, (REQUEST + key, json.dumps({"place": place, "task_id": task_id}), tx.now))
