"""The settings that belong to no room, and the model that holds all of them."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr


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
    media_days: int = Field(default=0, ge=0, description="Days that received files are kept; 0: for ever.")
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


class SecretsSettings(Section):
    """Keys of model providers. Better kept in HOME/secrets.env or the environment, under the name given beside each."""

    anthropic: SecretStr | None = Field(default=None, description="ANTHROPIC_API_KEY")
    cerebras: SecretStr | None = Field(default=None, description="CEREBRAS_API_KEY")
    deepseek: SecretStr | None = Field(default=None, description="DEEPSEEK_API_KEY")
    fireworks: SecretStr | None = Field(default=None, description="FIREWORKS_API_KEY")
    google: SecretStr | None = Field(default=None, description="GOOGLE_API_KEY or GEMINI_API_KEY")
    groq: SecretStr | None = Field(default=None, description="GROQ_API_KEY")
    mistral: SecretStr | None = Field(default=None, description="MISTRAL_API_KEY")
    moonshotai: SecretStr | None = Field(default=None, description="MOONSHOTAI_API_KEY")
    openai: SecretStr | None = Field(
        default=None, description="OPENAI_API_KEY, also for a server of the same kind."
    )
    openrouter: SecretStr | None = Field(default=None, description="OPENROUTER_API_KEY")
    together: SecretStr | None = Field(default=None, description="TOGETHER_API_KEY")
    xai: SecretStr | None = Field(default=None, description="XAI_API_KEY")

    def key(self, provider: str) -> str:
        """Return the key of ``provider`` (``"openai"``), or an empty text."""
        secret = getattr(self, provider, None)
        return secret.get_secret_value() if isinstance(secret, SecretStr) else ""


class ProxySettings(Section):
    """Proxies for outgoing connections: http://, https:// or socks5://, with user and password where needed."""

    models: SecretStr | None = Field(
        default=None, description="The proxy for model providers and fetched pages."
    )
    platforms: dict[str, SecretStr] = Field(
        default_factory=dict[str, SecretStr],
        description="The proxy of each platform by its name, such as {telegram: http://127.0.0.1:3128}.",
    )

    def of_models(self) -> str:
        """Return the proxy for models, or an empty text."""
        return self.models.get_secret_value() if self.models else ""

    def of_platform(self, name: str) -> str:
        """Return the proxy of a platform, or an empty text."""
        return self.platforms[name].get_secret_value() if name in self.platforms else ""


class ClientSettings(Section):
    """How this machine's programs reach a Hermes."""

    mcp_url: str = Field(
        default="http://127.0.0.1:8420",
        description="Where MCP clients find Hermes (HERMES_MCP_URL); without a path: /mcp.",
    )


class PlatformsSettings(Section):
    """The chat platforms."""


class Settings(Section):
    """Everything that can be set."""

    owner: OwnerSettings = OwnerSettings()
    workspace: WorkspaceSettings = WorkspaceSettings()
    platforms: PlatformsSettings = PlatformsSettings()
    store: StoreSettings = StoreSettings()
    log: LogSettings = LogSettings()
    secrets: SecretsSettings = SecretsSettings()
    proxy: ProxySettings = ProxySettings()
    client: ClientSettings = ClientSettings()
