"""The values of a card's buttons: which request, what to do, and proof that we made them.

A value is ``a:ID:VERB:MAC`` within the 64 bytes a platform keeps; the MAC is over id and verb with a key of this home,
so that an old, foreign or altered button can never reach another request.
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

TAP = "a"
FORM_TAP = "f"
MAC_LENGTH = 12
KEY_MARK = "button_key"


class Verb(StrEnum):
    """What a button does."""

    ONCE = "once"
    SESSION = "session"
    ALWAYS = "always"
    GRANT = "grant"
    REFUSE = "refuse"
    HOLD = "hold"
    RELEASE = "release"
    RUN = "run"
    AGAIN = "again"
    HAPPENED = "yes"
    FAILED = "no"
    EDIT = "edit"
    REASON = "why"


class Field(StrEnum):
    """What a form asks for."""

    TEXT = "text"
    REASON = "reason"


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button of ours that somebody pressed."""

    approval_id: str
    verb: Verb


class Buttons:
    """Makes and reads button values with the key of this home."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    async def load(cls, database: Database) -> "Buttons":
        """Read the key of this home, making it on first use."""
        return cls(bytes.fromhex(await database.write(home_key)))

    def _mac(self, approval_id: str, verb: str) -> str:
        return hmac.new(self._key, f"{approval_id}:{verb}".encode(), sha256).hexdigest()[:MAC_LENGTH]

    def make(self, label: str, approval_id: str, verb: Verb) -> Button:
        """Return a button."""
        return Button(label, f"{TAP}:{approval_id}:{verb}:{self._mac(approval_id, verb)}")

    def read(self, value: str) -> Pressed | None:
        """Return what was pressed, or ``None`` for a value that we did not make."""
        parts = value.split(":")
        if len(parts) != 4 or parts[0] != TAP or parts[2] not in set(Verb):  # noqa: PLR2004 - the form above
            return None
        if not hmac.compare_digest(parts[3].encode(), self._mac(parts[1], parts[2]).encode()):
            return None
        return Pressed(parts[1], Verb(parts[2]))

    def field(self, approval_id: str, field: Field, who: str) -> str:
        """Return a form's value, which comes back with the text of the person it was made for (``platform:id``)."""
        return f"{FORM_TAP}:{approval_id}:{field}:{self._mac(approval_id, f'{field}:{who}')}"

    def filled(self, value: str, who: str) -> tuple[str, Field] | None:
        """Return whose form was filled in, and which; ``None`` for one that we did not make for this person."""
        parts = value.split(":")
        if len(parts) != 4 or parts[0] != FORM_TAP or parts[2] not in set(Field):  # noqa: PLR2004 - the form above
            return None
        if not hmac.compare_digest(parts[3].encode(), self._mac(parts[1], f"{parts[2]}:{who}").encode()):
            return None
        return parts[1], Field(parts[2])


def home_key(tx: Unit) -> str:
    """Return the key that this home signs its buttons with, as hexadecimal digits; made on first use."""
    known = marks.get(tx, KEY_MARK)
    if not known:
        known = secrets.token_hex(32)
        marks.put(tx, KEY_MARK, known)
    return known
