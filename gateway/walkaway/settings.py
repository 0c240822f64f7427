"""Settings of walkaway: when a job rings, when it says that it is silent, and its quick buttons."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MINUTE_MS = 60_000
SECOND_MS = 1000
Reply = Annotated[str, Field(min_length=1, max_length=40)]


class WalkawaySettings(BaseModel):
    """Long jobs handed over with `/delegate`: their pings and their card."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    ping: str = Field(
        default="milestone",
        pattern=r"^(milestone|done|\d+(m|min|h))$",
        description="What rings beside questions and the end: milestone, done (nothing), or a time such as 10m.",
    )
    silent_minutes: float = Field(
        default=10.0, gt=0, description="Minutes without a sign of life after which a job says so."
    )
    edit_seconds: float = Field(
        default=3.0, ge=0, description="Least seconds between two edits of a job's card."
    )
    refresh_seconds: float = Field(
        default=60.0, gt=0, description="Seconds between two looks at a job that tells nothing."
    )
    replies: tuple[Reply, ...] = Field(
        default=("Keep going", "Make it simpler", "Stop after this"),
        max_length=6,
        description="The quick replies under a job's card: what is said to the agent with a tap.",
    )

    @property
    def silent_ms(self) -> int:
        """The silence that is told, in milliseconds."""
        return int(self.silent_minutes * MINUTE_MS)
