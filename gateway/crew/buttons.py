"""The values of the crew's buttons: which task, which version of what is judged, what to do, and proof that it is ours.

A value is ``TAP:TASK-NUMBER:VERB:MAC``; the MAC is over all before it with a key of this home, so that an old, foreign
or altered button can never decide about other work.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from kernel.messages import Button
from store import marks
from store.database import Database
from store.units import Unit

MAC_LENGTH = 12
KEY_MARK = "review_key"
PARTS = 4


class Verb(StrEnum):
    """What a button does."""

    APPROVE = "approve"
    CHANGES = "changes"
    REJECT = "reject"
    ACCEPT = "accept"
    AS_IT_IS = "as_it_is"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of card: the first part of its buttons' values, and what stands on them."""

    tap: str
    labels: Mapping[Verb, str]


REVIEW = Row("rv", {Verb.APPROVE: "✅ Approve", Verb.CHANGES: "✏️ Changes…", Verb.REJECT: "⛔ Reject…"})
TRIAGE = Row("tg", {Verb.ACCEPT: "✅ As suggested", Verb.AS_IT_IS: "▶️ As it is", Verb.WITHDRAW: "🗑 Withdraw"})


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button of ours that somebody pressed; ``number`` is the version or the suggestion that it stood under."""

    task: int
    number: int
    verb: Verb


class CrewButtons:
    """Makes and reads button values of one kind of card with the key of this home."""

    def __init__(self, key: bytes, row: Row) -> None:
        self._key = key
        self._row = row

    @classmethod
    async def load(cls, database: Database, row: Row) -> "CrewButtons":
        """Read the key of this home, making it on first use."""
        return cls(bytes.fromhex(await database.write(_key)), row)

    @property
    def tap(self) -> str:
        """The first part of the values."""
        return self._row.tap

    def _mac(self, subject: str, verb: str) -> str:
        text = f"{self._row.tap}:{subject}:{verb}"
        return hmac.new(self._key, text.encode(), sha256).hexdigest()[:MAC_LENGTH]

    def row(self, task: int, number: int) -> tuple[Button, ...]:
        """Return the buttons of a card."""
        subject = f"{task}-{number}"
        return tuple(
            Button(label, f"{self._row.tap}:{subject}:{verb}:{self._mac(subject, verb)}")
            for verb, label in self._row.labels.items()
        )

    def read(self, value: str) -> Pressed | None:
        """Return what was pressed, or ``None`` for a value that we did not make."""
        parts = value.split(":")
        if len(parts) != PARTS or parts[0] != self._row.tap or parts[2] not in self._row.labels:
            return None
        if not hmac.compare_digest(parts[3].encode(), self._mac(parts[1], parts[2]).encode()):
            return None
        task, _, number = parts[1].partition("-")
        return Pressed(int(task), int(number), Verb(parts[2]))


def _key(tx: Unit) -> str:
    known = marks.get(tx, KEY_MARK)
    if not known:
        known = secrets.token_hex(32)
        marks.put(tx, KEY_MARK, known)
    return known
