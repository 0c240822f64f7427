"""The settings of the Slack platform."""

import hashlib
import re
from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from gateway.transport.addresses import Proxy, Root

API = "https://slack.com/api"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Mode(StrEnum):
    """How events arrive."""

    SOCKET = "socket"
    HTTP = "http"


class Threading(StrEnum):
    """When Hermes answers in a thread; direct messages stay flat unless their writer is in a thread."""

    IN_THREAD = "in_thread"
    ALWAYS = "always"
    NEVER = "never"


class HttpSettings(BaseModel):
    """Where Slack posts events in HTTP mode; a reverse proxy with TLS stands in front."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(default="", description="Public https address of this listener, for the app's manifest.")
    host: str = Field(
        default="127.0.0.1", description="Address to listen on; the reverse proxy connects to it."
    )
    port: int = Field(default=8444, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    path: str = Field(
        default="/slack/events",
        pattern=r"^/[!-~]*$",
        description="Path that Slack posts events, buttons and slash commands to.",
    )


class SlackSettings(BaseModel):
    """One app on Slack."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bot_token: SecretStr = Field(
        default=SecretStr(""),
        description="Bot token (xoxb-…) of the installed app; without it and a webhook Slack is off.",
    )
    app_token: SecretStr = Field(
        default=SecretStr(""), description="App-level token (xapp-…) with connections:write, for Socket Mode."
    )
    signing_secret: SecretStr = Field(
        default=SecretStr(""), description="The app's signing secret, for HTTP mode."
    )
    webhook_url: SecretStr = Field(
        default=SecretStr(""),
        description="An incoming webhook: notices go out there, and nobody can answer. Used without a bot token only.",
    )
    mode: Mode = Field(default=Mode.SOCKET, description="`socket` needs no public address; `http` needs one.")
    http: HttpSettings = Field(default=HttpSettings(), description="Used in HTTP mode only.")
    api_base: Root = Field(default=API, description="Root address of the Web API; compatible servers exist.")
    proxy: Proxy = Field(default="", description="HTTP proxy for Slack alone, e.g. `http://127.0.0.1:3128`.")
    account: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._-]*$",
        description="A name for this installation that outlives its tokens; empty: read from the token.",
    )
    team_id: str = Field(
        default="",
        pattern=r"^[TE]?[A-Z0-9]*$",
        description="With an app installed for a whole Enterprise Grid: the workspace whose channels are listed.",
    )
    reply_in_thread: Threading = Field(
        default=Threading.IN_THREAD,
        description="in_thread answers in a thread when asked in one, always opens one for every message to Hermes in"
        " a channel, never leaves people's threads for the channel (threads that Hermes began stay threads).",
    )
    broadcast: bool = Field(default=False, description="Show answers in a thread in the channel as well.")
    command: str = Field(
        default="/hermes", pattern=r"^/[a-z0-9_-]{1,31}$", description="The slash command of the app."
    )
    reactions: bool = Field(
        default=True, description="Acknowledge messages by reactions (seen, done, failed)."
    )
    link_previews: bool = Field(default=False, description="Show previews of links and media in messages.")
    edit_interval: float = Field(
        default=1.2, gt=0, description="Least time between two edits of one bubble, in seconds."
    )
    request_seconds: float = Field(default=20.0, gt=0, description="How long a call may take, in seconds.")
    ping_seconds: float = Field(
        default=20.0, gt=0, le=60, description="Time between two pings on the socket, in seconds."
    )
    connections: int = Field(default=16, ge=1, le=256, description="How many calls may be under way at once.")
    catch_up_chats: int = Field(
        default=200,
        ge=0,
        le=5000,
        description="Chats and threads whose missed messages are fetched; 0: none.",
    )
    catch_up_messages: int = Field(
        default=200, ge=1, le=5000, description="Missed messages fetched from one chat or thread at most."
    )
    catch_up_hours: float = Field(
        default=72.0, gt=0, description="Hours back from which missed messages are still fetched."
    )
    file_megabytes: int = Field(default=1000, ge=1, le=1024, description="Largest file to send, in MB.")

    @property
    def configured(self) -> bool:
        """Whether there is a bot token, or at least a webhook."""
        return bool(self.bot_token.get_secret_value() or self.webhook_url.get_secret_value())

    @property
    def outgoing_only(self) -> bool:
        """Whether there is nothing but a webhook."""
        return not self.bot_token.get_secret_value()

    @property
    def installation(self) -> str:
        """The account: what is configured, else the token's numbers, which outlive its renewal, else a digest."""
        if self.account:
            return self.account
        token = self.bot_token.get_secret_value().strip()
        if found := re.match(r"xoxb-(\d+)-(\d+)-", token):
            return f"{found[1]}-{found[2]}"
        if found := re.match(r"xapp-\d+-(A[A-Z0-9]+)-", self.app_token.get_secret_value().strip()):
            return found[1]
        if not token and (found := re.search(r"/services/([A-Z0-9]+)/([A-Z0-9]+)", self._webhook)):
            return f"{found[1]}-{found[2]}"
        return hashlib.sha256((token or self._webhook).encode()).hexdigest()[:12]

    @property
    def _webhook(self) -> str:
        return self.webhook_url.get_secret_value().strip()

    @property
    def local(self) -> bool:
        """Whether the Web API is on this machine."""
        return (urlsplit(self.api_base).hostname or "") in LOOPBACK

    @property
    def secrets(self) -> tuple[str, ...]:
        """Everything that no log may show."""
        given = (self.bot_token, self.app_token, self.signing_secret, self.webhook_url)
        return tuple(value for secret in given if (value := secret.get_secret_value().strip()))

    @classmethod
    def _root(cls, value: str) -> str:
        value = value.strip().rstrip("/")
        if not re.match(r"https?://[^/\s]", value):
            raise ValueError("write an address that begins with https:// or http://")
        return value

    @classmethod
    def _proxy(cls, value: str) -> str:
        if value and not re.match(r"https?://[^/\s]", value):
            raise ValueError("write an address that begins with http:// or https://")
        return value

    @field_validator("webhook_url")
    @classmethod
    def _hook(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not re.match(r"https?://[^/\s]", value.get_secret_value().strip()):
            raise ValueError("write the webhook's address, which begins with https://")
        return value
