"""Settings of scheduled jobs."""

from datetime import time
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from cron.seeds import SEEDS
from kernel.schedules import JobKind, Missed, Overlap, Quiet

SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


class Section(BaseModel):
    """A group of settings: unchangeable once read, and closed to names it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _clock(text: str) -> str:
    if text:
        try:
            time.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{text!r} is no time of the day; write it like 22:00") from None
    return text


Clock = Annotated[str, AfterValidator(_clock)]


class TimeoutSettings(Section):
    """How long a run may take, by kind; a job can set its own. Waiting for a person is not counted."""

    prompt: float = Field(default=30.0, gt=0, description="Minutes for a prompt to an agent.")
    script: float = Field(default=10.0, gt=0, description="Minutes for a script.")
    recipe: float = Field(default=10.0, gt=0, description="Minutes for a recipe.")
    check: float = Field(default=1.0, gt=0, description="Minutes for the check before a run.")


class SeedSettings(Section):
    """A job that the configuration proposes; it is made when it is enabled, and can be edited from then on."""

    enabled: bool = Field(default=False, description="Make it and let it run.")
    schedule: str = Field(min_length=1, description="When, in words or as a cron expression.")
    kind: JobKind = Field(default=JobKind.RECIPE, description="What it is.")
    recipe: str = Field(default="", description="With kind: recipe, which one.")
    text: str = Field(default="", description="The prompt, script, task or reminder of the other kinds.")
    options: dict[str, object] = Field(default_factory=dict, description="The recipe's settings.")
    deliver: tuple[str, ...] = Field(default=("home",), description="Where its result goes.")
    timezone: str = Field(default="", description="Its timezone; empty: the owner's.")


class CronSettings(Section):
    """Scheduled jobs: how many at once, how long, and what becomes of failures and missed times."""

    enabled: bool = Field(default=True, description="Run jobs; false: they are only kept.")
    at_once: int = Field(default=4, ge=1, le=100, description="Jobs at work at the same time.")
    timeouts: TimeoutSettings = Field(default_factory=TimeoutSettings, description="How long a run may take.")
    missed: Missed = Field(
        default=Missed.ONCE,
        description="What becomes of times that passed while Hermes was away: skip, once (the last of them), or all.",
    )
    late_seconds: float = Field(
        default=90.0, ge=1, description="Seconds behind its time up to which a run simply runs."
    )
    grace_hours: float = Field(
        default=6.0,
        gt=0,
        description="Hours behind its time after which a repeated job is not made up.",
    )
    grace_days_once: float = Field(
        default=7.0, gt=0, description="The same for jobs that run once, such as reminders, in days."
    )
    catch_up: int = Field(
        default=10, ge=1, le=1000, description="With missed: all, how many times are made up at most."
    )
    overlap: Overlap = Field(
        default=Overlap.SKIP, description="What becomes of a time while the run before is at work."
    )
    queue: int = Field(default=3, ge=1, le=100, description="With overlap: queue, how many wait at most.")
    retries: int = Field(
        default=2, ge=0, le=20, description="Further attempts after a failure, for recipes and prompts."
    )
    first_wait: float = Field(
        default=30.0, gt=0, description="Seconds before the second attempt; it doubles with each further one."
    )
    alert_after: int = Field(
        default=2, ge=1, description="Failed runs in a row after which the home channels are told."
    )
    pause_after: int = Field(
        default=5, ge=1, description="Failed runs in a row after which a job is paused, with a message."
    )
    quiet_from: Clock = Field(default="22:00", description="When the quiet hours begin.")
    quiet_until: Clock = Field(default="07:00", description="When they end.")
    keep_days: int = Field(default=90, ge=1, description="Days that the history of runs is kept.")
    most: int = Field(default=100_000, ge=1, description="Jobs there may be at most.")
    most_of_user: int = Field(
        default=100, ge=1, description="Reminders that one person without a role may have."
    )
    output: int = Field(
        default=12_000,
        ge=200,
        le=1_000_000,
        description="Characters of a result that are kept and delivered.",
    )
    risky: Literal["wait", "refuse"] = Field(
        default="wait", description="What a new job does when a person would have to approve something."
    )
    allow_private: tuple[str, ...] = Field(
        default=(),
        description="Networks inside your own that checks and recipes may fetch from, such as 192.168.1.0/24.",
    )
    secrets: dict[str, SecretStr] = Field(
        default_factory=dict, description="Secrets of recipes by name, such as the password of a mailbox."
    )
    seeds: dict[str, SeedSettings] = Field(
        default_factory=dict, description="Jobs that this file proposes, by name.", examples=[SEEDS]
    )

    def timeout_ms(self, kind: JobKind, own: float) -> int:
        """Return how long a run may take, in milliseconds."""
        minutes = {JobKind.SCRIPT: self.timeouts.script, JobKind.RECIPE: self.timeouts.recipe}
        return int(own * SECOND_MS or minutes.get(kind, self.timeouts.prompt) * MINUTE_MS)

    def retries_of(self, kind: JobKind, own: int) -> int:
        """Return how many further attempts a job has; a script may not bear to run twice."""
        if own >= 0:
            return own
        return self.retries if kind in (JobKind.RECIPE, JobKind.PROMPT) else 0

    def wait_ms(self, attempts: int) -> int:
        """Return how long to wait after so many attempts."""
        return int(self.first_wait * SECOND_MS * 2 ** min(max(attempts - 1, 0), 10))


__all__ = ["CronSettings", "Quiet", "SeedSettings"]
