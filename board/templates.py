"""Templates: which states the work on a task passes, and whether a review ends it."""

from collections.abc import Mapping
from dataclasses import dataclass

from kernel.errors import InvalidInput
from kernel.states import TaskState


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of task: ``phases`` are the states of the work in order, ``review`` says that a review ends it."""

    name: str
    sentence: str
    phases: tuple[TaskState, ...]
    review: bool

    @property
    def first(self) -> TaskState:
        """The state in which the work begins."""
        return self.phases[0]


TEMPLATES: Mapping[str, Template] = {
    template.name: template
    for template in (
        Template("simple", "Worked on, then done.", (TaskState.IN_PROGRESS,), review=False),
        Template("reviewed", "Worked on, then reviewed.", (TaskState.IN_PROGRESS,), review=True),
        Template(
            "article",
            "Researched, drafted, edited, then reviewed.",
            (TaskState.RESEARCHING, TaskState.DRAFTING, TaskState.EDITING),
            review=True,
        ),
    )
}


def template(name: str) -> Template:
    """Return a template; raise InvalidInput for an unknown name."""
    found = TEMPLATES.get(name)
    if found is None:
        raise InvalidInput(f"There is no template {name!r}.", remedy=f"There are: {', '.join(TEMPLATES)}.")
    return found
