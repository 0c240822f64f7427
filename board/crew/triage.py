"""Triage: what is missing from a task, and a suggestion for it that a person confirms.

The suggestion lives in a mark of the task until somebody decides; one of an earlier triage no longer counts.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from board.crew import choosing, plans
from board.crew.plans import Plan, Plans
from board.crew.profiles import Roster
from board.crew.rules import MOST_COMPLEXITY, RULES, complexity
from board.settings import BoardSettings
from board.templates import TEMPLATES
from kernel.errors import Stale
from kernel.states import TaskState
from kernel.tasks import Brief, Task
from store import crew, marks, tasks
from store.units import Query, Unit

PLAIN = "simple"
BY_RULES = "rules"


@dataclass(frozen=True, slots=True)
class House:
    """What triage looks at besides the task: the settings, the crew and the templates in files."""

    settings: BoardSettings
    roster: Roster
    plans: Plans


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a rule of triage found: ``rule`` is complexity, skills or acceptance."""

    rule: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """How a task could go on: with which template, by whom (empty: whoever is able), and when it is done.

    ``number`` counts the suggestions of one triage; ``author`` is an agent, or ``rules``.
    """

    number: int
    author: str
    template: str
    agent: str
    skills: tuple[str, ...]
    acceptance: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sorting:
    """A task in triage: the task of the agent who was asked (0: nobody), and the newest suggestion."""

    child: int = 0
    suggestion: Suggestion | None = None


def findings(q: Query, house: House, brief: Brief, planned: Plan | None) -> list[Finding]:
    """Return what the rules find about a task that is to be done."""
    found: list[Finding] = []
    level = complexity(brief, planned.complexity if planned is not None else 0)
    if level >= RULES["triage"]["complexity"]:
        found.append(Finding("complexity", f"Its complexity is {level} of {MOST_COMPLEXITY}."))
    if missing := sorted(set(brief.skills) - _known(q, house)):
        found.append(Finding("skills", f"Nobody of the crew has: {', '.join(missing)}."))
    if not brief.acceptance.strip():
        found.append(Finding("acceptance", "It does not say when it is done."))
    return found


def _known(q: Query, house: House) -> frozenset[str]:
    """Return the skills that anybody has: by profile, by evidence, or by the machine."""
    given = [set(one.skills) for one in house.roster.profiles.values()]
    return frozenset(house.settings.skills).union(*given, *crew.unlocked(q).values())


def holds(house: House, found: Iterable[Finding]) -> bool:
    """Tell whether a person has to look at a task first, by the setting ``board.triage``."""
    rules = {one.rule for one in found}
    match house.settings.triage:
        case "any":
            return bool(rules)
        case "complex":
            return "complexity" in rules and len(rules) > 1
        case "never":
            return False


def proposal(q: Query, house: House, task: Task, template: str = "") -> Suggestion:
    """Return what the rules suggest for a task, or for it with a template; the same for the same board."""
    brief = tasks.brief(q, task.id)
    name, words = (template, []) if template else _template(house.plans, task, brief)
    planned = house.plans.by_name.get(name)
    known = _known(q, house)
    skills = tuple(skill for skill in brief.skills if skill in known)
    agent, why = _agent(q, house, task, planned, skills)
    said = [one.sentence for one in findings(q, house, brief, planned)]
    reason = " ".join(
        [*said, *([f"Its words fit {name}: {', '.join(words)}."] if words else []), why]
    ).strip()
    acceptance = brief.acceptance.strip() or _acceptance(task, planned)
    return Suggestion(0, BY_RULES, name, agent, skills, acceptance, reason)


def _template(given: Plans, task: Task, brief: Brief) -> tuple[str, list[str]]:
    """Return the template whose words stand in a task most often, with these; a chosen one stays."""
    if task.template != PLAIN:
        return task.template, []
    said = f"{task.title}\n{brief.description}".casefold()
    fits = [(one.name, [word for word in one.words if _stands(word, said)]) for one in given.by_name.values()]
    best = max(fits, key=lambda one: len(one[1]), default=(PLAIN, []))
    return best if best[1] else (PLAIN, [])


def _stands(word: str, text: str) -> bool:
    return re.search(rf"\b{re.escape(word.casefold())}\b", text) is not None


