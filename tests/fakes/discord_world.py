"""What a Discord holds: people, servers, channels, threads, messages, and what the bot may do where."""

import base64
import time
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

BOT_ID = "100200300400500600"
TOKEN = base64.b64encode(BOT_ID.encode()).decode().rstrip("=") + ".Gfake1.loopback-token-for-tests-0123456789"
EPOCH_MS = 1_420_070_400_000
CONTENT_INTENT = 1 << 15
Json = dict[str, Any]


class Refusal(Exception):
    """An error in Discord's form."""

    def __init__(self, status: int, code: int, text: str) -> None:
        super().__init__(text)
        self.status, self.code, self.text = status, code, text


UNKNOWN_CHANNEL = Refusal(404, 10003, "Unknown Channel")
UNKNOWN_MESSAGE = Refusal(404, 10008, "Unknown Message")
UNKNOWN_WEBHOOK = Refusal(404, 10015, "Unknown Webhook")
UNKNOWN_INTERACTION = Refusal(404, 10062, "Unknown interaction")
MISSING_ACCESS = Refusal(403, 50001, "Missing Access")
MISSING_PERMISSIONS = Refusal(403, 50013, "Missing Permissions")
CANNOT_SEND = Refusal(403, 50007, "Cannot send messages to this user")
EMPTY = Refusal(400, 50006, "Cannot send an empty message")
ARCHIVED = Refusal(400, 50083, "Thread is archived")


@dataclass(slots=True)
class Interaction:
    """One press, command or form: what the bot answered, and when."""

    id: str
    token: str
    raw: Json
    at: float
    answers: list[Json] = field(default_factory=list)
    answered_after: float = 0.0
    followups: list[Json] = field(default_factory=list)
    original: Json | None = None

    @property
    def form(self) -> Json | None:
        """The form the bot opened."""
        return next((answer["data"] for answer in self.answers if answer["type"] == 9), None)

    @property
    def told(self) -> str:
        """What whoever tapped was told."""
        said = [answer["data"].get("content", "") for answer in self.answers if answer["type"] == 4]
        said += [one.get("content", "") for one in self.followups]
        return "\n".join([*said, *([self.original["content"]] if self.original else [])])


