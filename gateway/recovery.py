"""Recovery: what a start does about everything the last process left open."""

from dataclasses import dataclass

from kernel.messages import Address
from kernel.states import InboxState
from store import inbox, outbox, turns
from store.units import Unit


@dataclass(frozen=True, slots=True)
class Open:
    """What is open after a start: sessions with work, chats with control messages, chats that are owed something."""

    sessions: tuple[str, ...]
    control: tuple[Address, ...]
    chats: tuple[Address, ...]
    interrupted: int
    resent: int
    waiting: int


def reconcile(tx: Unit) -> Open:
    """Mark what a crash left in the middle, in one unit, and return what has to be taken up again."""
    interrupted = turns.interrupt_running(tx)
    resent = outbox.doubt_in_flight(tx)
    rows = inbox.open_rows(tx)
    queued = [row for row in rows if row.state is InboxState.QUEUED]
    received = [row for row in rows if row.state is InboxState.RECEIVED]
    sessions = dict.fromkeys([turn.session_id for turn in interrupted] + [row.session_id for row in queued])
    control = dict.fromkeys(Address(*row.inbound.address[:3]) for row in received)
    return Open(
        tuple(sessions),
        tuple(control),
        tuple(outbox.open_chats(tx)),
        len(interrupted),
        resent,
        len(queued) + len(received),
    )
