"""As whom an attempt's turns are run: the agent of the crew that holds it, with what is left of the task's budget."""

from collections.abc import Iterable

from board import limits
from board.crew import plans
from board.room import Room
from kernel.tasks import Attempt, Task, Used
from kernel.turns import Persona
from store import agentwork, attempts, tasks
from store.units import Query

LOOKING = frozenset({"list_files", "read_file", "search_files"})


async def of(room: Room, task_id: int, epoch: int) -> Persona | None:
    """Return as whom an attempt's next turn is run; ``None`` for Hermes itself without a limit."""
    attempt, task, used, end = await room.database.read(_spending, task_id, epoch)
    tokens, money = limits.left(task, used)
    profile = room.roster.find(attempt.agent)
    if profile is None:
        limited = tokens is not None or money is not None
        return (
            Persona(attempt.agent, "", "", _tools((), end), tokens, money, bool(end))
            if limited or end
            else None
        )
    said = "\n".join(part for part in (profile.prompt, profile.personality) if part)
    instructions = f"You are {profile.title}. {said}".strip()
    tools = _tools(profile.tools, end)
    return Persona(profile.name, profile.model, instructions, tools, tokens, money, bool(end))


def _tools(own: Iterable[str], end: str) -> frozenset[str]:
    """Return the only tools on offer: the agent's own, or those that read where one tool alone ends the work."""
    return LOOKING | {end} if end else frozenset(own)


def _spending(q: Query, task_id: int, epoch: int) -> tuple[Attempt, Task, Used, str]:
    """Return an attempt, its task, what its turns used that have ended, and the tool that alone ends its work."""
    attempt, task = attempts.get(q, task_id, epoch), tasks.get(q, task_id)
    found = plans.progress(q, task)
    end = found.current.ends_with if found is not None else ""
    return attempt, task, agentwork.used(q, attempt.session_id, attempt.inbox_id), end
