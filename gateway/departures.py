"""Departures: places that a conversation has left, which show it and take nothing for it until it comes back."""

from collections.abc import Callable

from gateway.keys import session_key
from kernel.events import Event
from kernel.messages import Inbound, InboundKind
from store import sessions
from store.database import Database
from store.sessions import Session

DEPART = "session.depart"
# Commands that change the conversation one is in.
CHANGING = frozenset(
    {
        "title",
        "stop",
        "retry",
        "undo",
        "compact",
        "compress",
        "model",
        "quiet",
        "verbose",
        "forget",
        "handoff",
    }
)


class Departures:
    """The keys that sessions have left, in memory; ``shared()`` tells whether a group has one session for all."""

    def __init__(self, database: Database, shared: Callable[[], bool]) -> None:
        self._database = database
        self.shared = shared
        self._keys: set[str] = set()

    async def load(self) -> None:
        """Read them from the store."""
        self._keys = await self._database.read(sessions.departed_keys)

    def heard(self, event: Event) -> None:
        """Hear that a session left a key (``session.depart``) or that something answers there (``session.settle``)."""
        if (key := str(event.body.get("key", ""))) == "":
            return
        (self._keys.add if event.kind == DEPART else self._keys.discard)(key)

    def key(self, inbound: Inbound) -> str:
        """Return the key that a message belongs to."""
        return session_key(inbound, shared_groups=self.shared())

    def holds(self, inbound: Inbound) -> bool:
        """Tell whether a message was written where its conversation is no longer."""
        return bool(self._keys) and inbound.kind is InboundKind.MESSAGE and self.key(inbound) in self._keys

    def leaves(self, text: str) -> bool:
        """Tell whether a command is about the conversation that one is in, and so not for a place that it has left."""
        name = text[1:].partition(" ")[0].partition("@")[0].strip().lower()
        return name in CHANGING

    async def session(self, inbound: Inbound) -> Session | None:
        """Return the session that has left the place of a message."""
        return await self._database.read(sessions.departed, self.key(inbound))
