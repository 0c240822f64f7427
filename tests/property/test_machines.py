"""Random events against every stored machine: the guarded statement does what the table says, and nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Stale
from kernel.transitions import FIRE, INBOX, OUTBOX, QUESTION, SCHEDULE, TOOL_CALL, TURN, Machine
from store.units import Unit
from tests.support.units import Memory

SESSION = (
    "INSERT INTO session (id, owner, platform, account, chat, private, created_at, active_at)"
    " VALUES ('s', 'o', 'p', 'a', 'c', 1, 1, 1)"
)
A_TURN = "INSERT INTO turn (id, session_id, state, internal, principal, started_at) VALUES ('{}', 's', '{}', 0, 'o', 1)"
A_SCHEDULE = (
    "INSERT INTO schedule (id, name, state, owner, rule, zone, job, kind, created_at, created_by, updated_at)"
    " VALUES ({}, 'n{}', '{}', 'o', 'at:1', 'UTC', 'null', 'reminder', 1, 'o', 1)"
)
ROWS: dict[str, tuple[Machine[Any], str | int, str]] = {
    "inbox": (
        INBOX,
        1,
        (
            "INSERT INTO inbox (id, platform, account, chat, dedup_key, message_id, kind, sender, sender_name, private,"
            " addressed, text, state, sent_at, received_at)"
            " VALUES (1, 'p', 'a', 'c', 'k', 'm', 'message', 'x', '', 1, 1, '', '{}', 1, 1)"
        ),
    ),
    "turn": (TURN, "t", A_TURN.replace("{}", "t", 1)),
    "outbox": (
        OUTBOX,
        1,
        (
            "INSERT INTO outbox"
            " (id, dedup_key, platform, account, chat, kind, priority, text, state, due_at, created_at)"
            " VALUES (1, 'k', 'p', 'a', 'c', 'text', 2, '', '{}', 1, 1)"
        ),
    ),
    "question": (
        QUESTION,
        "q",
        (
            "INSERT INTO question (id, short, session_id, turn_id, call_key, text, options, state, created_at)"
            " VALUES ('q', 'abcd', 's', 'other', 'k', '', '[]', '{}', 1)"
        ),
    ),
    "schedule": (SCHEDULE, 1, A_SCHEDULE.format(1, 1, "{}")),
    "fire": (
        FIRE,
        1,
        "INSERT INTO fire (id, schedule_id, instant, state, ready_at, created_at) VALUES (1, 9, 1, '{}', 1, 1)",
    ),
    "tool_call": (
        TOOL_CALL,
        1,
        (
            "INSERT INTO tool_call (id, turn_id, call_key, tool, digest, idempotent, state, started_at)"
            " VALUES (1, 'other', 'k', 'write', 'd', 1, '{}', 1)"
        ),
    ),
}


def prepare(tx: Unit, statement: str, state: str) -> None:
    """Write the row and what it refers to."""
    tx.run(SESSION)
    tx.run(A_TURN.format("other", "done"))
    tx.run(A_SCHEDULE.format(9, 9, "active"))
    tx.run(statement.format(state))


@pytest.mark.parametrize("name", ROWS)
@given(data=st.data())
def test_random_events_move_a_row_as_its_table_says(name: str, data: st.DataObject) -> None:
    machine, id, statement = ROWS[name]
    memory, state, moved = Memory(), machine.initial, list[str]()
    memory.run(prepare, statement, state)
    for event in data.draw(st.lists(st.sampled_from(machine.events), max_size=12)):
        target = machine.moves.get((state, event))
        try:
            row = memory.run(lambda tx, event=event: tx.move(machine, id, event))
        except Stale:
            assert target is None
        else:
            assert row["state"] == target
            assert target is not None
            state = target
            moved.append(f"{name}.{event}")
        assert memory.rows(f"SELECT state FROM {name} WHERE id = ?", id) == [{"state": state}]  # noqa: S608
    told = memory.rows("SELECT kind FROM event WHERE subject = ? ORDER BY seq", str(id))
    assert [row["kind"] for row in told] == moved
    memory.close()
