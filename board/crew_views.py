"""The crew as programs, pages and the command line see it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from board.crew import rules
from board.crew.plans import INTERNAL, Plans
from board.crew.profiles import Profile, Roster
from board.crew.rules import Terms
from store import crew
from store.crew import Award, Badge, Evidence, Standing
from store.units import Query

LATEST = 10


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a score, in words and points."""

    words: str
    points: float


@dataclass(frozen=True, slots=True)
class Score:
    """A score and the terms that sum to it."""

    total: float
    terms: list[Term]


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent in a list: busy while it holds a task, by its leases."""

    name: str
    title: str
    model: str
    skills: list[str]
    busy: bool
    tasks: list[int]
    xp: int
    level: int
    level_name: str
    next_level: int
    reputation: float
    finished: int
    badges: list[str]


@dataclass(frozen=True, slots=True)
class BadgeView:
    """A badge that was earned, and by which task."""

    name: str
    title: str
    sentence: str
    task: int
    at: int


@dataclass(frozen=True, slots=True)
class SkillView:
    """A skill: given by the profile, or unlocked by evidence; ``tasks`` are the finished ones that asked for it."""

    name: str
    given: bool
    unlocked: bool
    tasks: int


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent with everything that is known of it; ``attempts`` are outcomes with their number."""

    agent: AgentRow
    lane: str
    personality: str
    prompt: str
    tools: list[str]
    counts: Mapping[str, int]
    reputation: Score
    skills: list[SkillView]
    badges: list[BadgeView]
    attempts: Mapping[str, int]
    minutes_at_work: float
    success_rate: float
    latest: list["Shipped"]


@dataclass(frozen=True, slots=True)
class Shipped:
    """Finished work: what, by whom, and what it brought with the terms of that."""

    task: int
    title: str
    agent: str
    xp: int
    terms: list[Term]
    at: int


@dataclass(frozen=True, slots=True)
class TemplateView:
    """A template: its stages in order as ``"phase: agent"``, and who reviews."""

    name: str
    sentence: str
    stages: list[str]
    review: bool
    reviewer: str


def score(terms: Terms) -> Score:
    """Return terms with what they sum to."""
    return Score(round(rules.total(terms), 2), [Term(words, points) for words, points in terms])


def shipped(award: Award, redact: Callable[[str], str] = str) -> Shipped:
    """Return finished work, without secrets."""
    terms = [Term(words, points) for words, points in award.terms]
    return Shipped(award.task_id, redact(award.title), award.agent, award.xp, terms, award.at)


def rows(q: Query, roster: Roster, others: Sequence[str]) -> list[AgentRow]:
    """Return the crew, and ``others`` who work here without a profile, by experience."""
    known = {one.agent: one for one in crew.standings(q)}
    busy, badges = crew.busy(q), crew.badges(q)
    names = dict.fromkeys((*roster.profiles, *others))
    found = [
        _row(
            roster.find(name) or Profile(name, name),
            known.get(name, Standing(name)),
            busy.get(name, []),
            badges,
        )
        for name in names
    ]
    return sorted(found, key=lambda one: (-one.xp, -one.reputation, one.name))


def _row(profile: Profile, found: Standing, tasks: list[int], badges: list[Badge]) -> AgentRow:
    level = rules.level_of(found.xp)
    earned = [one.name for one in badges if one.agent == profile.name]
    return AgentRow(
        profile.name, profile.title, profile.model, list(profile.skills), bool(tasks), tasks, found.xp, level.number,
        level.name, level.ends, round(rules.total(rules.reputation(found)), 2), found.finished, earned,
    )  # fmt: skip


def view(
    q: Query, roster: Roster, name: str, others: Sequence[str], redact: Callable[[str], str] = str
) -> AgentView | None:
    """Return one agent, or ``None`` where nobody has the name."""
    row = next((one for one in rows(q, roster, others) if one.name == name), None)
    if row is None:
        return None
    profile, found = roster.find(name) or Profile(name, name), crew.standing(q, name)
    outcomes = crew.outcomes(q, name)
    ended, good = sum(n for n, _ in outcomes.values()), outcomes.get("succeeded", (0, 0))[0]
    return AgentView(
        row,
        profile.lane,
        profile.personality,
        profile.prompt,
        list(profile.tools),
        crew.as_counts(found),
        score(rules.reputation(found)),
        _skills(profile, crew.evidence(q, name)),
        _badges(crew.badges(q, name)),
        {state: n for state, (n, _) in outcomes.items()},
        round(sum(ms for _, ms in outcomes.values()) / 60_000, 1),
        round(good / ended, 3) if ended else 0.0,
        [shipped(one, redact) for one in crew.shipped(q, name, LATEST)],
    )


def _skills(profile: Profile, found: Sequence[Evidence]) -> list[SkillView]:
    proofs = {one.skill: one for one in found}
    names = dict.fromkeys((*profile.skills, *proofs))
    nothing = Evidence("", 0, 0)
    return [
        SkillView(
            name,
            name in profile.skills,
            proofs.get(name, nothing).unlocked_at > 0,
            proofs.get(name, nothing).tasks,
        )
        for name in names
    ]


def _badges(found: Sequence[Badge]) -> list[BadgeView]:
    known = {one.name: one for one in rules.BADGES}
    return [
        BadgeView(one.name, known[one.name].title, known[one.name].sentence, one.task_id, one.at)
        for one in found
        if one.name in known
    ]


def templates(plans: Plans) -> list[TemplateView]:
    """Return the templates in files."""
    return [
        TemplateView(
            one.name,
            one.sentence,
            [f"{stage.phase}: {stage.agent or 'anybody able'}" for stage in one.stages],
            one.review,
            one.reviewer,
        )
        for one in plans.by_name.values()
        if one.name not in INTERNAL
    ]
