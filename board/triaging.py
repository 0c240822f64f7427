"""Tasks in triage: an agent is asked how they could go on, and a person confirms what it suggests."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from board import creating, deciding
from board.creating import Edit, Wanted, rest
from board.crew import plans, triage
from board.crew.triage import House, Sorting, Suggestion
from board.room import Room
from kernel.errors import Stale, StoreError
from kernel.events import Event
from kernel.states import TaskState
from kernel.tasks import Brief, Task, Workspace
from kernel.transitions import UNFINISHED
from store import board, tasks
from store import plans as stored_plans
from store.tasks import New
from store.units import Query, Unit

log = logging.getLogger(__name__)

RETRY_SECONDS = 30.0
LOOKED_AT = 200
# Later than any time: all there are, also where the clock went back.
EVER = 1 << 62
TITLE_SHOWN = 150
# An agent that is stuck, or waits for a person, suggests nothing more by itself.
STUCK = (TaskState.BLOCKED, TaskState.TRIAGE, TaskState.NEEDS_HUMAN)
WAKING = frozenset(
    {
        "task.create",
        "task.triage",
        "task.complete",
        "task.fail",
        "task.block",
        "task.gave_up",
        "task.cancel",
        "task.ask",
    }
)


def create(tx: Unit, house: House, wanted: Wanted, *, actor: str) -> Task:
    """Store a task, first for a person to look at where the rules of triage say so."""
    if wanted.ruled and not wanted.triage and wanted.new.lane == "agent":
        found = triage.findings(tx, house, wanted.brief, wanted.plan)
        wanted = replace(wanted, triage=triage.holds(house, found))
    return creating.create(tx, house.settings, wanted, actor=actor)


def waiting(q: Query) -> list[int]:
    """Return the tasks that wait in triage for a person, the longest waiting first."""
    found = board.old_in(q, (TaskState.TRIAGE,), EVER, LOOKED_AT)
    return [task.id for task in found if task.template not in plans.INTERNAL]


def look(tx: Unit, house: House) -> None:
    """See to every task in triage: an agent is asked once, and the rules suggest where it has nothing to say."""
    for task in map(partial(tasks.get, tx), waiting(tx)):
        begun = triage.sorting(tx, task)
        if begun is None and house.settings.enabled and task.lane == "agent":
            triage.keep(tx, task, Sorting(_ask(tx, house, task)))
        elif (begun is None or begun.suggestion is None) and not _asked(tx, begun):
            triage.suggest(tx, house, task.id, Suggestion(0, triage.BY_RULES, "", "", (), "", ""))


def _asked(tx: Unit, begun: Sorting | None) -> bool:
    """Tell whether an agent is still expected to suggest something."""
    child = tasks.get(tx, begun.child) if begun is not None and begun.child else None
    return child is not None and child.state in UNFINISHED and child.state not in STUCK


def _ask(tx: Unit, house: House, task: Task) -> int:
    """Make the task of an agent who suggests how another one goes on."""
    brief = tasks.brief(tx, task.id)
    said = Brief(
        description=_described(tx, house, task, brief),
        workspace=Workspace.NONE,
        origin=brief.origin,
        behalf=brief.behalf,
    )
    new = New(
        f"Triage of task {task.id}: {task.title}"[:TITLE_SHOWN], "agent", tasks.queue_of("agent", "", said),
        plans.TRIAGE, "system", TaskState.OPEN, "", task.priority, parent_id=task.id, root_id=task.root_id,
    )  # fmt: skip
    tasks.grow(tx, task.root_id)
    id = tasks.add(tx, new, said, actor="system")
    stored_plans.add(tx, id, plans.text_of(SORTING_PLAN), (task.id, 1))
    return id


SORTING_PLAN = plans.load().by_name[plans.TRIAGE]


def _described(tx: Unit, house: House, task: Task, brief: Brief) -> str:
    rules = triage.proposal(tx, house, task)
    crew = "\n".join(f"- {one.name}: {', '.join(one.skills)}" for one in house.roster.profiles.values())
    parts = [
        f"Triage of task {task.id}: {task.title}",
        f"What is asked for:\n{brief.description}" if brief.description else "",
        f"It is done when: {brief.acceptance}" if brief.acceptance else "",
        f"What the rules say: {rules.reason}" if rules.reason else "",
        f"The templates:\n{triage.known_templates(house.plans)}",
        f"The crew and its skills:\n{crew}" if crew else "",
    ]
    return "\n\n".join(part for part in parts if part)


def confirm(tx: Unit, house: House, id: int, number: int, *, actor: str) -> Task:
    """Let a task go on as it was suggested; raise Stale where the suggestion ``number`` (0: the newest) is not open."""
    made, _ = triage.standing(tx, house, id)
    if number and made.number != number:
        raise Stale(f"There is a newer suggestion for task {id}.", remedy="Look again.")
    task = _withdrawn(tx, id, actor)
    texts: dict[str, Any] = {"acceptance": made.acceptance, "skills": made.skills}
    if made.template != task.template and (plan := house.plans.find(made.template)) is not None:
        stored_plans.put(tx, id, plans.text_of(plans.staffed(plan, house.roster)))
        if plan.workspace and tasks.brief(tx, id).project:
            texts["workspace"] = plan.workspace
    lane = house.roster.lane_of(made.agent, task.lane)
    columns = {"template": made.template, "assignee": made.agent, "lane": lane}
    task = creating.rewrite(tx, task, Edit(columns, texts), actor=actor)
    progress = plans.progress(tx, task)
    stage = progress.stage if progress is not None else 0
    tx.emit("task.confirm", str(id), actor=actor, number=made.number, author=made.author, stage=stage)
    return _released(tx, task, actor)


def as_it_is(tx: Unit, id: int, *, actor: str) -> Task:
    """Let a task in triage go on without what was suggested; raise Stale where it is not in triage."""
    return _released(tx, _withdrawn(tx, id, actor), actor)


def withdraw(tx: Unit, id: int, *, actor: str) -> Task:
    """Withdraw a task in triage; raise Stale where it is not in triage any more."""
    return deciding.cancel(tx, _withdrawn(tx, id, actor).id, actor=actor)


def _withdrawn(tx: Unit, id: int, actor: str) -> Task:
    """Return a task in triage, with nobody asked about it any more."""
    task = tasks.get(tx, id)
    if task.state is not TaskState.TRIAGE:
        raise Stale(f"Task {id} is {task.state}; it is not in triage.", remedy="Look again.")
    triage.forget(tx, task)
    for child in tasks.children(tx, id):
        if child.template == plans.TRIAGE and child.state in UNFINISHED:
            deciding.cancel(tx, child.id, actor=actor)
    return task


def _released(tx: Unit, task: Task, actor: str) -> Task:
    """Let a task go on; one that came here by its failures gets a fresh budget of them."""
    if task.consecutive_failures:
        return deciding.reclaim(tx, task.id, actor=actor)
    return rest(tx, task, actor=actor)


class Triager:
    """Looks at the tasks in triage when something was committed that could matter."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._wake = asyncio.Event()
        self._unlisten: Callable[[], None] | None = None

    def open(self) -> None:
        """Hear of commits from now on."""
        self._unlisten = self._room.bus.listen("task.", self._heard)
        self._wake.set()

    def close(self) -> None:
        """Look at nothing more."""
        if self._unlisten is not None:
            self._unlisten()
            self._unlisten = None

    def _heard(self, event: Event) -> None:
        if event.kind in WAKING:
            self._wake.set()

    async def run(self) -> None:
        """See to what is in triage until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._once()
            except StoreError as error:
                # A full disk ends by itself; what is in triage is looked at again.
                log.warning("Tasks in triage could not be looked at: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()

    async def _once(self) -> None:
        """Write only where something is to be done: most commits are of tasks that are not in triage."""
        waiting = await self._room.database.read(board.old_in, (TaskState.TRIAGE,), EVER, 1)
        if waiting:
            await self._room.database.write(look, self._room.house)
