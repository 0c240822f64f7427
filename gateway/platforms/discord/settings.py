"""The settings of the Discord platform."""

import base64
import binascii
import hashlib
import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from gateway.transport.addresses import Proxy, Root

API_BASE = "https://discord.com/api/v10"
GATEWAY_URL = "wss://gateway.discord.gg/"


class DiscordSettings(BaseModel):
    """One bot on Discord."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: SecretStr = Field(
        default=SecretStr(""),
        description="Bot token from discord.com/developers/applications; without it Discord is off.",
    )
    api_base: Root = Field(
        default=API_BASE,
        description="Root address of the REST API with its version; compatible servers exist.",
    )
    gateway_url: str = Field(
        default="",
        description="Address of the gateway websocket; empty takes Discord's, or asks another API server for its own.",
    )
    proxy: Proxy = Field(
        default="", description="HTTP proxy for Discord alone, e.g. `http://127.0.0.1:3128`."
    )
    message_content: bool = Field(
        default=True,
        description="Ask for the text of messages that do not mention the bot (the privileged Message Content"
        " Intent); where it is refused, mentions and direct messages remain.",
    )
    auto_thread: bool = Field(
        default=False,
        description="Answer a mention in a channel in a thread of its own, made from the message.",
    )
    archive_minutes: Literal[60, 1440, 4320, 10080] = Field(
        default=1440, description="Minutes without a message after which Discord archives a thread of ours."
    )
    shards: int = Field(
        default=1, ge=0, le=512, description="Gateway connections; 0 takes as many as Discord recommends."
    )
    catch_up_messages: int = Field(
        default=500,
        ge=0,
        le=10_000,
        description="Missed messages that are fetched from one channel or thread at most; 0 fetches none.",
    )
    catch_up_channels: int = Field(
        default=200,
        ge=0,
        le=10_000,
        description="Channels and threads that are asked for missed messages after one connect at most.",
    )
    request_seconds: float = Field(
        default=20.0,
        gt=0,
        description="How long a call may take, in seconds; uploads take six times as long.",
    )
    reactions: bool = Field(
        default=True, description="Acknowledge messages by reactions (seen, done, failed)."
    )
    embeds: bool = Field(default=True, description="Frame cards with the colour of their risk.")
    link_previews: bool = Field(default=False, description="Show previews of the links in a message.")
    slash_commands: bool = Field(
        default=True, description="Register the commands with Discord's menu; as text they work anyway."
    )
    edit_interval: float = Field(
        default=1.2, gt=0, description="Least time between two edits of one bubble, in seconds."
    )
    file_megabytes: int = Field(
        default=10, ge=1, le=500, description="Largest file to send, in MB; boosted servers take more."
    )

    @property
    def configured(self) -> bool:
        """Whether there is a token at all."""
        return bool(self.token.get_secret_value().strip())

    @property
    def account(self) -> str:
        """The bot's id, which is the token's first part in base 64.

        A compatible server's tokens may look otherwise; then it is a digest of the token.
        """
        token = self.token.get_secret_value().strip().removeprefix("Bot ")
        if not token:
            return ""
        first = token.partition(".")[0]
        try:
            decoded = base64.b64decode(first + "=" * (-len(first) % 4), validate=True).decode("ascii")
        except (binascii.Error, ValueError):
            decoded = ""
        return decoded if decoded.isdigit() else hashlib.sha256(token.encode()).hexdigest()[:16]

    @classmethod
    def _root(cls, value: str) -> str:
        value = value.strip().rstrip("/")
        if not re.match(r"https?://[^/\s]", value):
            raise ValueError("write an address that begins with https:// or http://")
        return value

    @field_validator("gateway_url")
    @classmethod
    def _socket(cls, value: str) -> str:
        value = value.strip()
        if value and not re.match(r"wss?://[^/\s]", value):
            raise ValueError("write an address that begins with wss:// or ws://")
        return value

    @classmethod
    def _proxy(cls, value: str) -> str:
        if value and not re.match(r"https?://[^/\s]", value):
            raise ValueError("write an address that begins with http:// or https://")
        return value
