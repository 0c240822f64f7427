"""Who gets a task: every candidate has a score that is a sum of named terms, and whoever is left out has a reason."""

from collections.abc import Mapping
from dataclasses import dataclass

from board.crew import rules
from board.crew.plans import progress
from board.crew.profiles import Profile, Roster
from board.crew.rules import RULES, Terms, total
from kernel.tasks import Task
from store import crew, submissions, tasks
from store.crew import Assignment, Standing
from store.units import Query


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a task asks of an agent; ``excluded`` may not have it."""

    skills: frozenset[str]
    project: str
    excluded: frozenset[str]


@dataclass(frozen=True, slots=True)
class Scene:
    """What is known of the crew when a task is given away."""

    standings: Mapping[str, Standing]
    unlocked: Mapping[str, frozenset[str]]
    workload: Mapping[str, int]
    affinity: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent who may get a task, with the score; or with a reason why not."""

    agent: str
    terms: Terms = ()
    refused: str = ""

    @property
    def score(self) -> float:
        """The sum of the terms."""
        return total(self.terms)


def wanted(q: Query, task: Task) -> Wanted:
    """Return what a task asks for in its present stage; whose work on it was rejected does not get it again."""
    brief, found = tasks.brief(q, task.id), progress(q, task)
    stage = found.current.skills if found is not None else ()
    rejected = {one.author for one in submissions.of_task(q, task.id) if one.verdict == "rejected"}
    return Wanted(frozenset((*brief.skills, *stage)), brief.project, frozenset(rejected))


def scene(q: Query, project: str) -> Scene:
    """Look at the crew."""
    known = {one.agent: one for one in crew.standings(q)}
    return Scene(known, crew.unlocked(q), crew.workload(q), crew.affinity(q, project))


def candidates(roster: Roster, asked: Wanted, seen: Scene) -> list[Candidate]:
    """Return every agent of the crew: those who may have the task, the best first, then the others."""
    found = [_judged(profile, asked, seen) for profile in roster.profiles.values()]
    return sorted(found, key=lambda one: (bool(one.refused), -one.score, one.agent))


def _judged(profile: Profile, asked: Wanted, seen: Scene) -> Candidate:
    has = frozenset(profile.skills) | seen.unlocked.get(profile.name, frozenset())
    weights, load = RULES["assignment"], seen.workload.get(profile.name, 0)
    if profile.name in asked.excluded:
        return Candidate(profile.name, refused="a review has rejected its work on this task")
    if missing := sorted(asked.skills - has):
        return Candidate(profile.name, refused=f"lacks {', '.join(missing)}")
    if load >= weights["most_tasks"]:
        return Candidate(profile.name, refused=f"has {load} unfinished tasks")
    return Candidate(profile.name, _terms(profile, asked, seen, has, load))


def _terms(profile: Profile, asked: Wanted, seen: Scene, has: frozenset[str], load: int) -> Terms:
    weights = RULES["assignment"]
    standing = seen.standings.get(profile.name, Standing(profile.name))
    points = total(rules.reputation(standing))
    terms: list[tuple[str, float]] = []
    if asked.skills:
        terms.append((f"has {', '.join(sorted(asked.skills))}", weights["skills"]))
        terms.append(("specialised", round(weights["special"] * len(asked.skills) / max(1, len(has)), 2)))
    terms.append((f"reputation {points:.0f}", round(weights["reputation"] * points, 2)))
    if load:
        terms.append((f"{load} unfinished tasks", weights["workload"] * load))
    if same := min(seen.affinity.get(profile.name, 0), weights["affinity_most"]):
        terms.append((f"{same} finished tasks of the project", weights["affinity"] * same))
    return tuple(terms)


def choose(q: Query, roster: Roster, task: Task) -> Assignment:
    """Return who gets a task and why; with an empty name nobody is suitable, and the reason says so."""
    asked = wanted(q, task)
    found = candidates(roster, asked, scene(q, asked.project))
    if found and not found[0].refused:
        best = found[0]
        return Assignment(best.agent, best.score, best.terms, "the highest score")
    if not asked.skills:
        return Assignment("", 0.0, (), "nobody of the crew may have it")
    refusals = "; ".join(f"{one.agent} {one.refused}" for one in found[:SHOWN])
    return Assignment("", 0.0, (), f"nobody is suitable: {refusals}" if found else "the crew is empty")


SHOWN = 10
