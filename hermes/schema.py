"""The settings that belong to no room, and the model that holds all of them."""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from typing_extensions import override

from agent.settings import AgentSettings
from approvals.settings import ApprovalSettings
from board.settings import BoardSettings
from cron.settings import CronSettings
from gateway.diagnosis.settings import DiagnosisSettings
from gateway.platforms.discord.settings import DiscordSettings
from gateway.platforms.slack.settings import SlackSettings
from gateway.platforms.telegram.settings import TelegramSettings
from gateway.settings import (
    AccessSettings,
    DeliverySettings,
    HandoffSettings,
    MediaSettings,
    NoticeSettings,
    SessionSettings,
    TurnSettings,
)
from gateway.walkaway.settings import WalkawaySettings
from web.settings import WebSettings

_layers: ContextVar[Sequence[Mapping[str, Any]]] = ContextVar("layers", default=())


class LayerSource(PydanticBaseSettingsSource):
    """One source of settings, read before: nested values that know nothing of where they came from."""

    def __init__(self, settings_cls: type[BaseSettings], values: Mapping[str, Any]) -> None:
        super().__init__(settings_cls)
        self._values = values

    @override
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._values.get(field_name), field_name, False

    @override
    def __call__(self) -> dict[str, Any]:
        return dict(self._values)


class Section(BaseModel):
    """A group of settings: unchangeable once read, and closed to names it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _known_zone(name: str) -> str:
    if name:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{name!r} is no timezone; write it like Europe/Berlin") from None
    return name


class OwnerSettings(Section):
    """The person this Hermes belongs to."""

    name: str = Field(default="", description="How Hermes calls you; empty: not at all.")
    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(
        default="",
        description="Your timezone, such as Europe/Berlin; empty: the machine's. Days and times are yours.",
    )
    language: str = Field(
        default="en",
        description="The language agents answer in unless they are addressed in another, such as en or de.",
    )


class WorkspaceSettings(Section):
    """Where agents work."""

    path: str = Field(default="", description="The folder agents work in; empty: HOME/workspace.")
    projects: tuple[str, ...] = Field(
        default=(),
        description="More folders agents may work in; after a change repeat `hermes service install`.",
    )


class StoreSettings(Section):
    """What is kept, and for how long."""

    message_days: int = Field(
        default=0, ge=0, description="Days a conversation is kept after its last message; 0: for ever."
    )
    event_days: int = Field(default=0, ge=0, description="Days the audit trail is kept; 0: for ever.")
    backups: int = Field(
        default=7, ge=1, description="How many copies of the database `hermes backup` keeps."
    )


class LogSettings(Section):
    """The daemon's log: HOME/logs/hermes.log and standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least level written."
    )
    format: Literal["text", "json"] = Field(
        default="text", description="Standard error's form; the file is JSON."
    )
    megabytes: int = Field(default=10, ge=1, le=1000, description="Megabytes of one log file.")
    files: int = Field(default=5, ge=1, le=100, description="How many log files are kept.")


class ClientSettings(Section):
    """How this machine's programs reach a Hermes."""

    mcp_url: str = Field(
        default="http://127.0.0.1:8420",
        description="Where MCP clients find Hermes (HERMES_MCP_URL); without a path: /mcp.",
    )


class PlatformsSettings(Section):
    """The chat platforms; each is on when its token is set."""

    telegram: TelegramSettings = Field(default_factory=TelegramSettings, description="One bot on Telegram.")
    discord: DiscordSettings = Field(default_factory=DiscordSettings, description="One bot on Discord.")
    slack: SlackSettings = Field(default_factory=SlackSettings, description="One app on Slack.")


class Settings(BaseSettings):
    """Everything that can be set; where it is read from is ``hermes.settings``' business."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read from the layers of ``layered`` alone, the first being the strongest."""
        return tuple(LayerSource(settings_cls, values) for values in reversed(_layers.get()))

    owner: OwnerSettings = Field(default_factory=OwnerSettings)
    access: AccessSettings = Field(default_factory=AccessSettings)
    agent: AgentSettings = Field(default_factory=AgentSettings)
    platforms: PlatformsSettings = Field(default_factory=PlatformsSettings)
    web: WebSettings = Field(default_factory=WebSettings)
    workspace: WorkspaceSettings = Field(default_factory=WorkspaceSettings)
    sessions: SessionSettings = Field(default_factory=SessionSettings)
    turns: TurnSettings = Field(default_factory=TurnSettings)
    handoff: HandoffSettings = Field(default_factory=HandoffSettings)
    delivery: DeliverySettings = Field(default_factory=DeliverySettings)
    media: MediaSettings = Field(default_factory=MediaSettings)
    notices: NoticeSettings = Field(default_factory=NoticeSettings)
    store: StoreSettings = Field(default_factory=StoreSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    approvals: ApprovalSettings = Field(default_factory=ApprovalSettings)
    board: BoardSettings = Field(default_factory=BoardSettings)
    walkaway: WalkawaySettings = Field(default_factory=WalkawaySettings)
    cron: CronSettings = Field(default_factory=CronSettings)
    diagnosis: DiagnosisSettings = Field(default_factory=DiagnosisSettings)
    client: ClientSettings = Field(default_factory=ClientSettings)


def layered(layers: Sequence[Mapping[str, Any]]) -> Settings:
    """Lay nested values over one another, the last being the strongest, and check the result.

    Raises pydantic's ValidationError.
    """
    token = _layers.set(layers)
    try:
        return Settings()
    finally:
        _layers.reset(token)
