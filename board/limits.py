"""How often a task may fail and how long an attempt may work: its own limits before the settings'."""

from board.settings import MINUTE_MS, BoardSettings
from kernel.tasks import Task, Used


def failures(settings: BoardSettings, task: Task) -> int:
    """Return after how many failures in a row a task is given up."""
    return task.failure_limit or settings.failure_limit


def run_ms(settings: BoardSettings, task: Task) -> int:
    """Return how long an attempt may work, what is left of the task's budget included."""
    longest = task.max_run_ms or int(settings.run_minutes * MINUTE_MS)
    if task.budget.ms:
        return max(1, min(longest, task.budget.ms - task.used.ms))
    return longest


def overspent(task: Task, more: Used | None = None) -> str:
    """Return which budget of a task is spent, ``more`` of an attempt that goes on included, or nothing."""
    budget, used = task.budget, task.used.plus(more or Used())
    pairs = (
        (budget.ms, used.ms, f"{used.ms // 1000} s of {budget.ms // 1000} s"),
        (budget.tokens, used.tokens, f"{used.tokens:,} of {budget.tokens:,} tokens"),
        (budget.money, used.money, f"${used.money:.2f} of ${budget.money:.2f}"),
    )
    over = [words for limit, spent, words in pairs if limit and spent >= limit]
    return f"The budget is spent ({', '.join(over)}); raise it or end the task." if over else ""


def reached(task: Task, more: Used, part: float) -> bool:
    """Tell whether a part of a task's tokens or money is spent, ``more`` of the attempt under way included."""
    budget, used = task.budget, task.used.plus(more)
    tokens = bool(budget.tokens) and used.tokens >= budget.tokens * part
    return tokens or (bool(budget.money) and used.money >= budget.money * part)


def left(task: Task, more: Used) -> tuple[int | None, float | None]:
    """Return the tokens and the US dollars that are left of a task's budget, ``None`` where there is no limit.

    What is spent already leaves a trifle, with which whoever is spoken to can answer once.
    """
    budget, used = task.budget, task.used.plus(more)
    tokens = max(1, budget.tokens - used.tokens) if budget.tokens else None
    return tokens, max(0.000001, budget.money - used.money) if budget.money else None
