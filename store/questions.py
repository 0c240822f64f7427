"""Questions to people."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from kernel.states import QuestionState
from kernel.transitions import QUESTION
from store.units import Query, Unit

BY_KEY = "SELECT * FROM question WHERE turn_id = ? AND call_key = ?"
BY_ID = "SELECT * FROM question WHERE id = ?"
BY_SHORT = "SELECT * FROM question WHERE short = ? ORDER BY created_at DESC LIMIT 1"
INSERT = """
INSERT INTO question (id, short, session_id, turn_id, call_key, text, options, state, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
OPEN = "SELECT * FROM question WHERE state = 'open' ORDER BY created_at"
OPEN_OF_TURN = "SELECT * FROM question WHERE state = 'open' AND turn_id = ?"
OPEN_OF_SESSION = "SELECT * FROM question WHERE state = 'open' AND session_id = ?"


# A question's buttons: ``q:SHORT:NUMBER`` for an option, ``q:SHORT:written`` for a form that was filled in.
TAP, WRITTEN = "q", "written"


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it stands; ``short`` is what a person types or taps."""

    id: str
    short: str
    session_id: str
    turn_id: str
    text: str
    options: tuple[str, ...]
    state: QuestionState
    answer: str
    answered_by: str

    def match(self, text: str) -> str:
        """Return the answer that a text gives: an option by label or number, else the text; nothing for no answer."""
        text = text.strip()
        if not self.options:
            return text
        if text.isdigit() and 1 <= int(text) <= len(self.options):
            return self.options[int(text) - 1]
        folded = text.casefold().rstrip(".!")
        return next((option for option in self.options if option.casefold().rstrip(".!") == folded), "")

    def tap(self, text: str) -> str:
        """Return the value of the button that says what a text says, or nothing where it does not answer."""
        answer = self.match(text)
        if not answer:
            return ""
        return f"{TAP}:{self.short}:{self.options.index(answer) if self.options else WRITTEN}"


def row_of(row: sqlite3.Row) -> Question:
    """Map a row of the table."""
    return Question(
        row["id"],
        row["short"],
        row["session_id"],
        row["turn_id"] or "",
        row["text"],
        tuple(json.loads(row["options"])),
        QuestionState(row["state"]),
        row["answer"],
        row["answered_by"],
    )


def ask(tx: Unit, question: Question, call_key: str) -> Question:
    """Store a question, or return the one that was asked with the same key."""
    row = tx.one(BY_KEY, (question.turn_id, call_key))
    if row is not None:
        return row_of(row)
    tx.run(
        INSERT,
        (
            question.id,
            question.short,
            question.session_id,
            question.turn_id,
            call_key,
            question.text,
            json.dumps(question.options),
            QUESTION.initial,
            tx.now,
        ),
    )
    tx.emit("question.ask", question.id, session=question.session_id, short=question.short)
    return question


def answer(tx: Unit, id: str, text: str, *, actor: str) -> Question:
    """Store the first answer; raise Stale when the question is no longer open."""
    return row_of(
        tx.move(QUESTION, id, "answer", actor=actor, answer=text, answered_by=actor, answered_at=tx.now)
    )


def cancel_of_session(tx: Unit, session_id: str, *, actor: str) -> int:
    """Cancel a session's open questions; return how many there were."""
    rows: Sequence[sqlite3.Row] = tx.all(OPEN_OF_SESSION, (session_id,))
    for row in rows:
        tx.move(QUESTION, row["id"], "cancel", actor=actor)
    return len(rows)


def get(q: Query, id: str) -> Question | None:
    """Return one question."""
    row = q.one(BY_ID, (id,))
    return row_of(row) if row else None


def by_short(q: Query, short: str) -> Question | None:
    """Return the latest question with a short name."""
    row = q.one(BY_SHORT, (short,))
    return row_of(row) if row else None


def open_questions(q: Query) -> list[Question]:
    """Return all open questions, oldest first."""
    return [row_of(row) for row in q.all(OPEN)]


def open_of_session(q: Query, session_id: str) -> list[Question]:
    """Return the open questions of a session."""
    return [row_of(row) for row in q.all(OPEN_OF_SESSION, (session_id,))]


def open_of_turn(q: Query, turn_id: str) -> list[Question]:
    """Return the open questions of a turn."""
    return [row_of(row) for row in q.all(OPEN_OF_TURN, (turn_id,))]
