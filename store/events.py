"""The event table: an append-only trail in which each row carries the hash of the one before."""

import json
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import NamedTuple

from kernel.events import Scalar

INSERT = "INSERT INTO event (seq, at, kind, subject, actor, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?)"
HEAD = "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1"

_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
# JSONEncoder.encode makes its C encoder anew in every call; made once, it needs a third of the time.
_chunks: Callable[[Mapping[str, Scalar], int], Iterable[str]] = json.encoder.c_make_encoder(  # pyright: ignore[reportAttributeAccessIssue]
    None, _encoder.default, json.encoder.encode_basestring, None, ":", ",", False, False, False
)


class Head(NamedTuple):
    """The end of the chain: the last event's number and hash (32 bytes)."""

    seq: int
    hash: bytes


GENESIS = Head(0, bytes(32))


def body_text(body: dict[str, Scalar]) -> str:
    """Return the JSON text that is stored and hashed; raise ValueError for NaN and infinities."""
    return "".join(_chunks(body, 0)) if body else "{}"


def digest(previous: bytes, seq: int, at: int, kind: str, subject: str, actor: str, body: str) -> bytes:
    """Return SHA-256 over the previous hash and the row, each text behind its length so that none can pose as two."""
    row = f"{seq} {at} {len(kind)}:{kind}{len(subject)}:{subject}{len(actor)}:{actor}{len(body)}:{body}"
    return sha256(previous + row.encode()).digest()
