"""What the gate needs from the surfaces that people read: the messages it owes, made inside its own units of work."""

from collections.abc import Sequence
from typing import Protocol

from kernel.approvals import Approval
from store.outbox import Owed
from store.units import Query


class Notifier(Protocol):
    """Makes the messages about a request; called inside a unit, so it only reads, computes and returns.

    What it returns is committed with the move it tells of. Keys start with ``approval:ID:``, those of messages that
    show a request with ``approval:ID:card:``. These, to one address, are one card: it counts as delivered when all of
    them are, and then the low tier's clock begins.
    """

    def asked(self, q: Query, approval: Approval) -> Sequence[Owed]:
        """Return the cards that ask, for every place that is to be told first."""
        ...

    def escalated(self, q: Query, approval: Approval) -> Sequence[Owed]:
        """Return the cards for the next place; ``approval.escalation`` counts from 1."""
        ...

    def changed(self, q: Query, approval: Approval) -> Sequence[Owed]:
        """Return the edits that show a new state on every card (``store.approvals.cards``): held, decided, result."""
        ...

    def lost(self, q: Query, approval: Approval) -> Sequence[Owed]:
        """Return the question to the owner what became of an action during which the daemon stopped."""
        ...

    def code(self, q: Query, approval: Approval, code: str, asker: str) -> Sequence[Owed]:
        """Return the message that brings a one-time code to a second channel; nothing where there is none."""
        ...