class World:
    """The state behind REST and gateway."""

    def __init__(self) -> None:
        self.users: dict[str, Json] = {
            BOT_ID: {"id": BOT_ID, "username": "hermes", "bot": True, "discriminator": "0", "avatar": None}
        }
        self.guilds: dict[str, Json] = {}
        self.channels: dict[str, Json] = {}
        self.messages: dict[str, list[Json]] = {}
        self.commands: list[Json] = []
        self.command_puts = 0
        self.interactions: dict[str, Interaction] = {}
        self.typing: list[str] = []
        self.files: dict[str, bytes] = {}
        self.denied: set[tuple[str, str]] = set()
        self.blocked: set[str] = set()
        self.nonce_seconds = 300.0
        self.history_nonces = False
        self.interaction_seconds = 3.0
        self._nonces: dict[tuple[str, str], tuple[float, Json]] = {}
        self._last_id = 0

    def new_id(self) -> str:
        """Return the next snowflake."""
        now = int(time.time() * 1000) - EPOCH_MS
        self._last_id = max(self._last_id + 1, now << 22)
        return str(self._last_id)

    def person(self, id: str, name: str = "") -> Json:
        """Return somebody, who exists from now on."""
        return self.users.setdefault(
            id,
            {
                "id": id,
                "username": name or f"user{id}",
                "global_name": name or f"User {id}",
                "discriminator": "0",
                "avatar": None,
            },
        )

    def dm(self, user: str) -> Json:
        """Return the private channel with somebody."""
        self.person(user)
        for channel in self.channels.values():
            if channel["type"] == 1 and channel["recipients"][0]["id"] == user:
                return channel
        return self.add_channel({"type": 1, "recipients": [self.users[user]]})

    def add_channel(self, raw: Json) -> Json:
        """Add a channel or thread."""
        channel: Json = {"id": self.new_id(), "last_message_id": None, "name": "", **raw}
        self.channels[channel["id"]] = channel
        self.messages[channel["id"]] = []
        return channel

    def add_guild(self, name: str) -> Json:
        """Add a server that the bot is in."""
        guild: Json = {"id": self.new_id(), "name": name, "members": {}}
        self.guilds[guild["id"]] = guild
        return guild

    def of_guild(self, guild: str, *, threads: bool) -> list[Json]:
        """Return a server's channels or open threads."""
        return [
            self.shown_channel(channel)
            for channel in self.channels.values()
            if channel.get("guild_id") == guild
            and (channel["type"] in (10, 11, 12)) is threads
            and not (threads and channel["thread_metadata"]["archived"])
        ]

    def shown_channel(self, channel: Json) -> Json:
        """Return a channel as the bot sees it: its own membership, not everybody's."""
        shown = {name: value for name, value in channel.items() if name != "inside"}
        if BOT_ID in channel.get("inside", ()):
            shown["member"] = {"id": channel["id"], "user_id": BOT_ID}
        return deepcopy(shown)

    def channel(self, id: str) -> Json:
        """Return a channel or raise."""
        found = self.channels.get(id)
        if found is None:
            raise UNKNOWN_CHANNEL
        return found

    def message(self, channel: str, id: str) -> Json:
        """Return a message or raise."""
        self.channel(channel)
        for message in self.messages[channel]:
            if message["id"] == id:
                return message
        raise UNKNOWN_MESSAGE

    def may(self, action: str, channel: str) -> None:
        """Raise where the bot may not do something."""
        if (action, channel) in self.denied:
            raise MISSING_PERMISSIONS

    def add_message(self, channel: str, author: str, content: str, **more: Any) -> Json:
        """Add a message."""
        where = self.channel(channel)
        id = self.new_id()
        reference = more.get("message_reference")
        message: Json = {
            "id": id, "channel_id": channel, "author": deepcopy(self.users[author]), "content": content,
            "timestamp": "2026-11-21T12:00:00+00:00", "edited_timestamp": None, "tts": False, "mentions": [],
            "mention_roles": [], "mention_everyone": False, "attachments": [], "embeds": [], "components": [],
            "pinned": False, "type": 19 if reference else 0, "flags": 0, **more,
        }  # fmt: skip
        message["mentions"] += [
            deepcopy(user) for user in self.users.values() if f"<@{user['id']}>" in content
        ]
        if reference:
            original = next((m for m in self.messages[channel] if m["id"] == reference["message_id"]), None)
            message["referenced_message"] = deepcopy(original)
            if original is None and author == BOT_ID:
                message["type"] = 0
                del message["message_reference"]
        self.messages[channel].append(message)
        where["last_message_id"] = id
        if "inside" in where:
            where["inside"].add(author)
        return message

    def add_thread(self, parent: Json, name: str, owner: str, *, id: str = "") -> Json:
        """Open a thread in a channel or a forum's post."""
        return self.add_channel({
            **({"id": id} if id else {}), "type": 11, "guild_id": parent["guild_id"], "parent_id": parent["id"],
            "name": name, "owner_id": owner, "inside": {owner},
            "thread_metadata": {"archived": False, "locked": False, "auto_archive_duration": 1440},
        })  # fmt: skip

    def known_nonce(self, channel: str, nonce: str) -> Json | None:
        """Return the message that was sent with a nonce a short while ago."""
        found = self._nonces.get((channel, nonce))
        if found is None or time.monotonic() - found[0] > self.nonce_seconds:
            return None
        return found[1]

    def remember_nonce(self, channel: str, nonce: str, message: Json) -> None:
        """Remember a nonce."""
        self._nonces[channel, nonce] = time.monotonic(), message
