"""The event table: an append-only trail in which each row carries the hash of the one before."""

import json
from dataclasses import dataclass
from hashlib import sha256

from kernel.events import Scalar

INSERT = "INSERT INTO event (seq, at, kind, subject, actor, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?)"
HEAD = "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1"

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: the last event's number and hash (32 bytes)."""

    seq: int
    hash: bytes


GENESIS = Head(0, bytes(32))


def body_text(body: dict[str, Scalar]) -> str:
    """Return the JSON text that is stored and hashed; raise ValueError for NaN and infinities."""
    return _encode(body) if body else "{}"


def digest(previous: bytes, seq: int, at: int, kind: str, subject: str, actor: str, body: str) -> bytes:
    """Return SHA-256 over the previous hash and the row, each text behind its length so that none can pose as two."""
    row = f"{seq} {at} {len(kind)}:{kind}{len(subject)}:{subject}{len(actor)}:{actor}{len(body)}:{body}"
    return sha256(previous + row.encode()).digest()
