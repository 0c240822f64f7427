"""Settings of the board: who works, how much at once, how long, and when it gives up."""

import socket
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
WorkerName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,30}$")]

LANES = r"^(agent|process|manual|acp:[a-z0-9][a-z0-9_-]{0,30})$"
LANE_WORDS = "agent, process, manual, or acp:NAME for a coding agent"


class Section(BaseModel):
    """A group of settings: unchangeable once read, and closed to names it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ProgramSettings(Section):
    """One program that executes tasks of the lane `process`; it is assigned by the name it has here."""

    command: tuple[str, ...] = Field(
        default=(),
        description="The program and its arguments; it reads the task as JSON from standard input.",
    )
    at_once: int = Field(default=1, ge=1, le=100, description="How many attempts it may have at once.")
    environment: dict[str, str] = Field(
        default_factory=dict, description="Variables it gets besides PATH, HOME, LANG and the like."
    )


class AttentionSettings(Section):
    """When a task wants somebody's attention."""

    failures: int = Field(default=3, ge=1, description="Failures in a row.")
    blocked_hours: float = Field(default=24.0, gt=0, description="Hours blocked and waiting for somebody.")
    starving_hours: float = Field(default=4.0, gt=0, description="Hours ready and not taken by anybody.")
    review_hours: float = Field(default=24.0, gt=0, description="Hours waiting for a review.")
    question_hours: float = Field(default=24.0, gt=0, description="Hours a question has no answer.")
    budget: float = Field(default=0.8, gt=0, le=1, description="Part of a budget that is spent.")


class BoardSettings(Section):
    """The board: tasks, the attempts at them, and when to give up."""

    enabled: bool = Field(default=True, description="Take ready tasks; false: the board is only kept.")
    triage: Literal["never", "complex", "any"] = Field(
        default="complex",
        description=(
            "Which new tasks a person looks at first: complex (with a high complexity and missing skills or no "
            "acceptance), any (with anything that the rules find), or never."
        ),
    )
    lane: str = Field(
        default="agent",
        pattern=LANES,
        description=f"Who executes a task that names nobody: {LANE_WORDS}; manual is people only.",
    )
    agents: tuple[WorkerName, ...] = Field(
        default=("hermes",), min_length=1, description="The agents; the first takes what is nobody's."
    )
    programs: dict[WorkerName, ProgramSettings] = Field(
        default_factory=dict, description="The programs of the lane process, by name."
    )
    skills: tuple[str, ...] = Field(
        default=(), description="What the workers of this machine can do and have, such as gpu or german."
    )
    host: str = Field(default="", description="This machine's name for tasks bound to it; empty: its own.")
    at_once: int = Field(default=4, ge=1, le=1000, description="Attempts at once, all lanes together.")
    agent_at_once: int = Field(default=2, ge=1, le=1000, description="Attempts of one agent at once.")
    failure_limit: int = Field(
        default=5, ge=1, description="Failures in a row after which a task is blocked until somebody looks."
    )
    tree_limit: int = Field(
        default=20, ge=1, description="The same over a task with all its descendants together."
    )
    tree_size: int = Field(default=200, ge=1, description="Tasks that may descend from one, itself included.")
    run_minutes: float = Field(
        default=120.0, gt=0, description="Minutes an attempt may work; waiting for people is not counted."
    )
    turns: int = Field(
        default=20,
        ge=1,
        description="Turns of an attempt: one that a limit of turns ended goes on in another, so many in all.",
    )
    start_seconds: float = Field(
        default=60.0, gt=0, description="Seconds within which an attempt must start."
    )
    lease_seconds: float = Field(
        default=90.0, ge=1, description="Seconds without a sign of life after which an attempt is lost."
    )
    heartbeat_seconds: float = Field(
        default=20.0, gt=0, description="Seconds between two looks at what runs."
    )
    poll_seconds: float = Field(
        default=30.0, gt=0, description="Seconds between two looks at the board when nothing wakes it."
    )
    first_wait: float = Field(
        default=15.0, ge=0, description="Seconds before the second attempt; it doubles after each failure."
    )
    longest_wait: float = Field(default=1800.0, ge=0, description="Upper limit of that wait in seconds.")
    log_megabytes: float = Field(
        default=20.0, gt=0, description="Megabytes of one attempt's log; a longer one begins anew."
    )
    log_days: int = Field(
        default=90,
        ge=0,
        description="Days the logs of attempts are kept after their task was done or cancelled; 0: for ever.",
    )
    file_days: int = Field(
        default=0, ge=0, description="The same for the files of tasks, results included; 0: for ever."
    )
    attention: AttentionSettings = Field(
        default_factory=AttentionSettings, description="When a task wants attention."
    )

    @property
    def machine(self) -> str:
        """This machine's name."""
        return self.host or socket.gethostname()

    def backoff_ms(self, failures: int) -> int:
        """Return how long a task waits after so many failures in a row."""
        seconds = self.first_wait * 2 ** min(max(failures - 1, 0), 30)
        return int(min(seconds, self.longest_wait) * SECOND_MS)

    @property
    def start_ms(self) -> int:
        """The lease of what has not started yet, in milliseconds."""
        return int(self.start_seconds * SECOND_MS)

    @property
    def lease_ms(self) -> int:
        """The lease of what runs, in milliseconds."""
        return int(self.lease_seconds * SECOND_MS)
