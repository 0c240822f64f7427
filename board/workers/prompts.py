"""What an agent is told when it begins an attempt."""

from dataclasses import dataclass

from board import lanes
from board.crew.plans import Progress
from kernel.tasks import Job
from store.agent_handoffs import Handoff

ERROR_SHOWN = 500


ENDING = (
    "Name what you reach with task_milestone. When it is done, call task_submit with a summary of what changed and"
    " what was not done; where you cannot go on without somebody, submit it as blocked and say what they must do."
    " Ask only what nobody but a person can decide."
)
# Coding agents do not have our tools: what they have to say beside their work stands in lines of its own.
CODER_ENDING = (
    "When it is done, say in your last message what changed and what was not done. There, a line of its own says more:"
    " `::artifact PATH` hands a file over, `::milestone TEXT` names what you reached, `::blocked WHAT` says that you"
    " cannot go on without somebody and what they must do, `::failed WHY` that it cannot be done."
)


@dataclass(frozen=True, slots=True)
class Told:
    """What else is known as an attempt begins: how far the plan is, who passed it on, and whether no model works."""

    progress: Progress | None = None
    handoff: Handoff | None = None
    offline: bool = False


def order(job: Job, told: Told) -> str:
    """Return the task's own words: its description, else its title; without a model, the stage's own script."""
    if told.offline and told.progress is not None and told.progress.current.offline:
        return _filled(told.progress.current.offline, job, told)
    return job.brief.description.strip() or job.task.title


def instructions(job: Job, last_error: str, told: Told) -> str:
    """Return what Hermes adds: which task and attempt this is, where to work, and how to end."""
    task, brief = job.task, job.brief
    parts = [
        f"Task {task.id}: {task.title}. Attempt {task.attempts}; you work in {job.workspace}.",
        _stage(job, told),
        f"It is done when: {brief.acceptance}" if brief.acceptance else "",
        f"A review asked for changes (revision {task.revision}): {brief.feedback}" if brief.feedback else "",
        f"The attempt before ended with: {last_error[:ERROR_SHOWN]}" if last_error else "",
        _passed(told.handoff),
        _ending(job, told),
    ]
    return "\n".join(part for part in parts if part)


def _ending(job: Job, told: Told) -> str:
    if lanes.coder(job.task.lane):
        return CODER_ENDING
    tool = told.progress.current.ends_with if told.progress is not None else ""
    return (
        ENDING
        if not tool
        else f"End with {tool}: nothing else that you say counts, and nothing of it is shown."
    )


def _stage(job: Job, told: Told) -> str:
    if told.progress is None:
        return ""
    number, stages = told.progress.stage + 1, len(told.progress.plan.stages)
    said = _filled(told.progress.current.order, job, told)
    return f"Your part ({number} of {stages}, {told.progress.current.phase}): {said}" if said else ""


def _passed(handoff: Handoff | None) -> str:
    if handoff is None:
        return ""
    files = ", ".join(f"{name} (version {version})" for name, version in handoff.files.items())
    return "\n".join(
        part
        for part in (
            f"{handoff.sender} passed it on (handoff {handoff.id}): {handoff.summary}",
            f"Notes: {handoff.notes}" if handoff.notes else "",
            f"Files so far: {files}" if files else "",
        )
        if part
    )


def _filled(text: str, job: Job, told: Told) -> str:
    reviews = str(told.progress.reviews[0]) if told.progress is not None else ""
    title = " ".join(job.task.title.split())
    known = {"id": str(job.task.id), "reviews": reviews, "revision": str(job.task.revision), "title": title}
    for name, value in known.items():
        text = text.replace(f"{{{name}}}", value)
    return text
