"""Settings of the gateway: who may speak, how sessions and turns behave, how messages are delivered."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[str, Field(pattern=r"^[a-z]+:.+$")]


class Frozen(BaseModel):
    """Settings never change once they are read; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AccessSettings(Frozen):
    """Who may speak to Hermes; nobody is admitted by default."""

    owners: tuple[Id, ...] = Field(
        default=(), description="Owners as platform:id, for example telegram:123456789. Ids, never names."
    )
    operators: tuple[Id, ...] = Field(
        default=(), description="People who may approve and delegate, as platform:id."
    )
    users: tuple[Id, ...] = Field(default=(), description="People who may chat, as platform:id.")
    roles: dict[Id, Literal["user", "operator"]] = Field(
        default={},
        description="What the members of a platform's own role or group may do, as platform:role-id: user or operator."
        " Ids, never names; a person's own entry counts where it is higher.",
    )
    open_to_everyone: tuple[str, ...] = Field(
        default=(),
        description="Platforms on which everybody may chat as a user. Anybody who finds the bot can spend your money.",
    )
    pairing: bool = Field(
        default=True, description="Offer a stranger who writes directly a pairing code, once; then silence."
    )
    pairing_minutes: int = Field(
        default=60, ge=1, le=1440, description="How long a pairing code is valid, in minutes."
    )
    group_trigger: Literal["addressed", "all"] = Field(
        default="addressed",
        description="In groups, answer only when addressed (mention, reply, command), or to every message.",
    )
    group_sessions: Literal["per_user", "shared"] = Field(
        default="per_user",
        description="In groups without threads, one session per person or one for the whole group.",
    )
    messages_per_minute: int = Field(
        default=30, ge=1, le=10_000, description="Messages a minute that one person may send."
    )


class SessionSettings(Frozen):
    """How conversations begin and end."""

    on_message: Literal["steer", "queue", "interrupt"] = Field(
        default="steer",
        description="What a new message does to a running turn: steer hands it to the model at its next step, queue"
        " lets it wait, interrupt stops the turn.",
    )
    reset: Literal["never", "idle", "daily"] = Field(
        default="never", description="When a session starts afresh by itself."
    )
    idle_hours: float = Field(
        default=24.0, gt=0, description="With reset: idle, hours without a message after which it does."
    )
    daily_hour: int = Field(
        default=4, ge=0, le=23, description="With reset: daily, the hour in the owner's timezone."
    )


class TurnSettings(Frozen):
    """How turns run."""

    at_once: int = Field(
        default=16, ge=1, le=500, description="Turns that run at the same time; the others wait in order."
    )
    attempts: int = Field(
        default=3,
        ge=1,
        le=10,
        description="Crashes while a turn ran alone after which its messages are quarantined; one that ran"
        " among others at two crashes is run alone.",
    )
    gather_ms: int = Field(
        default=900,
        ge=0,
        le=10_000,
        description="Milliseconds to wait for the rest of an album or of a paste that the client split.",
    )
    gather_limit: int = Field(
        default=20, ge=1, le=200, description="Waiting messages that one turn takes together at most."
    )
    silent_seconds: float = Field(
        default=180,
        gt=0,
        description="Seconds without a sign of life after which the status says what is going on.",
    )
    drain_seconds: float = Field(
        default=20, ge=0, le=600, description="Seconds that running turns are given when Hermes stops."
    )


class HandoffSettings(Frozen):
    """How long a conversation may be on its way to another place."""

    take_up_seconds: float = Field(
        default=60,
        ge=5,
        le=3600,
        description="Seconds after which a handoff that nobody has taken up is withdrawn.",
    )
    when_idle_minutes: float = Field(
        default=60,
        ge=1,
        le=1440,
        description="Minutes that a handoff with --when-idle waits for the agent at most.",
    )
    deadline_seconds: float = Field(
        default=300,
        ge=10,
        le=3600,
        description="Seconds that a handoff may take once it is taken up, the agent's summary included; after that"
        " the conversation is back where it was.",
    )
    lease_seconds: float = Field(
        default=20,
        ge=5,
        le=3600,
        description="Seconds that Hermes may be away while a conversation is on its way and still carry it to its"
        " end; after a longer absence the conversation is back where it was.",
    )


class Rates(Frozen):
    """Messages that a platform lets a bot send; unset values are the platform's published ones."""

    per_second: float | None = Field(default=None, gt=0, description="Messages a second over all chats.")
    per_chat: float | None = Field(default=None, gt=0, description="Messages a second in one chat.")
    per_group_minute: float | None = Field(default=None, gt=0, description="Messages a minute in one group.")


class DeliverySettings(Frozen):
    """How owed messages are sent."""

    attempts: int = Field(
        default=50, ge=1, description="Deferred attempts after which a message becomes a dead letter."
    )
    rates: Mapping[str, Rates] = Field(
        default_factory=dict[str, Rates], description="Rates by platform name."
    )
    breaker_failures: int = Field(
        default=5, ge=1, description="Failures in a row after which a platform is given a pause."
    )
    breaker_seconds: float = Field(default=60, gt=0, description="The longest such pause, in seconds.")


class MediaSettings(Frozen):
    """Attachments."""

    limit_mb: int = Field(default=20, ge=1, le=2000, description="Largest attachment that is fetched, in MB.")
    keep_days: int = Field(default=90, ge=1, description="Days that stored attachments are kept.")


class NoticeSettings(Frozen):
    """What Hermes says by itself to the home channel."""

    start: bool = Field(
        default=True, description="Say when Hermes starts, with what was open, interrupted and missed."
    )
    stop: bool = Field(default=True, description="Say when Hermes stops.")
    backlog_minutes: float = Field(
        default=1.0, ge=0, description="Minutes of absence from which missed messages are mentioned."
    )


class GatewaySettings(Frozen):
    """All of the gateway's settings."""

    access: AccessSettings = AccessSettings()
    sessions: SessionSettings = SessionSettings()
    turns: TurnSettings = TurnSettings()
    delivery: DeliverySettings = DeliverySettings()
    media: MediaSettings = MediaSettings()
    notices: NoticeSettings = NoticeSettings()
    handoff: HandoffSettings = HandoffSettings()
