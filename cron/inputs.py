"""What operations and tools are given to make and change jobs."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from kernel.schedules import JobKind, Missed, Overlap, Quiet

Words = Annotated[str, Field(max_length=300)]
Text = Annotated[str, Field(max_length=50_000)]
Name = Annotated[str, Field(max_length=60, pattern=r"^[^\n\r\t]*$")]


class Given(BaseModel):
    """What an operation is given; an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


class CheckGiven(Given):
    """What must be true before a job runs."""

    script: Text = Field(
        default="", description="A script that ends with 0; what it prints is {check} in the text."
    )
    url: str = Field(default="", max_length=2000, description="An address that answers with status 200.")
    contains: str = Field(default="", max_length=1000, description="What the answer must have in it.")
    changed: bool = Field(default=False, description="Only when the answer differs from the last time.")


class JobFields(Given):
    """What a job can be given when it is made and when it is edited; what is left out stays or is the default."""

    text: Text | None = Field(default=None, description="The prompt, script, task or reminder.")
    recipe: str | None = Field(default=None, max_length=60, description="Which recipe.")
    options: dict[str, Any] | None = Field(
        default=None, description="The recipe's settings; of a task: assignee and template."
    )
    model: str | None = Field(default=None, max_length=200, description="A prompt's own model.")
    session: str | None = Field(
        default=None, max_length=60, description="A prompt's conversation; empty: its own."
    )
    folder: str | None = Field(default=None, max_length=4096, description="The folder a script starts in.")
    check: CheckGiven | None = Field(default=None, description="What must be true before it runs.")
    timeout: float | None = Field(
        default=None, ge=0, le=86_400, description="Seconds; 0: the kind's default."
    )
    retries: int | None = Field(default=None, ge=-1, le=20, description="Further attempts; -1: the default.")
    missed: Missed | None = Field(default=None, description="What becomes of times that were missed.")
    grace: float | None = Field(
        default=None, ge=0, description="Seconds; older missed times are not made up."
    )
    overlap: Overlap | None = Field(default=None, description="What becomes of a time while it is at work.")
    risky: Literal["wait", "refuse"] | None = Field(
        default=None, description="What becomes of an action that a person would have to approve."
    )
    deliver: list[Annotated[str, Field(min_length=1, max_length=200)]] | None = Field(
        default=None, max_length=20, description="origin, home, none, addresses or nicknames."
    )
    attach: list[Annotated[str, Field(min_length=1, max_length=300)]] | None = Field(
        default=None,
        max_length=10,
        description="Files in a script's folder that go along with its result where it wrote them; * is allowed.",
    )
    thread: bool | None = Field(default=None, description="Deliver to a thread of its own.")
    quiet: Quiet | None = Field(default=None, description="What becomes of its result in the quiet hours.")
    jitter: float | None = Field(
        default=None, ge=0, le=86_400, description="Seconds it may begin later, at random."
    )
    timezone: str | None = Field(default=None, max_length=60, description="Its timezone; empty: the owner's.")
    starts: Words | None = Field(default=None, description="Not before this time, in words.")
    ends: Words | None = Field(default=None, description="Not from this time on, in words.")
    max_runs: int | None = Field(default=None, ge=0, description="So many runs at most; 0: no limit.")


class CreateJob(JobFields):
    """A job that is to be made."""

    schedule: Words = Field(
        min_length=1,
        description="When: in 20 minutes, every weekday at 7:30, every 30m, 0 8 * * *, after JOB.",
    )
    kind: JobKind = Field(default=JobKind.PROMPT, description="What it is.")
    name: Name = Field(default="", description="What it is called; empty: made from its text.")
    dry_run: bool = Field(default=False, description="Only show how the schedule is understood.")


class EditJob(JobFields):
    """What is to change of a job."""

    id: str = Field(min_length=1, max_length=80, description="Its number or name.")
    schedule: Words | None = Field(default=None, description="When, from now on.")
    name: Name | None = Field(default=None, description="What it is called.")


class OneJob(Given):
    """Which job."""

    id: str = Field(min_length=1, max_length=80, description="Its number or name.")


class ListJobs(Given):
    """Which jobs to list."""

    words: str = Field(default="", max_length=200, description="Only those with these words.")
    kind: JobKind | Literal[""] = Field(default="", description="Only those of a kind.")
    over: bool = Field(default=False, description="Also those whose last time has come.")
    limit: int = Field(default=50, ge=1, le=500, description="At most this many.")


class ListRuns(Given):
    """Which runs to list."""

    id: str = Field(default="", max_length=80, description="Only those of a job, by its number or name.")
    state: str = Field(
        default="", max_length=20, description="Only those in a state, such as failed or missed."
    )
    before: int = Field(default=0, ge=0, description="`next` of the page before.")
    limit: int = Field(default=20, ge=1, le=200, description="At most this many.")


class Preview(Given):
    """Words about times."""

    schedule: Words = Field(min_length=1, description="The words.")
    timezone: str = Field(default="", max_length=60, description="The timezone; empty: the owner's.")


class Nothing(Given):
    """Nothing at all."""
