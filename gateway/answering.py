"""The open questions: what intake has to know of them to tell an answer from a message."""

from collections.abc import Sequence

from kernel.messages import Address, Inbound, InboundKind
from store import questions, sessions
from store.database import Database
from store.questions import WRITTEN, Question

# What a tap about a question without options is: the wish for a form, or a form that was filled in.
WRITE = "write"


class OpenQuestions:
    """Every open question with the chat it was asked in, in memory."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: dict[str, Question] = {}
        self._places: dict[str, Address] = {}

    async def load(self) -> None:
        """Read the open questions from the store."""
        self._open, self._places = {}, {}
        for question in await self._database.read(questions.open_questions):
            await self.add(question)

    async def add(self, question: Question) -> None:
        """Remember a question."""
        session = await self._database.read(sessions.get, question.session_id)
        self._open[question.id] = question
        self._places[question.id] = session.address

    def close(self, id: str) -> None:
        """Forget a question; one that is closed already is fine."""
        self._open.pop(id, None)

    def close_session(self, session_id: str) -> None:
        """Forget a session's questions."""
        self._open = {id: item for id, item in self._open.items() if item.session_id != session_id}

    def all(self) -> Sequence[Question]:
        """Return the open questions, oldest first."""
        return tuple(self._open.values())

    def answering(self, inbound: Inbound) -> tuple[Question, str] | None:
        """Return the open question a message answers, and the answer; the latest question goes first.

        A question without options takes the next message; one with options takes an option's label or number.
        """
        if inbound.kind is not InboundKind.MESSAGE or inbound.text.startswith("/") or inbound.attachments:
            return None
        for question in reversed(self._open.values()):
            if self._places[question.id] != inbound.address:
                continue
            answer = question.match(inbound.text)
            if answer:
                return question, answer
        return None

    def tapped(self, value: str) -> tuple[Question, str] | None:
        """Return the open question a button belongs to, and its option."""
        _, _, rest = value.partition(":")
        short, _, number = rest.partition(":")
        for question in self._open.values():
            if question.short == short and number.isdigit() and int(number) < len(question.options):
                return question, question.options[int(number)]
        return None

    def of_tap(self, inbound: Inbound) -> tuple[Question, str] | None:
        """Return the open question without options that a tap in its chat is about, and what the tap is: see WRITE."""
        _, _, rest = inbound.tap.partition(":")
        short, _, kind = rest.partition(":")
        for question in self._open.values():
            here = self._places[question.id][:3] == inbound.address[:3]
            if here and question.short == short and not question.options and kind in (WRITE, WRITTEN):
                return question, kind
        return None
