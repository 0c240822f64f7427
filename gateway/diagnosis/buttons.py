"""The values of a diagnosis's buttons: which case or task, what to do, and proof that we made them.

A value is ``dg:SUBJECT:VERB:NUMBER:MAC`` within the 64 bytes that a platform keeps. The MAC is over the subject, the
verb and the words that the number stood for: a button whose words are others by now does nothing.
"""

import hmac
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from gateway.approvals.buttons import MAC_LENGTH, home_key
from kernel.messages import Button
from store.database import Database

TAP = "dg"
PARTS = 5


class Verb(StrEnum):
    """What a button does."""

    REPORT = "report"
    FOLDER = "folder"
    FIX = "fix"
    TELL = "tell"
    AGAIN = "again"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Pressed:
    """What somebody pressed: ``subject`` is a case's id or a task's number, ``number`` the choice of several."""

    subject: str
    verb: Verb
    number: int
    mac: str


class Buttons:
    """Makes and reads button values with the key of this home."""

    def __init__(self, key: bytes = b"") -> None:
        self._key = key

    async def load(self, database: Database) -> None:
        """Read the key of this home, making it on first use; nothing is made or read before."""
        self._key = bytes.fromhex(await database.write(home_key))

    def _mac(self, subject: str, verb: str, words: str) -> str:
        told = f"diagnosis:{subject}:{verb}:{words}"
        return hmac.new(self._key, told.encode(), sha256).hexdigest()[:MAC_LENGTH]

    def make(self, label: str, subject: str, verb: Verb, number: int = 0, words: str = "") -> Button:
        """Return a button; ``words`` are what its number stands for."""
        return Button(label, f"{TAP}:{subject}:{verb}:{number}:{self._mac(subject, verb, words)}")

    def read(self, value: str) -> Pressed | None:
        """Return what a value says, or ``None`` for one that is not of our form."""
        parts = value.split(":")
        if len(parts) != PARTS or parts[0] != TAP or parts[2] not in set(Verb) or not parts[3].isdecimal():
            return None
        return Pressed(parts[1], Verb(parts[2]), int(parts[3]), parts[4])

    def holds(self, pressed: Pressed, words: str = "") -> bool:
        """Tell whether we made a button, and whether its number still stands for what it did."""
        mac = self._mac(pressed.subject, pressed.verb, words)
        return hmac.compare_digest(pressed.mac.encode(), mac.encode())
