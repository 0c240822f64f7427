"""What the operations of the board return."""

from dataclasses import dataclass

from board.crew.triage import Finding, Suggestion
from board.crew_views import AgentRow, Score, Shipped, TemplateView
from board.views import FindingView, StepView, TaskRow
from store.submissions import Submission


@dataclass(frozen=True, slots=True)
class Tasks:
    """Tasks, the newest first; ``next`` leads to the next page, ``attention`` is the line for those that need some."""

    tasks: list[TaskRow]
    counts: dict[str, int]
    attention: str
    findings: list[FindingView]
    next: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A task that was taken; ``epoch`` is what every write about it has to carry."""

    task: TaskRow
    epoch: int


@dataclass(frozen=True, slots=True)
class Log:
    """The log of an attempt: what its process wrote, or what was said in its conversation, and the task's trail."""

    epoch: int
    text: str
    path: str
    trail: list[StepView]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a task stands where it stands, in sentences."""

    sentences: list[str]
    attention: list[FindingView]


@dataclass(frozen=True, slots=True)
class Stats:
    """Figures: unfinished tasks by state, those that are over, attempts at work, and a day's outcomes."""

    unfinished: dict[str, int]
    done: int
    cancelled: int
    at_work: int
    finished_today: int
    outcomes_today: dict[str, int]
    attention: int


@dataclass(frozen=True, slots=True)
class Attention:
    """What wants attention: the line above it, and the findings."""

    headline: str
    findings: list[FindingView]


@dataclass(frozen=True, slots=True)
class Done:
    """A sentence about what was done."""

    message: str


@dataclass(frozen=True, slots=True)
class Agents:
    """The crew, the most experienced first."""

    agents: list[AgentRow]


@dataclass(frozen=True, slots=True)
class Ships:
    """Finished work, the latest first."""

    shipped: list[Shipped]


@dataclass(frozen=True, slots=True)
class Templates:
    """The templates in files."""

    templates: list[TemplateView]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A version that waits for a review, with its task."""

    task: TaskRow
    version: Submission


@dataclass(frozen=True, slots=True)
class Reviews:
    """What waits for a review, the oldest task first."""

    waiting: list[Waiting]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed between two versions: a unified diff of the summaries and of the files that differ."""

    before: int
    after: int
    verdict: str
    feedback: str
    points: list[str]
    diff: str


@dataclass(frozen=True, slots=True)
class CandidateView:
    """An agent who could get a task, with the score; or with the reason why not."""

    agent: str
    score: Score
    refused: str


@dataclass(frozen=True, slots=True)
class TaskScore:
    """Why a task went to whom it went, what everybody would score now, and what it brings to whom."""

    assignee: str
    reason: str
    chosen: Score
    candidates: list[CandidateView]
    complexity: int
    worth: Score
    awards: list[Shipped]


@dataclass(frozen=True, slots=True)
class Sorted:
    """A task in triage: what the rules found, and what is suggested; its number is 0 while nobody has suggested."""

    task: TaskRow
    findings: list[Finding]
    suggestion: Suggestion


@dataclass(frozen=True, slots=True)
class Triages:
    """What is in triage, the longest waiting first."""

    waiting: list[Sorted]
