"""What the operations of the board are given."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from board.settings import LANE_WORDS, LANES
from kernel.states import TaskState
from kernel.tasks import Workspace

LONGEST = 200_000
PriorityWord = Literal["low", "normal", "high", "urgent"]
Lane = Annotated[str, Field(pattern=rf"^$|{LANES}")]


class Given(BaseModel):
    """What an operation is given; an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


class OneTask(Given):
    """Which task."""

    id: int = Field(ge=1, description="The task's number.")


class BudgetGiven(Given):
    """What a task may use over all its attempts; 0 is no limit."""

    attempts: int = Field(
        default=0, ge=0, le=1000, description="Attempts; when they are used up it has failed."
    )
    minutes: float = Field(default=0, ge=0, description="Minutes of work.")
    tokens: int = Field(default=0, ge=0, description="Tokens of models.")
    money: float = Field(default=0, ge=0, description="US dollars, as far as prices are known.")


class CreateTask(Given):
    """A new task."""

    title: str = Field(min_length=1, max_length=200, description="What it is, in a line.")
    description: str = Field(default="", max_length=LONGEST, description="Everything the worker must know.")
    acceptance: str = Field(default="", max_length=LONGEST, description="When it counts as done.")
    lane: Lane = Field(default="", description=f"{LANE_WORDS}; empty: the setting board.lane.")
    assignee: str = Field(default="", max_length=100, description="Who is to do it; empty: anybody able.")
    template: str = Field(
        default="simple", description="simple, reviewed, article, or one of `hermes agents templates`."
    )
    priority: PriorityWord = Field(default="normal", description="low, normal, high or urgent.")
    skills: list[str] = Field(default=[], max_length=20, description="What its worker must be able to do.")
    capabilities: list[str] = Field(default=[], max_length=20, description="What the machine must have.")
    host: str = Field(default="", max_length=100, description="The only machine it may run on.")
    labels: list[str] = Field(default=[], max_length=20, description="Words to find it by.")
    project: str = Field(default="", max_length=4096, description="The folder it is about.")
    workspace: Workspace = Field(
        default=Workspace.DIRECTORY,
        description="directory, worktree (a git worktree for each attempt) or none.",
    )
    needs: list[int] = Field(default=[], max_length=200, description="Tasks that must be done first.")
    parent: int = Field(default=0, ge=0, description="The task it is a part of.")
    not_before: int = Field(default=0, ge=0, description="When it may begin (ms).")
    due: int = Field(default=0, ge=0, description="When it should be done (ms).")
    budget: BudgetGiven = Field(default=BudgetGiven(), description="What it may use.")
    failure_limit: int = Field(default=0, ge=0, le=100, description="Failures in a row until it is given up.")
    run_minutes: float = Field(default=0, ge=0, description="Minutes an attempt may work; 0: the setting.")
    triage: bool = Field(default=False, description="Let a person look at it first.")
    attachments: list[str] = Field(
        default=[], max_length=20, description="Files of the workspace that come with it."
    )


class ListTasks(Given):
    """Which tasks to list."""

    state: Literal["unfinished", "all"] | TaskState = Field(
        default="unfinished", description="unfinished, all, or one state."
    )
    lane: Lane = Field(default="", description="Only those of a lane.")
    assignee: str = Field(default="", description="Only those of somebody.")
    label: str = Field(default="", description="Only those with a label.")
    words: str = Field(default="", max_length=500, description="Only those with these words.")
    parent: int = Field(default=0, ge=0, description="Only the parts of a task.")
    root: int = Field(default=0, ge=0, description="Only a task and all its descendants.")
    since: int = Field(default=0, ge=0, description="Changed at this time (ms) or later.")
    before: int = Field(default=0, ge=0, description="`next` of the page before.")
    limit: int = Field(default=50, ge=1, le=200, description="At most this many.")


class EditTask(OneTask):
    """What is to be changed; what is left out stays."""

    title: str | None = Field(default=None, min_length=1, max_length=200, description="What it is.")
    description: str | None = Field(
        default=None, max_length=LONGEST, description="What the worker must know."
    )
    acceptance: str | None = Field(default=None, max_length=LONGEST, description="When it counts as done.")
    priority: PriorityWord | None = Field(default=None, description="low, normal, high or urgent.")
    labels: list[str] | None = Field(default=None, max_length=20, description="Words to find it by.")
    skills: list[str] | None = Field(default=None, max_length=20, description="What its worker must know.")
    project: str | None = Field(default=None, max_length=4096, description="The folder it is about.")
    due: int | None = Field(default=None, ge=0, description="When it should be done (ms).")
    not_before: int | None = Field(default=None, ge=0, description="When it may begin (ms).")
    budget: BudgetGiven | None = Field(default=None, description="What it may use.")
    failure_limit: int | None = Field(
        default=None, ge=0, le=100, description="Failures until it is given up."
    )
    run_minutes: float | None = Field(default=None, ge=0, description="Minutes an attempt may work.")


class AssignTask(OneTask):
    """Who is to do it."""

    assignee: str = Field(default="", max_length=100, description="Their name; empty: anybody able.")
    lane: Lane = Field(default="", description="Another lane; empty: the same.")


