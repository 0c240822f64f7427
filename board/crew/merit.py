"""What agents earn, stored in the unit that ends their task: once for each agent and task."""

from board.crew.plans import progress
from board.crew.rules import RULES, complexity, earned, experience, total
from kernel.tasks import Task
from store import crew, submissions, tasks
from store.crew import Award
from store.units import Unit


def settle(tx: Unit, task: Task, *, actor: str) -> None:
    """Give the agents who brought a task to its end what it is worth."""
    found = progress(tx, task)
    if found is not None and found.reviews[0]:
        return
    brief = tasks.brief(tx, task.id)
    level = complexity(brief, found.plan.complexity if found else 0)
    approved = submissions.approved(tx, task.id)
    terms = experience(level, task.used.ms, approved=approved)
    skills = sorted({*brief.skills, *(found.current.skills if found else ())})
    for agent in crew.carriers(tx, task.id):
        new = Award(task.id, agent, int(total(terms)), terms, brief.project, tx.now)
        if crew.award(tx, new):
            _earned(tx, task, new, skills, approved=approved, actor=actor)


def _earned(tx: Unit, task: Task, new: Award, skills: list[str], *, approved: bool, actor: str) -> None:
    tx.emit("agent.award", str(task.id), actor=actor, agent=new.agent, xp=new.xp)
    fast = any(words.startswith("within") for words, _ in new.terms)
    standing = crew.count(
        tx, new.agent, xp=new.xp, finished=1, approved=int(approved), fast=int(fast), streak=1
    )
    for badge in earned(standing):
        if crew.add_badge(tx, new.agent, badge.name, task.id):
            tx.emit("agent.badge", str(task.id), actor=actor, agent=new.agent, badge=badge.name)
    for skill in skills:
        _proved(tx, task, new.agent, skill, actor=actor)


def _proved(tx: Unit, task: Task, agent: str, skill: str, *, actor: str) -> None:
    proof = crew.prove(tx, agent, skill)
    if proof.tasks >= RULES["skills"]["evidence"] and crew.unlock(tx, agent, skill):
        tx.emit("agent.skill", str(task.id), actor=actor, agent=agent, skill=skill)


def failed(tx: Unit, agent: str) -> None:
    """Count a failed attempt of an agent."""
    crew.count(tx, agent, failures=1, fresh_streak=True)


def judged(tx: Unit, author: str, verdict: str) -> None:
    """Count what a review said of an agent's work, where it was not approved."""
    if verdict == "rejected":
        crew.count(tx, author, rejected=1, fresh_streak=True)
    elif verdict == "changes":
        crew.count(tx, author, changes=1)


def reviewed(tx: Unit, task_id: int, agent: str, *, actor: str) -> None:
    """Count a review by an agent."""
    standing = crew.count(tx, agent, reviews=1)
    for badge in earned(standing):
        if crew.add_badge(tx, agent, badge.name, task_id):
            tx.emit("agent.badge", str(task_id), actor=actor, agent=agent, badge=badge.name)
