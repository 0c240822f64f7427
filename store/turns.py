"""Turns: one run of an agent for the messages it answers."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kernel.ids import new_id
from kernel.states import TurnState
from kernel.transitions import INBOX, TURN
from kernel.turns import StagedConversation, Usage
from store import approvals, conversations, handoffs, inbox, outbox, questions, sessions, usage
from store.inbox import InboxRow
from store.outbox import Owed, Wait
from store.sessions import Session
from store.units import Query, Unit

INSERT = "INSERT INTO turn (id, session_id, state, internal, principal, model, started_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
BY_ID = "SELECT * FROM turn WHERE id = ?"
OPEN = "SELECT * FROM turn WHERE state IN ('running', 'interrupted') ORDER BY started_at"
OPEN_OF_SESSION = "SELECT * FROM turn WHERE session_id = ? AND state IN ('running', 'interrupted')"
SUSPENDED = "SELECT * FROM turn WHERE session_id = ? AND state = 'suspended'"
RESUMED = "UPDATE turn SET attempt = attempt + 1 WHERE id = ?"
BUBBLE = "UPDATE turn SET bubble = ? WHERE id = ?"
COUNT_TURN = "UPDATE session SET turns = turns + 1, active_at = ? WHERE id = ?"
FIRST_TITLE = "UPDATE session SET title = ?, titled_by = 'first message' WHERE id = ? AND title = ''"
SUMMARY = "SELECT state, count(*) AS n FROM turn WHERE state IN ('running', 'interrupted', 'suspended') GROUP BY state"
TOTAL = "SELECT count(*) AS n FROM turn"


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn as it stands."""

    id: str
    session_id: str
    state: TurnState
    attempt: int
    internal: bool
    principal: str
    bubble: str
    started_at: int
    crashed: int = 0


