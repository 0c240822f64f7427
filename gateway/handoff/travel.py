"""What travels with a conversation: its open questions, and hooks for what other rooms keep for it."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.questions import QuestionDesk, card_key, latest_card
from kernel.messages import Address, Outbound, OutboundKind, Priority
from store import outbox, questions
from store.outbox import Owed
from store.questions import Question
from store.units import Unit


@dataclass(frozen=True, slots=True)
class Trip:
    """A move of a session: where from and where to, and who its person is there (``platform:id``)."""

    session_id: str
    origin: Address
    place: Address
    person: str


# Called inside the unit that completes a move.
Travel = Callable[[Unit, Trip], None]


class QuestionMoves:
    """Asks a session's open questions anew in its new place, and closes their old cards."""

    def __init__(self, desk: QuestionDesk) -> None:
        self._desk = desk

    def __call__(self, tx: Unit, trip: Trip) -> None:
        """Move the questions of a session."""
        for question in questions.open_of_session(tx, trip.session_id):
            old = latest_card(tx, question, trip.origin)
            if old is not None:
                closed = _closed(question, trip.origin, old.receipt[-1], trip.place)
                outbox.add(tx, Owed(f"{old.key}:left:{tx.now}", closed, Priority.NOTICE, trip.session_id))
            asked = self._desk.asking(question, trip.place)
            key = f"{card_key(question)}:at:{tx.now}"
            outbox.add(tx, Owed(key, asked, Priority.QUESTION, trip.session_id, question.turn_id))


def _closed(question: Question, address: Address, message_id: str, place: Address) -> Outbound:
    text = f"❓ {question.text}\n\n↪️ Asked again on {place.platform}."
    return Outbound(address, text, OutboundKind.EDIT, replaces=message_id, silent=True)
