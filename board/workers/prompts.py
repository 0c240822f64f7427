"""What an agent is told when it begins an attempt."""

from kernel.tasks import Job

ERROR_SHOWN = 500


ENDING = (
    "Name what you reach with task_milestone. When it is done, call task_submit with a summary of what changed and"
    " what was not done; where you cannot go on without somebody, submit it as blocked and say what they must do."
    " Ask only what nobody but a person can decide."
)


def order(job: Job) -> str:
    """Return the task's own words: its description, else its title."""
    return job.brief.description.strip() or job.task.title


def instructions(job: Job, last_error: str) -> str:
    """Return what Hermes adds: which task and attempt this is, where to work, and how to end."""
    task, brief = job.task, job.brief
    parts = [
        f"Task {task.id}: {task.title}. Attempt {task.attempts}; you work in {job.workspace}.",
        f"It is done when: {brief.acceptance}" if brief.acceptance else "",
        f"A review asked for changes (revision {task.revision}): {brief.feedback}" if brief.feedback else "",
        f"The attempt before ended with: {last_error[:ERROR_SHOWN]}" if last_error else "",
        ENDING,
    ]
    return "\n".join(part for part in parts if part)
