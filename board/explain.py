"""Why a task stands where it stands, in sentences."""

from collections.abc import Iterator, Mapping

from board import limits
from board.crew import plans, triage
from board.crew.triage import House
from board.dispatcher import NOBODY, agent_for
from board.settings import BoardSettings
from kernel.clock import at
from kernel.states import TaskState
from kernel.tasks import Task
from kernel.transitions import READY
from store import attempts, dependencies, tasks
from store import crew as standings
from store.tasks import parse_queue
from store.units import Query

SHOWN = 10


def explain(
    q: Query, settings: BoardSettings, now: int, id: int, crew: Mapping[str, int] = NOBODY
) -> list[str]:
    """Return why a task stands where it stands, and what would move it; raise NotFound."""
    task = tasks.get(q, id)
    return [f"Task {id} is {task.state}: {task.state.sentence}", *_reasons(q, settings, now, task, crew)]


def sorting(q: Query, house: House, id: int) -> list[str]:
    """Return what the rules of triage found about a task in it, and what is suggested; nothing for any other."""
    if tasks.get(q, id).state is not TaskState.TRIAGE:
        return []
    made, found = triage.standing(q, house, id)
    whom = made.agent or "anybody able"
    said = f"{made.author} suggests the template {made.template}, by {whom}, done when: {made.acceptance}"
    return [*(one.sentence for one in found), said, f"`hermes tasks triage {id} --accept` lets it go on so."]


def _reasons(
    q: Query, settings: BoardSettings, now: int, task: Task, crew: Mapping[str, int]
) -> Iterator[str]:
    if task.unmet:
        waiting = [one for one in dependencies.needs(q, task.id) if one.state is not TaskState.DONE]
        names = ", ".join(f"{one.id} ({one.state})" for one in waiting[:SHOWN])
        yield f"It waits for {task.unmet} task{'s' if task.unmet > 1 else ''}: {names}."
    if task.block_kind == "owner":
        yield f"It waits for {task.block_owner}: {task.block_reason}"
    if task.question:
        yield f"It asks: {task.question}"
    if task.consecutive_failures:
        limit = limits.failures(settings, task)
        yield (
            f"{task.consecutive_failures} of {limit} failures in a row; the last one {task.last_failure_outcome}:"
            f" {task.last_failure_error}"
        )
    if task.state in READY:
        yield from _readiness(q, settings, now, task, crew)
    if (live := attempts.live_of(q, task.id)) is not None:
        where = f"process {live.pid}" if live.pid else live.session_id or live.host
        yield f"Attempt {live.epoch} by {live.agent} is {live.state} ({where})."


def _readiness(
    q: Query, settings: BoardSettings, now: int, task: Task, crew: Mapping[str, int]
) -> Iterator[str]:
    if task.not_before > now:
        yield f"It is not taken before {at(task.not_before):%Y-%m-%d %H:%M:%S} UTC."
        return
    if not settings.enabled:
        yield "The dispatcher is switched off (board.enabled)."
        return
    if task.lane == "manual":
        yield f"Its lane is manual: somebody takes it with `hermes tasks claim {task.id}`."
        return
    queue = parse_queue(plans.queue_of(q, task, task.assignee))
    if agent_for(settings, queue, attempts.load(q), crew):
        yield "It is taken with the next look at the board."
        return
    if not agent_for(settings, queue, {}, crew):
        made = standings.assignment(q, task.id)
        if made is not None and not made.agent and not task.assignee:
            yield f"It is open because {made.reason}."
            return
        yield _nobody(settings, task, queue.host, set(queue.needs))
        return
    yield "All places are taken; it is next when one becomes free, after those of higher priority."


def _nobody(settings: BoardSettings, task: Task, host: str, needs: set[str]) -> str:
    if host not in ("", settings.machine):
        return f"It may run on {host} only, and this is {settings.machine}."
    if missing := needs - set(settings.skills):
        return f"Nobody here has: {', '.join(sorted(missing))} (board.skills)."
    return f"Nobody here works in lane {task.lane} as {task.assignee or 'anybody'}."
