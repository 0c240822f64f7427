"""Requests travel with their conversation: new cards where it continues, no buttons where it was."""

from collections.abc import Sequence

from gateway.approvals.cards import Cards
from gateway.handoff.travel import Trip
from kernel.approvals import Approval
from kernel.messages import Address, Outbound, OutboundKind, Priority
from kernel.states import ApprovalState, OutboxState
from store import approval_cards, approvals, outbox
from store.outbox import Owed
from store.units import Unit


class Moving:
    """Moves the open requests of a session that continues elsewhere (``gateway.handoff.travel.Travel``)."""

    def __init__(self, cards: Cards) -> None:
        self._cards = cards

    def __call__(self, tx: Unit, trip: Trip) -> None:
        """Ask anew in the new place, close the cards of the old one, and let results arrive where people read now."""
        for id in approvals.moving(tx, trip.session_id):
            known = approvals.get(tx, id)
            if known.origin is not None:
                self._move(tx, known, trip)

    def _move(self, tx: Unit, known: Approval, trip: Trip) -> None:
        moved = approvals.readdress(tx, known.id, trip.place, trip.person)
        if known.state not in (ApprovalState.PENDING, ApprovalState.HELD):
            return
        old = [row for row in approval_cards.of_request(tx, known.id) if row.message.address == trip.origin]
        outbox.add_all(tx, self._closing(tx, moved, [row for row in old if row.message.buttons], trip.place))
        approval_cards.add(tx, known.id, self._cards.at(moved, trip.place, tx.now))

    @staticmethod
    def _closing(tx: Unit, moved: Approval, rows: Sequence[outbox.OutboxRow], place: Address) -> list[Owed]:
        closed: list[Owed] = []
        for row in rows:
            if row.state is OutboxState.SENT and row.receipt:
                text = f"↪️ Request `{moved.short}` is asked on {place.platform} now."
                edit = Outbound(
                    row.message.address, text, OutboundKind.EDIT, replaces=row.receipt[-1], silent=True
                )
                closed.append(
                    Owed(
                        f"approval:{moved.id}:moved:{tx.now}:{row.id}", edit, Priority.REPLY, moved.session_id
                    )
                )
        return closed
