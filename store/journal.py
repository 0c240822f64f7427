"""The journal of tool calls."""

import sqlite3
from dataclasses import dataclass

from kernel.states import ToolCallState
from kernel.transitions import TOOL_CALL
from store.units import Query, Unit

BY_KEY = "SELECT * FROM tool_call WHERE turn_id = ? AND call_key = ?"
INSERT = """
INSERT INTO tool_call (turn_id, call_key, tool, digest, idempotent, state, started_at) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
UNFINISHED = "SELECT * FROM tool_call WHERE turn_id = ? AND state IN ('intent', 'unknown') ORDER BY id"


@dataclass(frozen=True, slots=True)
class Call:
    """One journalled tool call; ``new`` says that this very unit wrote its intent."""

    id: int
    key: str
    tool: str
    state: ToolCallState
    idempotent: bool
    result: str
    new: bool = False


def row_of(row: sqlite3.Row, *, new: bool = False) -> Call:
    """Map a row of the table."""
    return Call(
        row["id"],
        row["call_key"],
        row["tool"],
        ToolCallState(row["state"]),
        bool(row["idempotent"]),
        row["result"] or "",
        new,
    )


def begin(tx: Unit, turn_id: str, key: str, tool: str, digest: str, *, idempotent: bool) -> Call:
    """Write the intent of a call, or return the call as it was begun before."""
    row = tx.one(BY_KEY, (turn_id, key))
    if row is not None:
        return row_of(row)
    number = tx.insert(INSERT, (turn_id, key, tool, digest, idempotent, TOOL_CALL.initial, tx.now))
    tx.emit("tool_call.intent", str(number), turn=turn_id, tool=tool, digest=digest)
    return Call(number, key, tool, TOOL_CALL.initial, idempotent, "", new=True)


def finish(tx: Unit, turn_id: str, key: str, result: str) -> None:
    """Store a call's result."""
    row = tx.one(BY_KEY, (turn_id, key))
    if row is not None and row["state"] != ToolCallState.DONE:
        tx.move(TOOL_CALL, row["id"], "finish", result=result, ended_at=tx.now)


def hold(tx: Unit, turn_id: str, key: str, tool: str, digest: str) -> None:
    """Write down that a call waits for a person and has not run."""
    begun = begin(tx, turn_id, key, tool, digest, idempotent=False)
    if begun.state is TOOL_CALL.initial:
        tx.move(TOOL_CALL, begun.id, "hold")


def lose_held(tx: Unit, turn_id: str, key: str) -> None:
    """Mark a held call that was being carried out when the daemon stopped."""
    row = tx.one(BY_KEY, (turn_id, key))
    if row is not None and row["state"] == ToolCallState.HELD:
        lose(tx, row["id"])


def is_done(q: Query, turn_id: str, key: str) -> bool:
    """Tell whether a call's result is stored."""
    row = q.one(BY_KEY, (turn_id, key))
    return row is not None and row["state"] == ToolCallState.DONE


def lose(tx: Unit, call_id: int) -> None:
    """Mark a call whose outcome a crash left unknown."""
    tx.move(TOOL_CALL, call_id, "lose")


def unfinished(q: Query, turn_id: str) -> list[Call]:
    """Return the calls of a turn that have no result."""
    return [row_of(row) for row in q.all(UNFINISHED, (turn_id,))]
