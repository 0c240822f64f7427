"""What the conversation of a task's session says about the attempt that an agent works on in it."""

from dataclasses import dataclass

from kernel.states import TurnState
from kernel.tasks import Used
from store.units import Query

TURN = "SELECT session_id, state, error FROM turn WHERE id = ?"
TURNS_SINCE = """
SELECT DISTINCT turn.id, turn.state, turn.started_at FROM inbox JOIN turn ON turn.id = inbox.turn_id
WHERE inbox.session_id = ? AND inbox.id >= ? ORDER BY turn.started_at, turn.rowid
"""
WAITING_ROWS = """
SELECT 1 FROM inbox WHERE session_id = ? AND id >= ? AND state IN ('received', 'queued', 'running') LIMIT 1
"""
SAID = "SELECT text FROM outbox WHERE turn_id = ? AND kind = 'text' AND dedup_key GLOB 'turn:*' ORDER BY id"
LAST_SAID = """
SELECT text FROM outbox WHERE kind = 'text' AND dedup_key GLOB 'turn:*' AND turn_id = (
    SELECT outbox.turn_id FROM outbox JOIN inbox ON inbox.turn_id = outbox.turn_id
    WHERE inbox.session_id = ? AND inbox.id >= ? AND outbox.kind = 'text' AND outbox.dedup_key GLOB 'turn:*'
    ORDER BY outbox.id DESC LIMIT 1
) ORDER BY id
"""
QUESTION = "SELECT text FROM question WHERE turn_id = ? AND state = 'open' ORDER BY created_at LIMIT 1"
APPROVAL = """
SELECT short, action ->> 'text' AS text FROM approval
WHERE turn_id = ? AND state IN ('pending', 'held', 'approved', 'running', 'unknown') ORDER BY created_at LIMIT 1
"""
USED = """
SELECT coalesce(sum(input_tokens + output_tokens), 0) AS tokens, coalesce(sum(cost), 0.0) AS money FROM usage
WHERE turn_id IN (SELECT DISTINCT turn_id FROM inbox WHERE session_id = ? AND id >= ? AND turn_id IS NOT NULL)
"""
# What a turn has used so far stands in the answers of its working copy; it is booked when the turn ends.
SPENDING = """
SELECT coalesce(sum(coalesce(answer ->> '$.usage.input_tokens', 0)
    + coalesce(answer ->> '$.usage.output_tokens', 0)), 0) AS tokens,
    coalesce(sum(CAST(answer ->> '$.usage.cost' AS REAL)), 0.0) AS money
FROM (SELECT entry.value ->> 2 AS answer FROM turn, json_each(turn.checkpoint, '$.entries') AS entry
    WHERE turn.state IN ('running', 'interrupted') AND turn.checkpoint IS NOT NULL
        AND turn.id IN (SELECT DISTINCT turn_id FROM inbox WHERE session_id = ? AND id >= ? AND turn_id IS NOT NULL))
"""
REFUSED = """
SELECT count(*) AS n FROM approval WHERE session_id = ? AND state IN ('refused', 'expired')
    AND created_at >= (SELECT received_at FROM inbox WHERE id = ?)
"""
QUEUED = "SELECT id FROM inbox WHERE session_id = ? AND id >= ? AND state = 'queued' AND kind = 'internal'"

TRANSCRIPT = """
SELECT 'Hermes' AS who, text, received_at AS at, 0 AS number FROM inbox
WHERE session_id = :session AND id >= :first AND kind = 'internal'
UNION ALL SELECT sender_name || ' ' || sender, text, received_at, id FROM inbox
WHERE session_id = :session AND id >= :first AND kind = 'message'
UNION ALL SELECT 'agent', text, created_at, id FROM outbox
WHERE session_id = :session AND kind <> 'edit' AND created_at >= (SELECT received_at FROM inbox WHERE id = :first)
UNION ALL SELECT 'tool', tool || ' ' || tool_call.state, tool_call.started_at, tool_call.id FROM tool_call
WHERE turn_id IN (SELECT DISTINCT turn_id FROM inbox WHERE session_id = :session AND id >= :first)
ORDER BY at, number LIMIT 1000
"""


@dataclass(frozen=True, slots=True)
class AgentTurn:
    """A turn of a task's session: its state, why it failed, and what it said."""

    id: str
    session_id: str
    state: TurnState
    error: str
    said: str


def turn(q: Query, turn_id: str) -> AgentTurn | None:
    """Return one turn."""
    row = q.one(TURN, (turn_id,))
    if row is None:
        return None
    said = "\n\n".join(part["text"] for part in q.all(SAID, (turn_id,)))
    return AgentTurn(turn_id, row["session_id"], TurnState(row["state"]), row["error"], said)


def last_said(q: Query, session_id: str, inbox_id: int) -> str:
    """Return what the last turn said that said something, since a message of a session."""
    return "\n\n".join(part["text"] for part in q.all(LAST_SAID, (session_id, inbox_id)))


def turns_since(q: Query, session_id: str, inbox_id: int) -> list[tuple[str, TurnState]]:
    """Return the turns of a session that began with a message or a later one, in order."""
    return [(row["id"], TurnState(row["state"])) for row in q.all(TURNS_SINCE, (session_id, inbox_id))]


def suspended(q: Query, session_id: str, inbox_id: int) -> str:
    """Return the turn of an attempt that waits for a person, or nothing; meanwhile others may run beside it."""
    found = [id for id, state in turns_since(q, session_id, inbox_id) if state is TurnState.SUSPENDED]
    return found[-1] if found else ""


def is_waiting(q: Query, session_id: str, inbox_id: int) -> bool:
    """Tell whether a message of the attempt still waits for its turn or is in one."""
    return q.one(WAITING_ROWS, (session_id, inbox_id)) is not None


def queued(q: Query, session_id: str, inbox_id: int) -> list[int]:
    """Return what Hermes itself has to say to the attempt and has not said."""
    return [row["id"] for row in q.all(QUEUED, (session_id, inbox_id))]


def question(q: Query, turn_id: str) -> str:
    """Return what a suspended turn waits for, in words."""
    row = q.one(QUESTION, (turn_id,))
    if row is not None:
        return row["text"]
    row = q.one(APPROVAL, (turn_id,))
    return f"Approve {row['short']}: {row['text']}" if row is not None else ""


def used(q: Query, session_id: str, inbox_id: int) -> Used:
    """Return what an attempt has used of models."""
    row = q.one(USED, (session_id, inbox_id))
    return Used(0, row["tokens"], row["money"]) if row else Used()


def spending(q: Query, session_id: str, inbox_id: int) -> Used:
    """Return what an attempt has used of models so far, its turn under way included."""
    row = q.one(SPENDING, (session_id, inbox_id))
    so_far = Used(0, row["tokens"], row["money"]) if row else Used()
    return used(q, session_id, inbox_id).plus(so_far)


def refused(q: Query, session_id: str, inbox_id: int) -> int:
    """Return how many actions of an attempt were refused, or never decided."""
    row = q.one(REFUSED, (session_id, inbox_id))
    return row["n"] if row else 0


def transcript(q: Query, session_id: str, inbox_id: int) -> str:
    """Return what was said and done in a session from a message on, a line or paragraph each."""
    rows = q.all(TRANSCRIPT, {"session": session_id, "first": inbox_id})
    return "\n".join(f"{row['who'].strip()}: {row['text']}" for row in rows)
