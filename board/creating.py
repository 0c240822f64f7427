"""Making tasks, changing what they say, and what they wait for: units of work for people, programs and agents."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from board.crew import merit, plans
from board.crew.plans import Plan
from board.settings import BoardSettings
from board.templates import template
from kernel.errors import InvalidInput, Stale
from kernel.states import TaskState
from kernel.tasks import Brief, Task
from kernel.transitions import READY, UNFINISHED
from store import dependencies, task_texts, tasks
from store import plans as stored_plans
from store.tasks import New
from store.units import Unit

MOST_DEPENDENCIES = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """A task that somebody wants; ``triage`` asks a person to look at it first.

    ``plan`` is what the file of its template says, ``None`` for the built-in ones. ``ruled`` lets the rules of triage
    decide as well whether a person looks at it first.
    """

    new: New
    brief: Brief
    needs: tuple[int, ...] = ()
    triage: bool = False
    plan: Plan | None = None
    ruled: bool = False


def create(tx: Unit, settings: BoardSettings, wanted: Wanted, *, actor: str) -> Task:
    """Store a task with what it waits for; raise InvalidInput where its tree is as large as it may be."""
    new, needs = wanted.new, tuple(dict.fromkeys(wanted.needs))
    if wanted.plan is None:
        template(new.template)
    if len(needs) > MOST_DEPENDENCIES:
        raise InvalidInput(f"A task waits for {MOST_DEPENDENCIES} others at most.")
    new = replace(new, queue=tasks.queue_of(new.lane, new.assignee, _with_skills(wanted)))
    if new.parent_id:
        new = _within_tree(tx, settings, new)
    unmet = sum(tasks.get(tx, id).state is not TaskState.DONE for id in needs)
    state = TaskState.TRIAGE if wanted.triage else _state(new.assignee, unmet)
    stored = replace(new, state=state, block_kind="dependencies" if state is TaskState.BLOCKED else "")
    id = tasks.add(tx, stored, wanted.brief, actor=actor)
    if wanted.plan is not None:
        stored_plans.add(tx, id, plans.text_of(wanted.plan))
    for needed in needs:
        dependencies.add(tx, id, needed)
    return tasks.get(tx, id)


def _with_skills(wanted: Wanted) -> Brief:
    """Return the texts with the skills that the first stage asks for as well."""
    first = wanted.plan.stages[0].skills if wanted.plan is not None else ()
    return replace(wanted.brief, skills=tuple(sorted({*wanted.brief.skills, *first})))


def _state(assignee: str, unmet: int) -> TaskState:
    if unmet:
        return TaskState.BLOCKED
    return TaskState.ASSIGNED if assignee else TaskState.OPEN


def _within_tree(tx: Unit, settings: BoardSettings, new: New) -> New:
    parent = tasks.get(tx, new.parent_id)
    if tasks.grow(tx, parent.root_id) > settings.tree_size:
        raise InvalidInput(
            f"Task {parent.root_id} has {settings.tree_size} tasks below it, which is the limit.",
            remedy="board.tree_size raises it.",
        )
    return replace(new, root_id=parent.root_id)


def rest(tx: Unit, task: Task, *, actor: str, **columns: Any) -> Task:
    """Put a task back to where it waits: for its dependencies, its assignee, or anybody."""
    if task.unmet:
        return tasks.move(
            tx, task.id, "block", actor=actor, body={"for": "dependencies"}, block_kind="dependencies", **columns
        )  # fmt: skip
    cleared: dict[str, Any] = {
        "block_kind": "",
        "block_reason": "",
        "block_owner": "",
        "question": "",
        **columns,
    }
    if task.assignee:
        return tasks.move(tx, task.id, "assign", actor=actor, body={"to": task.assignee}, **cleared)
    return tasks.move(tx, task.id, "open", actor=actor, **cleared)


def link(tx: Unit, id: int, needs: int, *, actor: str) -> Task:
    """Let a task wait for another; raise InvalidInput for a circle and Stale where it no longer waits for anything."""
    task = tasks.get(tx, id)
    if task.state not in (*READY, TaskState.TRIAGE, TaskState.BLOCKED):
        raise Stale(f"Task {id} is {task.state}; it waits for nothing any more.", remedy="Look again.")
    if not dependencies.add(tx, id, needs):
        return task
    tx.emit("task.link", str(id), actor=actor, needs=needs)
    if task.state in READY:
        return rest(tx, tasks.get(tx, id), actor=actor)
    return tasks.get(tx, id)


def unlink(tx: Unit, id: int, needs: int, *, actor: str) -> Task:
    """Let a task no longer wait for another; it becomes ready where that was the last."""
    task = dependencies.remove(tx, id, needs)
    tx.emit("task.unlink", str(id), actor=actor, needs=needs)
    return _freed(tx, task, actor=actor)


def unblock_dependants(tx: Unit, done_id: int, *, actor: str) -> Sequence[Task]:
    """Make ready what waited for nothing but a task that is done now; costs what its dependants are, no more."""
    return [_freed(tx, task, actor=actor) for task in dependencies.satisfy(tx, done_id)]


def completed(tx: Unit, task: Task, *, actor: str) -> None:
    """Let what follows from the end of a task that is done happen: what waited is ready, who worked is rewarded."""
    unblock_dependants(tx, task.id, actor=actor)
    merit.settle(tx, task, actor=actor)


def _freed(tx: Unit, task: Task, *, actor: str) -> Task:
    if task.unmet or task.state is not TaskState.BLOCKED or task.block_kind != "dependencies":
        return task
    return rest(tx, task, actor=actor)


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to be changed: columns of the task, and its texts."""

    columns: dict[str, Any]
    texts: dict[str, Any]


def edit(tx: Unit, id: int, wanted: Edit, *, actor: str) -> Task:
    """Change what a task says; raise Stale where it is over."""
    task = tasks.get(tx, id)
    if task.state not in (*UNFINISHED, TaskState.FAILED):
        raise Stale(f"Task {id} is {task.state}; it stays as it is.", remedy="Create another one.")
    return rewrite(tx, task, wanted, actor=actor)


def rewrite(tx: Unit, task: Task, wanted: Edit, *, actor: str) -> Task:
    """Change a task and keep what it said before."""
    before, brief = _texts(task, tasks.brief(tx, task.id)), wanted.texts
    if brief:
        tasks.rewrite(tx, task.id, **brief)
    edited = tasks.change(tx, task.id, **wanted.columns)
    changed = tasks.change(tx, task.id, queue=plans.queue_of(tx, edited, edited.assignee))
    names = (*wanted.columns, *brief)
    body = {"to": edited.assignee} if "assignee" in wanted.columns else {}
    seq = tx.emit("task.change", str(task.id), actor=actor, fields=" ".join(names), **body)
    if kept := {name: before[name] for name in names if name in before}:
        task_texts.add(tx, task.id, seq, kept)
    return changed


def _texts(task: Task, brief: Brief) -> dict[str, Any]:
    """Return what a task says, by the names of the fields."""
    return {
        "title": task.title,
        "template": task.template,
        "description": brief.description,
        "acceptance": brief.acceptance,
        "skills": list(brief.skills),
    }
