"""The buttons under a job's card: which task, what to do, and proof that we made them.

A value is ``w:TASK:VERB:MAC`` within the 64 bytes a platform keeps. The MAC is over the task, the verb and, for a quick
reply, its words: a button whose words the settings have changed since says nothing else than it did.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from gateway.approvals.buttons import MAC_LENGTH, home_key
from kernel.messages import Button
from store.database import Database

TAP = "w"


class Verb(StrEnum):
    """What a button does beside saying something."""

    SAY = "say"
    HALT = "halt"
    AGAIN = "again"
    CANCEL = "cancel"
    SHOW = "show"


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button of ours that somebody pressed; ``words`` are what it says."""

    task_id: int
    verb: Verb
    words: str = ""


class Buttons:
    """Makes and reads button values with the key of this home."""

    def __init__(self, key: bytes = b"") -> None:
        self._key = key

    async def load(self, database: Database) -> None:
        """Read the key of this home, making it on first use; nothing is made or read before."""
        self._key = bytes.fromhex(await database.write(home_key))

    def _mac(self, task_id: int, verb: str, words: str) -> str:
        told = f"walkaway:{task_id}:{verb}:{words}"
        return hmac.new(self._key, told.encode(), sha256).hexdigest()[:MAC_LENGTH]

    def make(self, label: str, task_id: int, verb: Verb) -> Button:
        """Return a button."""
        return Button(label, f"{TAP}:{task_id}:{verb}:{self._mac(task_id, verb, '')}")

    def saying(self, task_id: int, replies: Sequence[str]) -> tuple[Button, ...]:
        """Return a button for each quick reply."""
        return tuple(
            Button(words, f"{TAP}:{task_id}:r{number}:{self._mac(task_id, f'r{number}', words)}")
            for number, words in enumerate(replies)
        )

    def read(self, value: str, replies: Sequence[str]) -> Pressed | None:
        """Return what was pressed, or ``None`` for a value that we did not make, or whose words are other ones now."""
        kind, number, verb, mac = (*value.split(":"), "", "", "", "")[:4]
        if kind != TAP or not number.isdigit():
            return None
        words = ""
        if verb[:1] == "r" and verb[1:].isdigit() and int(verb[1:]) < len(replies):
            words = replies[int(verb[1:])]
        elif verb not in set(Verb):
            return None
        if not hmac.compare_digest(mac.encode(), self._mac(int(number), verb, words).encode()):
            return None
        return Pressed(int(number), Verb.SAY if words else Verb(verb), words)
