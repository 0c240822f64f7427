"""What was said about a task: milestones of its attempts, and comments of anybody."""

from dataclasses import dataclass

from store.units import Query, Unit

ADD_MILESTONE = "INSERT INTO milestone (task_id, epoch, kind, text, at) VALUES (?, ?, ?, ?, ?)"
MILESTONES = "SELECT * FROM milestone WHERE task_id = ? ORDER BY id DESC LIMIT ?"
ADD_COMMENT = "INSERT INTO comment (task_id, author, text, at) VALUES (?, ?, ?, ?)"
COMMENTS = "SELECT * FROM comment WHERE task_id = ? ORDER BY id DESC LIMIT ?"


@dataclass(frozen=True, slots=True)
class Milestone:
    """Something that was reached; ``kind`` is ``"named"``, ``"plan"``, ``"commit"`` or ``"tests"``."""

    id: int
    epoch: int
    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Comment:
    """Something that was said; ``author`` is a principal's id or an agent."""

    id: int
    author: str
    text: str
    at: int


def add_milestone(tx: Unit, task_id: int, epoch: int, text: str, *, kind: str = "named", actor: str) -> int:
    """Store a milestone and return its number; its text is not in the trail."""
    number = tx.insert(ADD_MILESTONE, (task_id, epoch, kind, text, tx.now))
    tx.emit("task.milestone", str(task_id), actor=actor, number=number, sort=kind, epoch=epoch)
    return number


def milestones(q: Query, task_id: int, limit: int = 100) -> list[Milestone]:
    """Return the latest milestones of a task, the oldest first."""
    rows = q.all(MILESTONES, (task_id, limit))
    return [Milestone(row["id"], row["epoch"], row["kind"], row["text"], row["at"]) for row in reversed(rows)]


def add_comment(tx: Unit, task_id: int, text: str, *, author: str) -> int:
    """Store a comment and return its number; its text is not in the trail."""
    number = tx.insert(ADD_COMMENT, (task_id, author, text, tx.now))
    tx.emit("task.comment", str(task_id), actor=author, number=number)
    return number


def comments(q: Query, task_id: int, limit: int = 100) -> list[Comment]:
    """Return the latest comments of a task, the oldest first."""
    rows = q.all(COMMENTS, (task_id, limit))
    return [Comment(row["id"], row["author"], row["text"], row["at"]) for row in reversed(rows)]
