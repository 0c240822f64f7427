"""Reviews: what waits for one, what a reviewer decides, and what changed between two versions."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from board import deciding
from board.crew import choosing, plans
from board.crew.profiles import Roster
from kernel.errors import Stale
from kernel.tasks import Task
from store import artifacts, crew, submissions, tasks
from store.submissions import Submission
from store.units import Query, Unit

LARGEST_TEXT = 200_000
DIFF_LINES = 2_000


class Decision(StrEnum):
    """What a reviewer may decide."""

    APPROVE = "approve"
    CHANGES = "changes"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A decision about a version (0: the newest), with what is said of it and the points that have to change."""

    decision: Decision
    feedback: str = ""
    points: Sequence[str] = ()
    version: int = 0


def decide(tx: Unit, roster: Roster, id: int, made: Judgement, *, actor: str) -> Task:
    """Carry out a reviewer's decision; raise Stale where another version or another reviewer was quicker.

    Rejected work goes to the best of the crew but its author, as assignment scores them.
    """
    newest = submissions.latest(tx, id)
    if made.version and (newest is None or newest.version != made.version or newest.verdict):
        raise Stale(
            f"Version {made.version} of task {id} no longer waits for a review.", remedy="Look again."
        )
    if made.decision is Decision.APPROVE and newest is not None and newest.reviewer == plans.APPROVAL:
        raise Stale(f"Task {id} is accepted with the approval of its push.", remedy="Approve that request.")
    match made.decision:
        case Decision.APPROVE:
            return deciding.accept(tx, id, actor=actor, feedback=made.feedback)
        case Decision.CHANGES:
            return deciding.request_changes(tx, id, made.feedback, made.points, actor=actor)
        case Decision.REJECT:
            return _rejected(tx, roster, id, made.feedback, actor=actor)


def _rejected(tx: Unit, roster: Roster, id: int, feedback: str, *, actor: str) -> Task:
    task = deciding.reject(tx, id, feedback, "", actor=actor)
    chosen = choosing.choose(tx, roster, task)
    crew.put_assignment(tx, id, chosen)
    tx.emit("task.choose", str(id), agent=chosen.agent, score=round(chosen.score, 2))
    if not chosen.agent:
        return task
    return deciding.assign(tx, id, chosen.agent, roster.lane_of(chosen.agent), actor="crew")


def compared(
    q: Query, id: int, before: int = 0, after: int = 0
) -> tuple[Submission, Submission, list[tuple[str, Path | None, Path | None]]]:
    """Return two versions of a task's work (0: the newest and the one before it) and the files that differ.

    A file is its name with where each version of it is kept, ``None`` where there was none.
    """
    tasks.get(q, id)
    newest = submissions.latest(q, id)
    last = submissions.get(q, id, after or (newest.version if newest else 1))
    first = submissions.get(q, id, before or max(1, last.version - 1))
    kept = {(one.name, one.version): Path(one.path) for one in artifacts.of_task(q, id)}
    names = sorted({*first.files, *last.files})
    changed = [
        (name, kept.get((name, first.files.get(name, 0))), kept.get((name, last.files.get(name, 0))))
        for name in names
        if first.files.get(name) != last.files.get(name)
    ]
    return first, last, changed


def difference(
    first: Submission, last: Submission, changed: Sequence[tuple[str, Path | None, Path | None]]
) -> str:
    """Return a unified diff of the summaries and the changed files; reads the files."""
    lines = _lines("summary", first.summary, last.summary, first.version, last.version)
    for name, before, after in changed:
        lines += _lines(name, _text(before), _text(after), first.version, last.version)
    cut = [f"… {len(lines) - DIFF_LINES} more lines"] if len(lines) > DIFF_LINES else []
    return "\n".join([*lines[:DIFF_LINES], *cut])


def _lines(name: str, before: str, after: str, first: int, last: int) -> list[str]:
    names = f"{name} (version {first})", f"{name} (version {last})"
    return list(difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm=""))


def _text(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        data = path.read_bytes()
    except OSError:
        return "(the file is gone)"
    if len(data) > LARGEST_TEXT or b"\0" in data:
        return f"({len(data)} bytes that are not shown)"
    return data.decode("utf-8", "replace")
