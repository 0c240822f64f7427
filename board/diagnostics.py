"""Diagnostics: which tasks want somebody's attention, and why; the rules are data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from board import limits
from board.settings import HOUR_MS, BoardSettings
from kernel.events import Scalar
from kernel.states import TaskState
from kernel.tasks import AttemptOutcome, Task
from store import agentwork, board, tasks
from store.units import Query

MOST = 200
# What the latest outcome is called, and what to look at first.
OUTCOMES: Mapping[str, tuple[str, str]] = {
    AttemptOutcome.TIMED_OUT: ("timeout", "log"),
    AttemptOutcome.CRASHED: ("crash", "log"),
    AttemptOutcome.SPAWN_FAILED: ("spawn", "doctor"),
    AttemptOutcome.LOST: ("loss", "log"),
    AttemptOutcome.FAILED: ("failure", "log"),
}
EARLY = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that wants attention: the task, the rule, a title, what to do (``action``), and the figures."""

    task: Task
    rule: str
    title: str
    sentence: str
    action: str
    data: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: ``find`` returns the tasks it fires for, ``describe`` says what is wrong with one of them."""

    name: str
    find: Callable[[Query, BoardSettings, int], list[Task]]
    describe: Callable[[Task], tuple[str, str, str]]
    unless: tuple[str, ...] = ()


def _always(title: str, sentence: str, action: str) -> Callable[[Task], tuple[str, str, str]]:
    """Describe every task in the same words."""
    return lambda _: (title, sentence, action)


def _failures(task: Task) -> tuple[str, str, str]:
    word, action = OUTCOMES.get(task.last_failure_outcome, ("failure", "log"))
    return f"Agent {word} x{task.consecutive_failures}", task.last_failure_error, action


def _crashes(task: Task) -> tuple[str, str, str]:
    return f"Agent crash x{task.consecutive_failures}", task.last_failure_error, "log"


def _crashing(q: Query, _settings: BoardSettings, _now: int) -> list[Task]:
    crashed = (AttemptOutcome.CRASHED,) * EARLY
    return [
        task
        for task in board.failing(q, EARLY, MOST)
        if tuple(board.last_outcomes(q, task.id, EARLY)) == crashed
    ]


def _hours(hours: float, now: int) -> int:
    return now - int(hours * HOUR_MS)


def _failing(q: Query, settings: BoardSettings, _now: int) -> list[Task]:
    least = settings.attention.failures
    return board.failing(q, least, MOST) if least >= EARLY else board.failing(q, EARLY, MOST)


def _stale(q: Query, settings: BoardSettings, now: int) -> list[Task]:
    return board.stale_claims(q, now - settings.lease_ms, MOST)


def _stuck(q: Query, settings: BoardSettings, now: int) -> list[Task]:
    found = board.old_in(q, (TaskState.BLOCKED,), _hours(settings.attention.blocked_hours, now), MOST)
    return [task for task in found if task.block_kind == "owner"]


def _triage(q: Query, _settings: BoardSettings, now: int) -> list[Task]:
    return board.old_in(q, (TaskState.TRIAGE,), now, MOST)


def _starving(q: Query, settings: BoardSettings, now: int) -> list[Task]:
    states = (TaskState.OPEN, TaskState.ASSIGNED, TaskState.CHANGES_REQUESTED)
    found = board.old_in(q, states, _hours(settings.attention.starving_hours, now), MOST)
    return [task for task in found if task.not_before <= now and task.lane != "manual"]


def _reviews(q: Query, settings: BoardSettings, now: int) -> list[Task]:
    return board.old_in(q, (TaskState.IN_REVIEW,), _hours(settings.attention.review_hours, now), MOST)


def _questions(q: Query, settings: BoardSettings, now: int) -> list[Task]:
    return board.old_in(q, (TaskState.NEEDS_HUMAN,), _hours(settings.attention.question_hours, now), MOST)


def _unreachable(q: Query, _settings: BoardSettings, _now: int) -> list[Task]:
    return board.unreachable(q, MOST)


def _spent(q: Query, settings: BoardSettings, now: int) -> list[Task]:
    """Return tasks that have used a part of a budget, with what the attempt under way uses."""
    part = settings.attention.budget
    found = {one.id: one for one in board.nearly_spent(q, now, part, MOST)}
    for task, attempt in board.limited(q, MOST):
        if attempt.session_id and attempt.inbox_id:
            more = agentwork.spending(q, attempt.session_id, attempt.inbox_id)
            if limits.reached(task, more, part):
                found[task.id] = task
    return [found[id] for id in sorted(found)]


RULES: tuple[Rule, ...] = (
    Rule("repeated_failures", _failing, _failures),
    Rule("repeated_crashes", _crashing, _crashes, unless=("repeated_failures",)),
    Rule(
        "stale_claim",
        _stale,
        _always("Lease over", "Nobody renews its lease and nobody has taken it back.", "reclaim"),
    ),
    Rule(
        "stuck_blocked",
        _stuck,
        lambda task: ("Blocked for long", task.block_reason, "reclaim"),
        unless=("repeated_failures",),
    ),
    Rule(
        "triage",
        _triage,
        lambda task: ("Needs a look", task.block_reason or "Somebody asked for a look at it.", "show"),
        unless=("repeated_failures", "repeated_crashes"),
    ),
    Rule(
        "unreachable",
        _unreachable,
        _always("Waits for ever", "It waits for a task that failed or was cancelled.", "link"),
    ),
    Rule(
        "starving",
        _starving,
        lambda task: (
            "Nobody takes it",
            f"Its lane is {task.lane}, for {task.assignee or 'anybody'}.",
            "explain",
        ),
    ),
    Rule("review_waiting", _reviews, _always("Review waiting", "It was submitted long ago.", "show")),
    Rule("question_waiting", _questions, lambda task: ("Question waiting", task.question, "show")),
    Rule(
        "budget",
        _spent,
        _always("Budget nearly spent", "What it may use is nearly used up.", "edit"),
    ),
)


def diagnose(q: Query, settings: BoardSettings, now: int) -> list[Finding]:
    """Return what wants attention: for each task the rules that fire, in the order of the table."""
    found: dict[int, list[Finding]] = {}
    for rule in RULES:
        for task in rule.find(q, settings, now):
            known = found.setdefault(task.id, [])
            if not any(one.rule in rule.unless for one in known):
                known.append(_finding(rule, task))
    return [finding for id in sorted(found) for finding in found[id]]


def _finding(rule: Rule, task: Task) -> Finding:
    title, sentence, action = rule.describe(task)
    data: dict[str, Scalar] = {
        "consecutive_failures": task.consecutive_failures,
        "most_recent_outcome": task.last_failure_outcome,
        "last_error": task.last_failure_error,
    }
    return Finding(task, rule.name, title, sentence, action, data)


def headline(findings: list[Finding]) -> str:
    """Return the line above the findings: ``!! 3 tasks need attention``; empty where there are none."""
    count = len({finding.task.id for finding in findings})
    if not count:
        return ""
    return f"!! {count} task{'s' if count > 1 else ''} need{'' if count > 1 else 's'} attention"


def of_task(q: Query, settings: BoardSettings, now: int, id: int) -> list[Finding]:
    """Return what wants attention about one task."""
    tasks.get(q, id)
    return [finding for finding in diagnose(q, settings, now) if finding.task.id == id]
