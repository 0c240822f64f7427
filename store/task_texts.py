"""Texts of tasks as they were before each change."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from store.units import Query, Unit, Value

INSERT = "INSERT INTO task_text (task_id, seq, before) VALUES (?, ?, ?)"
SINCE = "SELECT seq, before FROM task_text WHERE task_id = ? AND seq > ? ORDER BY seq DESC"


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a task's texts: the number of its event, and what the fields said before it."""

    seq: int
    before: Mapping[str, Value | list[str]]


def add(tx: Unit, task_id: int, seq: int, before: Mapping[str, object]) -> None:
    """Store what a task said before an event."""
    tx.run(INSERT, (task_id, seq, json.dumps(dict(before), ensure_ascii=False)))


def since(q: Query, task_id: int, seq: int) -> list[Change]:
    """Return the changes of a task's texts behind an event, the latest first."""
    return [Change(row["seq"], json.loads(row["before"])) for row in q.all(SINCE, (task_id, seq))]
