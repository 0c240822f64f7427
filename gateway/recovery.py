"""Recovery: what a start does about everything the last process left open."""

from dataclasses import dataclass

from kernel.messages import Address
from kernel.states import InboxState
from store import inbox, outbox, turns
from store.units import Query, Unit


@dataclass(frozen=True, slots=True)
class Found:
    """How much the last process left: turns in the middle, messages in flight, messages nobody answered yet."""

    interrupted: int
    resent: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Open:
    """Where there is work: sessions with a turn to run, chats with control messages, chats that are owed something."""

    sessions: tuple[str, ...]
    control: tuple[Address, ...]
    chats: tuple[Address, ...]


def reconcile(tx: Unit, *, crashed: bool, newest: int) -> Found:
    """Mark what the last process left in the middle, in one unit; nothing but intake may be at work yet.

    ``newest`` is the newest inbound message of the last process: what came in after it waits for the first time.
    """
    interrupted = turns.interrupt_running(tx, crashed=crashed)
    resent = outbox.doubt_in_flight(tx)
    waiting = [row for row in inbox.open_rows(tx) if row.state is not InboxState.RUNNING and row.id <= newest]
    return Found(len(interrupted), resent, len(waiting))


def open_work(q: Query) -> Open:
    """Return where there is work now."""
    rows = inbox.open_rows(q)
    queued = [row.session_id for row in rows if row.state is InboxState.QUEUED]
    received = [Address(*row.inbound.address[:3]) for row in rows if row.state is InboxState.RECEIVED]
    sessions = dict.fromkeys([*turns.interrupted_sessions(q), *queued])
    return Open(tuple(sessions), tuple(dict.fromkeys(received)), tuple(outbox.open_chats(q)))
