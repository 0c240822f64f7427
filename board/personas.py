"""As whom an attempt's turns are run: the agent of the crew that holds it, with what is left of the task's budget."""

from board import limits
from board.crew import plans
from board.room import Room
from kernel.tasks import Attempt, Task, Used
from kernel.turns import Persona
from store import agentwork, attempts, tasks
from store.units import Query


async def of(room: Room, task_id: int, epoch: int) -> Persona | None:
    """Return as whom an attempt's next turn is run; ``None`` for Hermes itself without a limit."""
    attempt, task, used, quiet = await room.database.read(_spending, task_id, epoch)
    tokens, money = limits.left(task, used)
    profile = room.roster.find(attempt.agent)
    if profile is None:
        limited = tokens is not None or money is not None
        named = limited or quiet
        return Persona(attempt.agent, tokens=tokens, money=money, quiet=quiet) if named else None
    said = "\n".join(part for part in (profile.prompt, profile.personality) if part)
    instructions = f"You are {profile.title}. {said}".strip()
    return Persona(profile.name, profile.model, instructions, frozenset(profile.tools), tokens, money, quiet)


def _spending(q: Query, task_id: int, epoch: int) -> tuple[Attempt, Task, Used, bool]:
    """Return an attempt, its task, what its turns used that have ended, and whether nothing it says is shown."""
    attempt, task = attempts.get(q, task_id, epoch), tasks.get(q, task_id)
    found = plans.progress(q, task)
    quiet = found is not None and bool(found.current.ends_with)
    return attempt, task, agentwork.used(q, attempt.session_id, attempt.inbox_id), quiet
