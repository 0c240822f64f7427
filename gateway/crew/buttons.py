"""The values of a review's buttons: which version, what to do, and proof that we made them.

A value is ``rv:TASK-VERSION:VERB:MAC``; the MAC is over version and verb with a key of this home, so that an old,
foreign or altered button can never decide about other work.
"""

import hmac
import secrets
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from kernel.messages import Button
from store import marks
from store.database import Database
from store.units import Unit

TAP = "rv"
MAC_LENGTH = 12
KEY_MARK = "review_key"
PARTS = 4


class Verb(StrEnum):
    """What a button does."""

    APPROVE = "approve"
    CHANGES = "changes"
    REJECT = "reject"


LABELS = {Verb.APPROVE: "✅ Approve", Verb.CHANGES: "✏️ Changes…", Verb.REJECT: "⛔ Reject…"}


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button of ours that somebody pressed."""

    task: int
    version: int
    verb: Verb


class ReviewButtons:
    """Makes and reads button values with the key of this home."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    async def load(cls, database: Database) -> "ReviewButtons":
        """Read the key of this home, making it on first use."""
        return cls(bytes.fromhex(await database.write(_key)))

    def _mac(self, subject: str, verb: str) -> str:
        return hmac.new(self._key, f"{TAP}:{subject}:{verb}".encode(), sha256).hexdigest()[:MAC_LENGTH]

    def row(self, task: int, version: int) -> tuple[Button, ...]:
        """Return the buttons of a card."""
        subject = f"{task}-{version}"
        return tuple(
            Button(label, f"{TAP}:{subject}:{verb}:{self._mac(subject, verb)}")
            for verb, label in LABELS.items()
        )

    def read(self, value: str) -> Pressed | None:
        """Return what was pressed, or ``None`` for a value that we did not make."""
        parts = value.split(":")
        if len(parts) != PARTS or parts[0] != TAP or parts[2] not in set(Verb):
            return None
        if not hmac.compare_digest(parts[3].encode(), self._mac(parts[1], parts[2]).encode()):
            return None
        task, _, version = parts[1].partition("-")
        return Pressed(int(task), int(version), Verb(parts[2]))


def _key(tx: Unit) -> str:
    known = marks.get(tx, KEY_MARK)
    if not known:
        known = secrets.token_hex(32)
        marks.put(tx, KEY_MARK, known)
    return known
