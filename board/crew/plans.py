"""Plans: what a template's file says about the work on a task, kept with the task from its beginning on."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from board.crew.profiles import NAME, Roster, toml_of, words_of
from board.templates import TEMPLATES, Template, template
from kernel.errors import ConfigError, InvalidInput
from kernel.states import TaskState
from kernel.tasks import Task
from kernel.transitions import WORKING
from store import plans, tasks
from store.units import Query

SHIPPED = Path(__file__).parent / "templates"
REVIEW = "review"
TRIAGE = "triage"
# What the board itself makes tasks of.
INTERNAL = frozenset({REVIEW, TRIAGE})
WORKSPACES = ("", "none", "directory", "worktree")
PLAN_FIELDS = frozenset(
    {"name", "sentence", "review", "reviewer", "complexity", "workspace", "words", "acceptance", "stage"}
)
STAGE_FIELDS = frozenset({"phase", "agent", "skills", "order", "offline", "gate"})
# Who "reviews" what a person sees whole when they are asked whether it may be pushed.
APPROVAL = "approval"


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the work, done by one agent.

    ``agent`` is who does it, empty for whoever has its ``skills``; ``order`` is what they are told besides the task;
    ``offline`` are the lines that the offline operator carries out in place of a model. ``gate`` is what a
    person has to do before it begins. ``ends_with`` is the tool whose call is its only result: its agent only reads,
    and nothing else that it says counts or is shown. ``lane`` is who executes it, empty for the task's.
    """

    phase: str
    agent: str = ""
    skills: tuple[str, ...] = ()
    order: str = ""
    offline: str = ""
    gate: str = ""
    ends_with: str = ""
    lane: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A template: its stages in order, and who reviews what comes of them (empty: people).

    ``words`` in a task suggest the template, ``acceptance`` is suggested where a task does not say when it is done.
    """

    name: str
    sentence: str
    stages: tuple[Stage, ...]
    review: bool = False
    reviewer: str = ""
    complexity: int = 0
    workspace: str = ""
    words: tuple[str, ...] = ()
    acceptance: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a task is in its plan; ``reviews`` is the task and version that it is the review or triage of."""

    plan: Plan
    stage: int
    reviews: tuple[int, int] = (0, 0)

    @property
    def current(self) -> Stage:
        """The stage that is worked on."""
        return self.plan.stages[min(self.stage, len(self.plan.stages) - 1)]

    @property
    def following(self) -> Stage | None:
        """The stage after it, or ``None`` behind the last."""
        later = self.plan.stages[self.stage + 1 :]
        return later[0] if later else None


@dataclass(frozen=True, slots=True)
class Plans:
    """The templates in files, by name."""

    by_name: Mapping[str, Plan] = field(default_factory=dict[str, Plan])

    def find(self, name: str) -> Plan | None:
        """Return a template of a file; ``None`` for one that is built in; raise InvalidInput for no template.

        What the board itself makes tasks of is no template for anybody else.
        """
        found = self.by_name.get(name) if name not in INTERNAL else None
        if found is None and name not in TEMPLATES:
            names = ", ".join((*TEMPLATES, *(one for one in self.by_name if one not in INTERNAL)))
            raise InvalidInput(f"There is no template {name!r}.", remedy=f"There are: {names}.")
        return found


def load(folder: Path | None = None) -> Plans:
    """Read the shipped templates and those in ``folder``, which replace shipped ones; raise ConfigError."""
    files = sorted(SHIPPED.glob("*.toml"))
    if folder is not None and folder.is_dir():
        files += sorted(folder.glob("*.toml"))
    return Plans({one.name: one for one in (_read(path) for path in files)})


def _read(path: Path) -> Plan:
    given = toml_of(path)
    stages = given.get("stage", [])
    if unknown := sorted({*given} - PLAN_FIELDS | {name for one in stages for name in one} - STAGE_FIELDS):
        raise ConfigError(f"{path}: {', '.join(unknown)} is nothing that a template has.")
    if not NAME.fullmatch(str(given.get("name", ""))) or given["name"] in TEMPLATES:
        raise ConfigError(f"{path}: name must be lower-case, and none of {', '.join(TEMPLATES)}.")
    if not stages or any(one.get("phase") not in set(WORKING) for one in stages):
        raise ConfigError(f"{path}: each [[stage]] has a phase: {', '.join(WORKING)}.")
    if given.get("workspace", "") not in WORKSPACES or given.get("complexity", 0) not in range(6):
        raise ConfigError(f"{path}: workspace is none, directory or worktree; complexity is 1 to 5.")
    return plan_of({**given, "stages": stages, "words": words_of(path, given, "words")})


def plan_of(given: Mapping[str, Any]) -> Plan:
    """Return a plan from what a file or a task's row says."""
    stages = tuple(
        Stage(
            one["phase"],
            one.get("agent", ""),
            tuple(one.get("skills", ())),
            one.get("order", "").strip(),
            one.get("offline", "").strip(),
            one.get("gate", "").strip(),
            one.get("ends_with", ""),
            one.get("lane", ""),
        )
        for one in given["stages"]
    )
    return Plan(
        given["name"],
        given.get("sentence", ""),
        stages,
        bool(given.get("review", False)),
        given.get("reviewer", ""),
        int(given.get("complexity", 0)),
        given.get("workspace", ""),
        tuple(given.get("words", ())),
        given.get("acceptance", "").strip(),
    )


def queue_of(q: Query, task: Task, assignee: str) -> str:
    """Return the queue of a task for an assignee, with the skills that its present stage asks for."""
    found, brief = progress(q, task), tasks.brief(q, task.id)
    if found is not None:
        brief = replace(brief, skills=tuple(sorted({*brief.skills, *found.current.skills})))
    return tasks.queue_of(task.lane, assignee, brief)


def text_of(plan: Plan) -> str:
    """Return a plan as a task's row keeps it."""
    return json.dumps(asdict(plan), ensure_ascii=False)


def staffed(plan: Plan, roster: Roster) -> Plan:
    """Return a plan without the agents that the crew does not have.

    Where one of its agents works in a lane of its own, each stage names its lane; else all stay in the task's.
    """
    there = set(roster.profiles)
    stages = tuple(one if one.agent in there else replace(one, agent="") for one in plan.stages)
    lanes = [roster.lane_of(one.agent, "agent") for one in stages]
    if set(lanes) != {"agent"}:
        stages = tuple(replace(one, lane=lane) for one, lane in zip(stages, lanes, strict=True))
    return replace(plan, stages=stages, reviewer=plan.reviewer if plan.reviewer in there else "")


def progress(q: Query, task: Task) -> Progress | None:
    """Return how far a task is in its plan; ``None`` where its template is one of the built-in ones."""
    if task.template in TEMPLATES:
        return None
    row = plans.find(q, task.id)
    return Progress(plan_of(json.loads(row.plan)), row.stage, row.reviews) if row is not None else None


def template_of(q: Query, task: Task) -> Template:
    """Return what a task passes from its present stage on."""
    found = progress(q, task)
    return template(task.template) if found is None else shown(found.plan, found.stage)


def whole(q: Query, task: Task) -> Template:
    """Return what a task passes from its first stage on."""
    found = progress(q, task)
    return template(task.template) if found is None else shown(found.plan)


def shown(plan: Plan, stage: int = 0) -> Template:
    """Return the states that a plan passes from a stage on."""
    phases = tuple(TaskState(one.phase) for one in plan.stages[min(stage, len(plan.stages) - 1) :])
    return Template(plan.name, plan.sentence, phases, review=plan.review)
