"""The settings of the Telegram platform."""

import hmac
import re
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from gateway.transport.addresses import Proxy

ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")


class Mode(StrEnum):
    """How updates arrive."""

    POLLING = "polling"
    WEBHOOK = "webhook"


class WebhookSettings(BaseModel):
    """Where Telegram posts updates in webhook mode; a reverse proxy with TLS stands in front."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(default="", description="Public https address that Telegram posts to.")
    host: str = Field(
        default="127.0.0.1", description="Address to listen on; the reverse proxy connects to it."
    )
    port: int = Field(default=8443, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    secret: SecretStr = Field(
        default=SecretStr(""),
        description="Shared secret that every post must carry, 1-256 characters of A-Z a-z 0-9 _ -; "
        "empty derives one from the token.",
    )
    check_seconds: float = Field(
        default=60.0,
        gt=0,
        le=100,
        description="How often Telegram is asked whether its posts arrive, in seconds.",
    )

    @field_validator("secret")
    @classmethod
    def _plain(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", value.get_secret_value()):
            raise ValueError("use 1 to 256 of the characters A-Z a-z 0-9 _ -")
        return value


class TelegramSettings(BaseModel):
    """One bot on Telegram."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: SecretStr = Field(
        default=SecretStr(""), description="Bot token from @BotFather; without it Telegram is off."
    )
    api_base: str = Field(
        default="https://api.telegram.org",
        description="Root address of the Bot API server; self-hosted ones exist.",
    )
    file_base: str = Field(
        default="", description="Root address for downloads; empty means the Bot API server's `/file`."
    )
    proxy: Proxy = Field(
        default="", description="HTTP proxy for Telegram alone, e.g. `http://127.0.0.1:3128`."
    )
    mode: Mode = Field(
        default=Mode.POLLING, description="`polling` needs no public address; `webhook` needs one."
    )
    webhook: WebhookSettings = Field(default=WebhookSettings(), description="Used in webhook mode only.")
    take_over: bool = Field(
        default=False,
        description="Remove a webhook that another program set for this bot, instead of stopping.",
    )
    poll_seconds: int = Field(
        default=30, ge=1, le=50, description="How long one poll waits for news, in seconds."
    )
    request_seconds: float = Field(
        default=20.0, gt=0, description="How long a call other than a poll may take, in seconds."
    )
    connections: int = Field(default=16, ge=1, le=256, description="How many calls may be under way at once.")
    drafts: bool = Field(
        default=True, description="Show a reply while it is being written, by Telegram's drafts."
    )
    reactions: bool = Field(
        default=True, description="Acknowledge messages by reactions (seen, done, failed)."
    )
    link_previews: bool = Field(default=False, description="Show a preview of the first link in a message.")
    allowed_updates: tuple[str, ...] = Field(
        default=ALLOWED_UPDATES, description="Kinds of updates to ask for, by their Bot API names."
    )
    edit_interval: float = Field(
        default=1.0, gt=0, description="Least time between two edits of one bubble, in seconds."
    )
    file_megabytes: int = Field(
        default=50, ge=1, le=2000, description="Largest file to send, in MB; self-hosted servers take 2000."
    )

    @property
    def configured(self) -> bool:
        """Whether there is a token at all."""
        return bool(self.token.get_secret_value())

    @property
    def account(self) -> str:
        """The bot's id, which is the part of the token before the colon; empty when the token has no such form."""
        found = re.fullmatch(r"\s*(\d+):[\w-]+\s*", self.token.get_secret_value())
        return found[1] if found else ""

    @property
    def bot_url(self) -> str:
        """What the token is appended to for calls."""
        return f"{self.api_base}/bot"

    @property
    def file_url(self) -> str:
        """What the token is appended to for downloads."""
        return f"{self.file_base or self.api_base + '/file'}/bot"

    @property
    def webhook_secret(self) -> str:
        """The secret of webhook posts, configured or derived from the token."""
        given = self.webhook.secret.get_secret_value()
        return given or hmac.digest(self.token.get_secret_value().encode(), b"webhook", "sha256").hex()

    @field_validator("api_base", "file_base")
    @classmethod
    def _root(cls, value: str) -> str:
        value = value.strip().rstrip("/").removesuffix("/bot")
        if value and not re.match(r"https?://[^/\s]", value):
            raise ValueError("write an address that begins with https:// or http://")
        return value

    @classmethod
    def _proxy(cls, value: str) -> str:
        if value and not re.match(r"https?://[^/\s]", value):
            raise ValueError("write an address that begins with http:// or https://")
        return value

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.mode is Mode.WEBHOOK and not self.webhook.url:
            raise ValueError("webhook mode needs webhook.url, the public address Telegram posts to")
        return self