class ClaimTask(OneTask):
    """Take a task for yourself, and begin."""

    lease_seconds: float = Field(
        default=0,
        ge=0,
        le=86_400,
        description="Renewed with tasks.heartbeat; 0: yours until you are done with it.",
    )


class Beat(OneTask):
    """A sign of life of whoever took a task."""

    epoch: int = Field(ge=1, description="The attempt, as the claim gave it.")
    lease_seconds: float = Field(default=90, ge=1, le=86_400, description="Until when the next one comes.")


class FinishTask(OneTask):
    """How an attempt ended."""

    epoch: int = Field(ge=1, description="The attempt, as the claim gave it.")
    outcome: Literal["succeeded", "failed", "timed_out", "crashed", "released"] = Field(
        default="succeeded", description="How it ended."
    )
    result: str = Field(default="", max_length=LONGEST, description="What it brought.")
    error: str = Field(default="", max_length=2000, description="Why it failed.")
    tokens: int = Field(default=0, ge=0, description="Tokens used.")
    money: float = Field(default=0, ge=0, description="US dollars spent.")


class AddMilestone(OneTask):
    """Something that an attempt has reached."""

    epoch: int = Field(ge=1, description="The attempt, as the claim gave it.")
    text: str = Field(min_length=1, max_length=500, description="What, in a line.")


class MoveTask(OneTask):
    """Where a task is to be moved."""

    state: Literal[
        "open",
        "triage",
        "blocked",
        "in_progress",
        "researching",
        "drafting",
        "editing",
        "in_review",
        "changes_requested",
        "done",
        "failed",
        "cancelled",
    ] = Field(description="The state.")
    reason: str = Field(
        default="", max_length=5000, description="What has to happen (blocked), to change, or why."
    )
    owner: str = Field(default="", max_length=100, description="Who has to act, for blocked.")

    @model_validator(mode="after")
    def _reason_where_needed(self) -> Self:
        if self.state in ("blocked", "changes_requested") and not self.reason.strip():
            raise ValueError(f"{self.state} needs a reason: what has to happen")
        return self


class CommentTask(OneTask):
    """Something to say about a task."""

    text: str = Field(min_length=1, max_length=20_000, description="The words.")


class SayToTask(CommentTask):
    """Something to say to whoever works on a task."""


class LinkTasks(OneTask):
    """What a task is to wait for."""

    needs: int = Field(ge=1, description="The task that must be done first.")
    remove: bool = Field(default=False, description="No longer wait for it.")


class CancelTask(OneTask):
    """Withdraw a task with all its parts."""

    reason: str = Field(default="", max_length=2000, description="Why.")


class ReadLog(OneTask):
    """Which attempt's log."""

    epoch: int = Field(default=0, ge=0, description="The attempt; 0: the latest.")
    bytes: int = Field(default=20_000, ge=1, le=1_000_000, description="How much of its end.")


class Nothing(Given):
    """No input."""


class OneAgent(Given):
    """Which agent."""

    name: str = Field(min_length=1, max_length=100, description="The agent's name.")


class ShipLog(Given):
    """Which finished work."""

    agent: str = Field(default="", max_length=100, description="Only of this agent.")
    limit: int = Field(default=50, ge=1, le=200, description="At most this many.")


class SubmitTask(OneTask):
    """Put a task that somebody works on up for review."""

    summary: str = Field(min_length=1, max_length=LONGEST, description="What was done, and what was not.")
    notes: str = Field(default="", max_length=LONGEST, description="For the reviewer.")
    reviewer: str = Field(
        default="", max_length=100, description="An agent, or people; empty: as the task's template says."
    )


class ReviewTask(OneTask):
    """A decision about what was put up for review."""

    decision: Literal["approve", "changes", "reject"] = Field(description="approve, changes or reject.")
    feedback: str = Field(
        default="", max_length=20_000, description="What is said of it; a rejection's reason."
    )
    points: list[str] = Field(default=[], max_length=50, description="What has to change, point by point.")
    version: int = Field(default=0, ge=0, description="The version that was looked at; 0: the newest.")

    @model_validator(mode="after")
    def _said(self) -> Self:
        if self.decision != "approve" and not self.feedback.strip() and not self.points:
            raise ValueError("say why, or what has to change")
        return self


class CompareVersions(OneTask):
    """Which two versions to compare."""

    before: int = Field(default=0, ge=0, description="The older version; 0: the one before the newer.")
    after: int = Field(default=0, ge=0, description="The newer version; 0: the newest.")


class OneHandoff(Given):
    """Which handoff."""

    handoff: str = Field(pattern=r"^h[0-9]+-[0-9]+$", description="Its id, such as h12-1.")


class ReplayTask(OneTask):
    """Up to which event."""

    at: int = Field(default=0, ge=0, description="The event's number; 0: the last.")


class ConfirmTask(OneTask):
    """What a person decides about a task in triage."""

    decision: Literal["accept", "as_it_is"] = Field(
        default="accept", description="accept: as it was suggested; as_it_is: without the suggestion."
    )
    number: int = Field(default=0, ge=0, description="The suggestion that was looked at; 0: the newest.")