def _agent(
    q: Query, house: House, task: Task, planned: Plan | None, skills: tuple[str, ...]
) -> tuple[str, str]:
    """Return who would do it, and why; an empty name leaves it to whoever takes it."""
    if task.assignee:
        return task.assignee, ""
    first = planned.stages[0] if planned is not None else None
    if first is not None and first.agent in house.roster.profiles:
        return first.agent, f"{first.agent} begins {planned.name if planned else ''}."
    asked = {*skills, *(first.skills if first is not None else ())}
    if not asked:
        return "", ""
    project = tasks.brief(q, task.id).project
    wanted = choosing.Wanted(frozenset(asked), project, frozenset())
    best = next(iter(choosing.candidates(house.roster, wanted, choosing.scene(q, project))), None)
    if best is None or best.refused:
        return "", ""
    return best.agent, f"{best.agent} has the highest score, {best.score:g}."


def _acceptance(task: Task, planned: Plan | None) -> str:
    said = planned.acceptance if planned is not None else ""
    return (said or str(RULES["triage"]["acceptance"])).replace("{title}", task.title)


def _mark(id: int) -> str:
    return f"triage:{id}"


def sorting(q: Query, task: Task) -> Sorting | None:
    """Return how far the triage of a task is, or ``None`` where it has not begun."""
    stored = marks.get(q, _mark(task.id))
    if not stored or task.state is not TaskState.TRIAGE:
        return None
    given: dict[str, Any] = json.loads(stored)
    if given["since"] != task.entered_at:
        return None
    said: dict[str, Any] = given["suggestion"] or {}
    if said:
        said["skills"] = tuple(said["skills"])
    return Sorting(given["child"], Suggestion(**said) if said else None)


def keep(tx: Unit, task: Task, made: Sorting) -> None:
    """Store how far the triage of a task is."""
    said = asdict(made.suggestion) if made.suggestion is not None else None
    given = {"since": task.entered_at, "child": made.child, "suggestion": said}
    marks.put(tx, _mark(task.id), json.dumps(given, ensure_ascii=False))


def forget(tx: Unit, task: Task) -> None:
    """Remove what was kept of a task's triage, as somebody has decided."""
    marks.take(tx, _mark(task.id))


def suggest(tx: Unit, house: House, id: int, made: Suggestion) -> Suggestion:
    """Store a suggestion; what it leaves open is filled in by the rules. Raises Stale where nobody waits for one."""
    task = tasks.get(tx, id)
    if task.state is not TaskState.TRIAGE:
        raise Stale(f"Task {id} is {task.state}; it waits for no suggestion.", remedy="Look again.")
    if made.template:
        house.plans.find(made.template)
    filled = _filled(made, proposal(tx, house, task, made.template))
    before = sorting(tx, task) or Sorting()
    number = before.suggestion.number + 1 if before.suggestion is not None else 1
    stored = replace(filled, number=number)
    keep(tx, task, replace(before, suggestion=stored))
    tx.emit(
        "task.suggest", str(id), actor=made.author, number=number, template=stored.template, to=stored.agent
    )
    return stored


def _filled(made: Suggestion, rules: Suggestion) -> Suggestion:
    known = {name: value for name, value in _fields(made) if value}
    return replace(rules, **known)


def _fields(made: Suggestion) -> Iterable[tuple[str, Any]]:
    return ((name, getattr(made, name)) for name in Suggestion.__slots__)


def standing(q: Query, house: House, id: int) -> tuple[Suggestion, list[Finding]]:
    """Return the newest suggestion for a task in triage, else what the rules say now, and the rules' findings."""
    task = tasks.get(q, id)
    if task.state is not TaskState.TRIAGE:
        raise Stale(f"Task {id} is {task.state}; it is not in triage.", remedy="Look again.")
    begun = sorting(q, task)
    made = begun.suggestion if begun is not None else None
    progress = plans.progress(q, task)
    found = findings(q, house, tasks.brief(q, id), progress.plan if progress is not None else None)
    return made or proposal(q, house, task), found


def plain(made: Suggestion, redact: Callable[[str], str]) -> Suggestion:
    """Return a suggestion without secrets."""
    return replace(made, acceptance=redact(made.acceptance), reason=redact(made.reason))


def known_templates(given: Plans) -> str:
    """Return the templates as an agent that sorts tasks is told of them."""
    files = [one for one in given.by_name.values() if one.name not in plans.INTERNAL]
    return "\n".join(f"- {one.name}: {one.sentence}" for one in (*TEMPLATES.values(), *files))
