"""Settings of the gate: what is asked, who may answer, and how long an answer may take."""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from kernel.risk import Tier

PersonId = Annotated[str, Field(pattern=r"^([a-z]+:.+|cli)$")]
Asked = Literal["low", "medium", "high"]
MINUTE_MS = 60_000
DAY_MS = 86_400_000


class Section(BaseModel):
    """A group of settings: unchangeable once read, and closed to names it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _time(text: str) -> str:
    hours, _, minutes = text.partition(":")
    if not (hours.isdigit() and minutes.isdigit() and int(hours) < 24 and int(minutes) < 60):  # noqa: PLR2004 - a clock
        raise ValueError(f"{text!r} is no time of day; write it like 22:30")
    return text


TimeOfDay = Annotated[str, AfterValidator(_time)]


class LowTierSettings(Section):
    """The veto clock of harmless clean-up."""

    clock: bool = Field(
        default=True,
        description="Run low-risk actions by themselves after the notice; false: ask about them too.",
    )
    minutes: float = Field(
        default=5.0, ge=1, le=1440, description="Minutes between the delivered notice and the action."
    )


class QuietSettings(Section):
    """Hours (owner's timezone) in which requests make no sound; both empty: never."""

    start: TimeOfDay | Literal[""] = Field(default="", description="When the quiet begins, such as 22:00.")
    end: TimeOfDay | Literal[""] = Field(default="", description="When the quiet ends, such as 07:00.")
    tiers: tuple[Asked, ...] = Field(
        default=("low", "medium"),
        description="The tiers that are quiet then; others are announced as always.",
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if bool(self.start) != bool(self.end):
            raise ValueError("quiet hours need a start and an end")
        return self

    def quiet(self, tier: Tier, local: datetime) -> bool:
        """Tell whether a request of ``tier`` is quiet at ``local``, a time in the owner's timezone."""
        if not self.start or str(tier) not in self.tiers:
            return False
        now, start, end = f"{local:%H:%M}", self.start.zfill(5), self.end.zfill(5)
        return start <= now < end if start <= end else now >= start or now < end


class EscalationSettings(Section):
    """Whom a request goes to when nobody answers."""

    minutes: float = Field(
        default=0, ge=0, description="Minutes without an answer until the next place is told; 0: never."
    )
    places: tuple[str, ...] = Field(
        default=(), description="Where to, in order, as platform:chat or platform:chat:thread."
    )


class OverrideSettings(Section):
    """One line of your own table of programs."""

    words: str = Field(
        default="", description="A program, with sub-commands if you like, such as terraform plan."
    )
    tier: Literal["none", "low", "medium", "high", "deny"] = Field(
        default="high", description="The tier it gets."
    )
    why: str = Field(default="the owner's settings say so", description="The reason that is shown.")

    @model_validator(mode="after")
    def _names_a_program(self) -> Self:
        if not self.words.split():
            raise ValueError("an override names a program, such as words: terraform plan")
        return self


class ApprovalSettings(Section):
    """What happens before something risky."""

    mode: Literal["gate", "deny", "trust"] = Field(
        default="gate",
        description="gate asks; deny refuses whatever would have to be asked; trust lets medium and low pass until"
        " trust_until and shows it in every status. High is always asked, and what is denied stays denied.",
    )
    trust_until: Annotated[datetime | None, AfterValidator(_aware)] = Field(
        default=None, description="When trust ends, such as 2027-01-31T18:00:00Z; required for trust."
    )
    preset: Literal["strict", "balanced", "open"] = Field(
        default="balanced",
        description="What programs without a rule get: high, medium or low. Opaque text is high in all of them.",
    )
    overrides: tuple[OverrideSettings, ...] = Field(
        default=(), description="Your own table: may raise anything, and lower medium for named programs."
    )
    approvers: tuple[PersonId, ...] = Field(
        default=(), description="Who may decide, as platform:id; empty: every operator and owner."
    )
    expiry_hours: float = Field(
        default=168.0, gt=0, le=8760, description="Hours after which an unanswered request counts as refused."
    )
    report_hours: float = Field(
        default=24.0,
        gt=0,
        le=8760,
        description="Hours after which a program that carries out what was approved, and has not said how it ended,"
        " counts as lost: a person is asked what happened.",
    )
    unattended: Literal["wait", "refuse"] = Field(
        default="wait", description="What a run without a person does when it would have to ask."
    )
    low: LowTierSettings = Field(default_factory=LowTierSettings, description="The veto clock.")
    step_up: Literal["off", "second_approver", "code"] = Field(
        default="off",
        description="What high tier needs beside one approval: a second approver, or a code sent elsewhere.",
    )
    grant_days: float = Field(
        default=30.0, gt=0, le=365, description="Days after which an always-allowed pattern is forgotten."
    )
    escalation: EscalationSettings = Field(
        default_factory=EscalationSettings, description="When nobody answers."
    )
    quiet: QuietSettings = Field(default_factory=QuietSettings, description="Hours without sound.")
    batch: int = Field(
        default=5,
        ge=0,
        description="Requests waiting in one chat from which on a digest offers them together; 0: never.",
    )
    alive_url: str = Field(
        default="", description="An address that is fetched every few minutes while all is well; empty: none."
    )
    alive_minutes: float = Field(default=5.0, ge=1, description="Minutes between two such fetches.")

    @model_validator(mode="after")
    def _trust_ends(self) -> Self:
        if self.mode == "trust" and self.trust_until is None:
            raise ValueError("trust needs trust_until: it always ends")
        return self

    def mode_at(self, now: int) -> Literal["gate", "deny", "trust"]:
        """Return the mode that holds at ``now`` (milliseconds); trust that has ended is the gate again."""
        if (
            self.mode == "trust"
            and self.trust_until is not None
            and now >= self.trust_until.timestamp() * 1000
        ):
            return "gate"
        return self.mode

    @property
    def expiry_ms(self) -> int:
        """How long a request waits, in milliseconds."""
        return int(self.expiry_hours * 3_600_000)

    @property
    def report_ms(self) -> int:
        """How long a program may take to say how an approved action ended, in milliseconds."""
        return int(self.report_hours * 3_600_000)

    @property
    def veto_ms(self) -> int:
        """How long the low tier's clock runs, in milliseconds."""
        return int(self.low.minutes * MINUTE_MS)

    @property
    def grant_ms(self) -> int:
        """How long an always-allowed pattern holds, in milliseconds."""
        return int(self.grant_days * DAY_MS)

    @property
    def escalation_ms(self) -> int | None:
        """How long a request waits for each step of the escalation, ``None`` where there is none."""
        if not self.escalation.minutes or not self.escalation.places:
            return None
        return int(self.escalation.minutes * MINUTE_MS)
