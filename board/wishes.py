"""From what was asked for to what is stored: new tasks, changes and moves."""

from collections.abc import Callable
from typing import Any

from board import deciding, lanes
from board.creating import Edit, Wanted
from board.crew import plans
from board.crew.plans import Plan
from board.inputs import BudgetGiven, CreateTask, MoveTask
from board.room import Room
from board.settings import MINUTE_MS
from kernel.messages import Address
from kernel.people import Principal
from kernel.states import TaskState
from kernel.tasks import Brief, Budget, Importance, Task, Workspace
from store.tasks import New


def behalf_of(principal: Principal) -> str:
    """Return the person (``platform:id``) whose rights an agent works with for a principal."""
    platform = principal.id.partition(":")[0]
    if platform == "token":
        return f"web:{principal.id}"
    return "web:owner" if platform in ("cli", "system", "terminal") else principal.id


def budget_of(given: BudgetGiven) -> Budget:
    """Return a budget as it is stored."""
    return Budget(given.attempts, int(given.minutes * MINUTE_MS), given.tokens, given.money)


def wanted_of(
    asked: CreateTask,
    principal: Principal,
    lane: str,
    project: str,
    *,
    origin: Address | None = None,
    room: Room | None = None,
) -> Wanted:
    """Return the task that was asked for.

    ``lane`` is for those that name none, ``project`` is a folder that tasks may name, ``origin`` the chat that asked,
    ``room`` knows the crew and the templates in files. Agents that a template names and the
    crew does not have are left out: whoever has the skills does their part, and people review. The rules of triage look
    at what is asked for with a ``room``.
    """
    found = room.plans.find(asked.template) if room is not None else None
    plan = plans.staffed(found, room.roster) if found is not None and room is not None else None
    first = plan.stages[0].agent if plan is not None else ""
    whom = asked.assignee.strip() or first
    into = asked.lane or (room.roster.lane_of(whom, lane) if room is not None else lane)
    new = New(
        title=" ".join(asked.title.split()),
        lane=lanes.checked(into, room.coders()) if room is not None else into,
        queue="",
        template=asked.template,
        created_by=principal.id,
        assignee=asked.assignee.strip() or ("" if lanes.coder(asked.lane or lane) else first),
        priority=Importance[asked.priority.upper()],
        not_before=asked.not_before,
        parent_id=asked.parent,
        failure_limit=asked.failure_limit,
        budget=budget_of(asked.budget),
        max_run_ms=int(asked.run_minutes * MINUTE_MS),
        due_at=asked.due,
    )
    brief = Brief(
        description=asked.description,
        acceptance=asked.acceptance,
        skills=tuple(asked.skills),
        labels=tuple(asked.labels),
        project=project,
        workspace=_workspace(asked, plan),
        host=asked.host,
        capabilities=tuple(asked.capabilities),
        origin=origin,
        behalf=behalf_of(principal),
    )
    return Wanted(new, brief, tuple(asked.needs), asked.triage, plan, ruled=room is not None)


def _workspace(asked: CreateTask, plan: Plan | None) -> Workspace:
    """Return where the work is done: as it was asked for, else as the template says where there is a project."""
    if plan is None or not plan.workspace or not asked.project or "workspace" in asked.model_fields_set:
        return asked.workspace
    return Workspace(plan.workspace)


COLUMNS = {"title": "title", "due": "due_at", "not_before": "not_before", "failure_limit": "failure_limit"}


def edit_of(given: dict[str, Any], budget: BudgetGiven | None) -> Edit:
    """Return the changes that were asked for."""
    columns: dict[str, Any] = {COLUMNS[name]: value for name, value in given.items() if name in COLUMNS}
    texts = {
        name: given[name]
        for name in ("description", "acceptance", "labels", "skills", "project")
        if name in given
    }
    if "priority" in given:
        columns["priority"] = Importance[given["priority"].upper()]
    if "run_minutes" in given:
        columns["max_run_ms"] = int(given["run_minutes"] * MINUTE_MS)
    if budget is not None:
        kept = budget_of(budget)
        columns |= {"budget_attempts": kept.attempts, "budget_ms": kept.ms}
        columns |= {"budget_tokens": kept.tokens, "budget_money": kept.money}
    return Edit(columns, texts)


MOVES: dict[str, Callable[..., Task]] = {
    "open": deciding.release,
    "triage": deciding.triage,
    "in_review": deciding.submit,
    "done": deciding.complete,
    "failed": deciding.fail,
    "cancelled": deciding.cancel,
}


def moving(asked: MoveTask) -> tuple[Any, ...]:
    """Return the unit that carries a move out, and what it needs beside the task."""
    if asked.state == "blocked":
        return deciding.hold, asked.reason, asked.owner
    if asked.state == "changes_requested":
        return deciding.request_changes, asked.reason
    if asked.state in MOVES:
        return (MOVES[asked.state],)
    return deciding.work, TaskState(asked.state)
