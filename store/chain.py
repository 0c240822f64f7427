"""The chain of the event table: what is hashed, and how a chain of rows is checked."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from kernel.events import Scalar

INSERT = "INSERT INTO event (seq, at, kind, subject, actor, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?)"
HEAD = "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1"

# The event that says how far events were pruned: body ``{"through": seq, "hash": hexadecimal, "removed": rows}``.
CHECKPOINT = "audit.checkpoint"

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


@dataclass(frozen=True, slots=True)
class Anchor:
    """A point of the chain that was written down elsewhere; ``hash`` in hexadecimal digits."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking a chain found: how many events, from which to which, the last hash, and the first problem."""

    events: int
    first: int
    last: int
    hash: str
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether nothing was changed and nothing removed, as far as the anchors reach."""
        return not self.problem


def body_text(body: dict[str, Scalar]) -> str:
    """Return the JSON text that is stored and hashed; raise ValueError for NaN and infinities."""
    return "".join(_chunks(body, 0)) if body else "{}"


def digest(previous: bytes, seq: int, at: int, kind: str, subject: str, actor: str, body: str) -> bytes:
    """Return SHA-256 over the previous hash and the row, each text behind its length so that none can pose as two."""
    row = f"{seq} {at} {len(kind)}:{kind}{len(subject)}:{subject}{len(actor)}:{actor}{len(body)}:{body}"
    return sha256(previous + row.encode()).digest()


class Chain:
    """Checks rows ``(seq, at, kind, subject, actor, body, hash)`` in order and remembers the first problem.

    Pruned events leave a gap at the beginning, which a checkpoint further on has to vouch for. What is missing at the
    end, and a chain that was rewritten as a whole, show only against anchors that were kept elsewhere.
    """

    def __init__(self, anchors: Iterable[Anchor] = ()) -> None:
        self._anchors = {anchor.seq: anchor.hash for anchor in anchors}
        self._count = 0
        self._first: Sequence[Any] | None = None
        self._vouched = True
        self._head = GENESIS
        self._problem = ""

    @property
    def last(self) -> int:
        """The number of the last row that was looked at."""
        return self._head.seq

    def feed(self, rows: Iterable[Sequence[Any]]) -> None:
        """Check more rows; they follow on the ones before."""
        for row in rows:
            if self._first is None:
                self._begin(row)
            elif row[0] != self._head.seq + 1:
                self._blame(f"Events {self._head.seq + 1} to {row[0] - 1} are missing.")
            elif digest(self._head.hash, *row[:6]) != row[6]:
                self._blame(f"Event {row[0]} was changed, or the one before it.")
            self._compare(row)
            self._count += 1
            self._head = Head(row[0], row[6])

    def verdict(self) -> Verdict:
        """Return what was found; call it after the last row."""
        first = self._first[0] if self._first else 0
        if not self._vouched:
            self._blame(f"Events before {first} are missing, and no checkpoint vouches for their removal.")
        beyond = [seq for seq in self._anchors if seq > self._head.seq]
        if beyond:
            self._blame(f"The trail ends at event {self._head.seq}; an anchor names event {max(beyond)}.")
        return Verdict(self._count, first, self._head.seq, self._head.hash.hex(), self._problem)

    def _begin(self, row: Sequence[Any]) -> None:
        self._first = row
        self._vouched = row[0] == 1
        if self._vouched and digest(GENESIS.hash, *row[:6]) != row[6]:
            self._blame("Event 1 was changed.")

    def _compare(self, row: Sequence[Any]) -> None:
        """Hold a row against the anchors, and let a checkpoint vouch for what was pruned before the first row."""
        anchored = self._anchors.get(row[0])
        if anchored is not None and anchored != row[6].hex():
            self._blame(f"Event {row[0]} is not the one that its anchor names.")
        if row[2] == CHECKPOINT and self._first is not None and not self._vouched:
            body = json.loads(row[5])
            if body["through"] == self._first[0] - 1:
                self._vouched = digest(bytes.fromhex(body["hash"]), *self._first[:6]) == self._first[6]

    def _blame(self, problem: str) -> None:
        self._problem = self._problem or problem
