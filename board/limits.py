"""How often a task may fail and how long an attempt may work: its own limits before the settings'."""

from board.settings import MINUTE_MS, BoardSettings
from kernel.tasks import Task


def failures(settings: BoardSettings, task: Task) -> int:
    """Return after how many failures in a row a task is given up."""
    return task.failure_limit or settings.failure_limit


def run_ms(settings: BoardSettings, task: Task) -> int:
    """Return how long an attempt may work, what is left of the task's budget included."""
    longest = task.max_run_ms or int(settings.run_minutes * MINUTE_MS)
    if task.budget.ms:
        return max(1, min(longest, task.budget.ms - task.used.ms))
    return longest
