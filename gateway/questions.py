"""Questions to people: asked by an agent, answered by a button or in words, by anybody admitted in that chat."""

import logging
import secrets
from collections.abc import Callable, Sequence

from gateway.adapter import Form
from gateway.answering import WRITE, OpenQuestions
from kernel.crashpoints import crashpoint
from kernel.errors import Stale
from kernel.ids import ALPHABET, new_id
from kernel.messages import Address, Button, Inbound, InboundKind, Outbound, OutboundKind, Priority
from kernel.states import QuestionState
from kernel.transitions import INBOX
from kernel.turns import TurnRequest
from store import inbox, outbox, questions, sessions, turns
from store.database import Database
from store.inbox import InboxRow, Verdict
from store.outbox import OutboxRow, Owed
from store.questions import TAP, WRITTEN, Question
from store.units import Query, Unit

log = logging.getLogger(__name__)

SHORT_LENGTH = 4
LABEL_LENGTH = 40


def card_key(question: Question) -> str:
    """Return the outbox key of a question's card."""
    return f"question:{question.id}"


def card(question: Question, address: Address, *, forms: bool = False) -> Outbound:
    """Return the message that asks: with buttons where there are options, or where a form can take the answer."""
    rows = tuple(
        (Button(option[:LABEL_LENGTH], f"{TAP}:{question.short}:{number}"),)
        for number, option in enumerate(question.options)
    )
    if forms and not rows:
        rows = ((Button("✍️ Answer …", f"{TAP}:{question.short}:{WRITE}"),),)
    hint = "" if question.options else "\n\nAnswer with your next message."
    return Outbound(address, f"❓ {question.text}{hint}", buttons=rows)


def form(question: Question) -> Form:
    """Return the form that takes the answer to a question without options."""
    return Form("Answer", question.text[:LABEL_LENGTH], f"{TAP}:{question.short}:{WRITTEN}", required=True)


def closed_card(question: Question, address: Address, message_id: str, who: str) -> Outbound:
    """Return the edit that shows how a question ended."""
    text = f"❓ {question.text}\n\n✅ **{question.answer}** ({who})"
    return Outbound(address, text, OutboundKind.EDIT, replaces=message_id, silent=True)


def latest_card(q: Query, question: Question, place: Address) -> OutboxRow | None:
    """Return the card that a platform has shown in a place, the latest where the conversation came back to it."""
    rows = outbox.with_prefix(q, card_key(question))
    asked = (row for row in rows if row.message.kind is OutboundKind.TEXT and row.message.address == place)
    return next((row for row in reversed(list(asked)) if row.receipt), None)


class QuestionDesk:
    """Asks, and turns an answer into the turn that continues; ``open`` are the questions that wait.

    ``forms(address)`` tells whether a form can take an answer there.
    """

    def __init__(
        self, database: Database, waiting: OpenQuestions, forms: Callable[[Address], bool] = lambda _: False
    ) -> None:
        self._database = database
        self.open = waiting
        self._forms = forms

    async def ask(self, request: TurnRequest, text: str, options: Sequence[str], call_key: str) -> str:
        """Commit a question with its card and return its id; asking again with the same key returns the same id."""
        short = "".join(secrets.choice(ALPHABET) for _ in range(SHORT_LENGTH))
        question = Question(
            new_id("q"),
            short,
            request.session_id,
            request.id,
            text,
            tuple(options),
            QuestionState.OPEN,
            "",
            "",
        )

        def commit(tx: Unit) -> Question:
            stored = questions.ask(tx, question, call_key)
            message = card(stored, request.address, forms=self._forms(request.address))
            outbox.add(tx, Owed(card_key(stored), message, Priority.QUESTION, request.session_id, request.id))
            return stored

        stored = await self._database.write(commit)
        crashpoint("question.after_commit")
        if stored.state is QuestionState.OPEN:
            await self.open.add(stored)
        return stored.id

    def asking(self, question: Question, place: Address) -> Outbound:
        """Return the message that asks a question in a place."""
        return card(question, place, forms=self._forms(place))

    async def answer(self, question: Question, text: str, row: InboxRow) -> str:
        """Store an answer with the turn it starts, and close the card; return a sentence for the one who answered.

        ``row`` is the message that brought the answer; it is done in the same unit, so that no restart takes it for an
        ordinary message.
        """
        sender, platform = row.inbound.sender, row.inbound.address.platform
        actor = f"{platform}:{sender.id}"
        who = sender.name or actor

        def commit(tx: Unit) -> None:
            answered = questions.answer(tx, question.id, text, actor=actor)
            session = sessions.get(tx, question.session_id)
            if not questions.open_of_turn(tx, question.turn_id):
                turns.settle(tx, question.turn_id)
            told = f"[Answer from {who} to the question {question.text!r}]\n{text}"
            inbound = Inbound(
                session.address,
                f"answer:{question.id}",
                "",
                sender,
                InboundKind.INTERNAL,
                told,
                session.private,
            )
            inbox.add(tx, inbound, Verdict("admit", session=lambda _: session.id))
            tx.move(INBOX, row.id, "handle")
            sent = latest_card(tx, question, session.address)
            if sent is not None:
                edit = closed_card(answered, session.address, sent.receipt[-1], who)
                outbox.add(tx, Owed(f"{card_key(question)}:closed", edit, Priority.NOTICE, session.id))

        try:
            await self._database.write(commit)
        except Stale:
            self.open.close(question.id)
            return "This question was already answered."
        self.open.close(question.id)
        crashpoint("question.after_answer")
        return f"Answered: {text}"

    async def cancel(self, session_id: str, actor: str) -> int:
        """Cancel a session's open questions and the turns that wait for them; return how many questions there were."""

        def commit(tx: Unit) -> int:
            turns.cancel_suspended(tx, session_id, actor=actor)
            return questions.cancel_of_session(tx, session_id, actor=actor)

        count = await self._database.write(commit)
        self.open.close_session(session_id)
        return count