@dataclass(frozen=True, slots=True)
class Suspect:
    """The session's turn was running at several crashes: it is resumed only while no other turn runs."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A turn that is now running, with its session and the messages it answers."""

    turn: Turn
    session: Session
    rows: tuple[InboxRow, ...]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a turn ends, committed as one unit.

    ``event`` is the turn's move, ``inbox_event`` the move of the messages it took; ``consumed`` are queued messages
    that were steered into it, ``held`` the ids of what a suspended turn waits for. ``title`` names a session that has
    no name yet, ``day`` is the owner's calendar day. ``cut`` is the limit that ended a turn before the agent did; it is
    kept like an error, but its messages are done all the same.
    """

    turn_id: str
    event: str
    inbox_event: str
    owed: Sequence[Owed] = ()
    conversation: StagedConversation | None = None
    usage: Sequence[Usage] = ()
    day: str = ""
    consumed: Sequence[int] = ()
    held: Sequence[str] = ()
    error: str = ""
    title: str = ""
    cut: str = ""


# How long a new thread waits to learn whether it is the place of a conversation that is on its way.
ARRIVING_MS = 50

# From so many crashes on a turn is run alone, so that the next one tells.
SUSPICIONS = 2

Pick = Callable[[Sequence[InboxRow], int], Sequence[InboxRow] | Wait]


def row_of(row: sqlite3.Row) -> Turn:
    """Map a row of the table."""
    return Turn(
        row["id"],
        row["session_id"],
        TurnState(row["state"]),
        row["attempt"],
        bool(row["internal"]),
        row["principal"],
        row["bubble"],
        row["started_at"],
        row["crashed"],
    )


def begin(tx: Unit, session_id: str, pick: Pick, *, alone: bool = False) -> Begun | Suspect | Wait | None:
    """Start the next turn of a session, or resume the one a crash interrupted; a suspect only when ``alone``.

    ``pick(rows, now)`` chooses from the waiting messages or says how long to wait for more; ``None`` means that the
    session has nothing to do. A session whose turn is running gets ``None`` too.
    """
    row = tx.one(OPEN_OF_SESSION, (session_id,))
    if row is not None:
        if row["suspected"] >= SUSPICIONS and not alone:
            return Suspect()
        return _resume(tx, row_of(row))
    waiting = handoffs.held(tx, session_id, inbox.queued(tx, session_id))
    if not waiting:
        return None
    if handoffs.arriving(tx, session_id):
        return Wait(ARRIVING_MS)
    chosen = pick(waiting, tx.now)
    if isinstance(chosen, Wait):
        return chosen
    return _start(tx, session_id, chosen)


def _resume(tx: Unit, turn: Turn) -> Begun | None:
    if turn.state is TurnState.RUNNING:
        return None
    tx.run(RESUMED, (turn.id,))
    row = tx.move(TURN, turn.id, "resume")
    return Begun(row_of(row), sessions.get(tx, turn.session_id), tuple(inbox.of_turn(tx, turn.id)))


def _start(tx: Unit, session_id: str, rows: Sequence[InboxRow]) -> Begun:
    session = sessions.get(tx, session_id)
    sender = rows[-1].inbound
    internal = all(row.inbound.kind == "internal" for row in rows)
    principal = f"{sender.address.platform}:{sender.sender.id}"
    id = new_id("t")
    tx.run(INSERT, (id, session_id, TURN.initial, internal, principal, session.model, tx.now))
    tx.emit("turn.start", id, actor=principal, session=session_id, messages=len(rows))
    for row in rows:
        inbox.start(tx, row.id, id)
    inbox.take_notes(tx, session_id, rows[0].id)
    turn = Turn(id, session_id, TURN.initial, 1, internal, principal, "", tx.now)
    return Begun(turn, session, tuple(inbox.of_turn(tx, id)))


def end(tx: Unit, ending: Ending) -> None:
    """Commit how a turn ended: its conversation, what is owed for it, and the moves of its messages."""
    error = ending.error or ending.cut
    turn = row_of(tx.move(TURN, ending.turn_id, ending.event, ended_at=tx.now, error=error, checkpoint=None))
    if ending.conversation is not None:
        conversations.write(tx, ending.conversation)
    usage.add(tx, ending.day, turn.session_id, turn.id, ending.usage)
    inbox.start_waiting(tx, ending.consumed, turn.id)
    for row in inbox.of_turn(tx, turn.id):
        tx.move(INBOX, row.id, ending.inbox_event, error=ending.error)
    if ending.held:
        settle(tx, turn.id)
    sessions.erase_forgotten(tx, turn.session_id)
    outbox.add_all(tx, ending.owed)
    tx.run(COUNT_TURN, (tx.now, turn.session_id))
    if ending.title:
        tx.run(FIRST_TITLE, (ending.title, turn.session_id))


def settle(tx: Unit, turn_id: str) -> None:
    """End a suspended turn that waits for nobody any more; its continuation is a turn of its own.

    A turn that has asked and still runs is left alone: it settles when it ends.
    """
    turn = get(tx, turn_id)
    if turn is None or turn.state not in TURN.sources("settle"):
        return
    if not questions.open_of_turn(tx, turn_id) and not approvals.waited_for(tx, turn_id):
        tx.move(TURN, turn_id, "settle")


def interrupt_running(tx: Unit, *, crashed: bool) -> list[Turn]:
    """At start, mark the turns that the last process left running; return everything that is interrupted.

    Where that process ``crashed``, a turn that ran alone is held to be the cause, one of several is suspected.
    """
    running = [row for row in tx.all(OPEN) if row["state"] == TurnState.RUNNING]
    alone = len(running) == 1
    for row in running:
        columns = {"crashed": row["crashed"] + 1} if alone else {"suspected": row["suspected"] + 1}
        tx.move(TURN, row["id"], "interrupt", **(columns if crashed else {}))
    return [row_of(row) for row in tx.all(OPEN)]


def interrupted_sessions(q: Query) -> list[str]:
    """Return the sessions whose turn was interrupted, the longest waiting first."""
    return [row["session_id"] for row in q.all(OPEN) if row["state"] == TurnState.INTERRUPTED]


def cancel_suspended(tx: Unit, session_id: str, *, actor: str) -> int:
    """Cancel the turns of a session that wait for a decision; return how many there were."""
    rows = tx.all(SUSPENDED, (session_id,))
    for row in rows:
        tx.move(TURN, row["id"], "cancel", actor=actor, ended_at=tx.now)
    return len(rows)


def keep_bubble(tx: Unit, turn_id: str, message_id: str) -> None:
    """Remember the streamed message that the final text will replace."""
    tx.run(BUBBLE, (message_id, turn_id))


def get(q: Query, id: str) -> Turn | None:
    """Return one turn."""
    row = q.one(BY_ID, (id,))
    return row_of(row) if row else None


def counts(q: Query) -> dict[str, int]:
    """Return how many turns are running, interrupted or suspended."""
    return {row["state"]: row["n"] for row in q.all(SUMMARY)}


def total(q: Query) -> int:
    """Return how many turns there were in all."""
    row = q.one(TOTAL)
    return row["n"] if row else 0
