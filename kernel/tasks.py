"""Tasks: a card on the board, one execution of it, and what executes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Protocol

from kernel.messages import Address
from kernel.states import AttemptState, TaskState


class Importance(IntEnum):
    """What is taken first; higher goes first."""

    LOW = 0
    NORMAL = 1
    HIGH = 2
    URGENT = 3

    @property
    def word(self) -> str:
        """The importance as a word, such as ``"high"``."""
        return self.name.lower()


class Workspace(StrEnum):
    """Where an attempt works."""

    NONE = "none"
    DIRECTORY = "directory"
    WORKTREE = "worktree"


class AttemptOutcome(StrEnum):
    """How an attempt ended; each is also the event of its move and the state it leads to."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CRASHED = "crashed"
    LOST = "lost"
    SPAWN_FAILED = "spawn_failed"
    RELEASED = "released"
    HANDED_OFF = "handed_off"
    CANCELLED = "cancelled"

    @property
    def counts(self) -> bool:
        """Tell whether the circuit breaker counts it."""
        return self in COUNTED


COUNTED = frozenset(
    {
        AttemptOutcome.SPAWN_FAILED,
        AttemptOutcome.TIMED_OUT,
        AttemptOutcome.CRASHED,
        AttemptOutcome.LOST,
        AttemptOutcome.FAILED,
    }
)


@dataclass(frozen=True, slots=True)
class Budget:
    """What a task may use over all its attempts; 0 is no limit. ``ms`` counts time at work, ``money`` US dollars."""

    attempts: int = 0
    ms: int = 0
    tokens: int = 0
    money: float = 0.0


@dataclass(frozen=True, slots=True)
class Used:
    """What a task or an attempt has used."""

    ms: int = 0
    tokens: int = 0
    money: float = 0.0

    def plus(self, more: "Used") -> "Used":
        """Return what both have used together."""
        return Used(self.ms + more.ms, self.tokens + more.tokens, self.money + more.money)


@dataclass(frozen=True, slots=True)
class Task:
    """A task as it stands; times are in milliseconds since the epoch.

    ``epoch`` grows with every claim and is what a worker proves its right to write with. ``unmet`` counts the
    dependencies that are not done. ``not_before`` is 0 for at once. ``block_*`` say what a blocked task waits for:
    ``block_kind`` is ``"dependencies"``, ``"owner"`` (somebody has to act) or empty. ``question`` is what a person is
    asked, ``return_state`` where the answer leads. ``tree_*`` count over all descendants and stand on the root alone.
    ``times`` are milliseconds per state that was left. ``failure_limit`` and ``max_run_ms`` are 0 for the setting.
    """

    id: int
    state: TaskState
    title: str
    lane: str
    assignee: str
    template: str
    priority: Importance
    not_before: int
    unmet: int
    epoch: int
    parent_id: int
    root_id: int
    revision: int
    consecutive_failures: int
    last_failure_error: str
    last_failure_outcome: str
    tree_failures: int
    tree_size: int
    failure_limit: int
    attempts: int
    budget: Budget
    used: Used
    max_run_ms: int
    due_at: int
    return_state: str
    question: str
    block_kind: str
    block_reason: str
    block_owner: str
    session_id: str
    times: Mapping[str, int]
    entered_at: int
    created_at: int
    created_by: str
    updated_at: int
    ended_at: int


@dataclass(frozen=True, slots=True)
class Brief:
    """The texts of a task and what an attempt needs to know.

    ``origin`` is the chat that asked, for answers; ``place`` where the attempts' conversation is held. ``behalf`` is
    the person (``platform:id``) whose rights an agent works with. ``project`` is a folder. ``result`` is what the last
    attempt brought, ``feedback`` what the last review said.
    """

    description: str = ""
    acceptance: str = ""
    skills: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    project: str = ""
    workspace: Workspace = Workspace.DIRECTORY
    host: str = ""
    capabilities: tuple[str, ...] = ()
    origin: Address | None = None
    place: Address | None = None
    behalf: str = ""
    result: str = ""
    feedback: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution of a task.

    ``pid_mark`` tells a process from a later one with the same number. ``lease_until`` and ``deadline_at`` are 0 while
    nobody waits for a sign of life, ``left_ms`` is what a waiting attempt has left of its time. ``inbox_id`` is the
    message that began the work of an agent in ``session_id``.
    """

    task_id: int
    epoch: int
    state: AttemptState
    lane: str
    agent: str
    host: str
    pid: int
    pid_mark: str
    session_id: str
    inbox_id: int
    workspace: str
    log: str
    error: str
    tokens: int
    money: float
    claimed_at: int
    started_at: int
    ended_at: int
    active_at: int
    lease_until: int
    deadline_at: int
    left_ms: int


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is given to execute one attempt."""

    task: Task
    brief: Brief
    epoch: int
    agent: str
    workspace: Path
    log: Path
    deadline_at: int = 0


class Alive(StrEnum):
    """What a worker knows of an attempt that an earlier process began."""

    YES = "yes"
    NO = "no"
    TOLD = "told"


class Worker(Protocol):
    """Executes the attempts of one lane.

    It reports through the board's ``Reports``; whatever it reports carries the task's id and the epoch.
    """

    async def start(self, job: Job) -> None:
        """Start the attempt and store that it runs; raise SpawnFailed when it cannot be started."""
        ...

    async def stop(self, attempt: Attempt, why: str) -> None:
        """End what executes the attempt, with everything it has started; one that has ended is fine."""
        ...

    async def adopt(self, attempt: Attempt) -> Alive:
        """Take up an attempt of an earlier process: it goes on (YES), its end was told (TOLD), or it is gone (NO)."""
        ...

    def breathes(self, attempt: Attempt) -> bool:
        """Tell whether what executes the attempt is alive now; asked before each heartbeat."""
        ...

    async def drain(self) -> None:
        """End what does not outlive the daemon."""
        ...


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended, as its worker tells it.

    ``lasting`` says that trying again cannot help; ``retry_after`` (seconds) that a provider asked to wait, which is
    nobody's failure. ``reaction`` is what a person has to do, and ``owner`` who, where the work is stuck on somebody;
    of what was handed off, ``owner`` is who goes on with it. ``notes`` are for whoever does. ``reviewer`` was chosen to
    review the result, where a review follows: an agent, or ``people``.
    """

    outcome: AttemptOutcome
    error: str = ""
    result: str = ""
    used: Used = field(default_factory=Used)
    lasting: bool = False
    retry_after: float = 0.0
    reaction: str = ""
    owner: str = ""
    notes: str = ""
    reviewer: str = ""


class Reports(Protocol):
    """What workers tell the board; each raises Stale when the epoch is no longer the task's."""

    async def started(
        self, task_id: int, epoch: int, *, pid: int = 0, pid_mark: str = "", workspace: str = ""
    ) -> None:
        """Store that the attempt runs."""
        ...

    async def waits(self, task_id: int, epoch: int, question: str) -> None:
        """Store that the attempt waits for a person."""
        ...

    async def goes_on(self, task_id: int, epoch: int) -> None:
        """Store that the attempt works again."""
        ...

    async def ended(self, task_id: int, epoch: int, ended: Ended) -> None:
        """Store how the attempt ended, with all that follows from it."""
        ...
