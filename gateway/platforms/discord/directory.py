"""What the bot sees of Discord: itself, its servers, their channels and open threads, as the gateway tells of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kernel.messages import Address

Raw = Mapping[str, Any]

TEXT, DM, VOICE, GROUP_DM, NEWS, STAGE, FORUM, MEDIA = 0, 1, 2, 3, 5, 13, 15, 16
THREADS = frozenset({10, 11, 12})
PRIVATE = frozenset({DM, GROUP_DM})
FORUMS = frozenset({FORUM, MEDIA})
# Channels that can have threads made from their messages.
THREADED = frozenset({TEXT, NEWS})
WRITTEN = frozenset({TEXT, NEWS, FORUM, MEDIA, VOICE, STAGE})
PRIVATE_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Me:
    """The bot: its user id, its name, and its application's id."""

    id: str
    name: str = ""
    application: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel or thread; ``last`` is the id of its newest message, ``joined`` says that the bot is in the thread."""

    id: str
    kind: int
    guild: str = ""
    name: str = ""
    parent: str = ""
    last: int = 0
    joined: bool = False
    archived: bool = False

    @property
    def thread(self) -> bool:
        """Whether it is a thread or a forum's post."""
        return self.kind in THREADS

    @property
    def private(self) -> bool:
        """Whether it is no server's channel and has one reader."""
        return self.kind == DM


class Directory:
    """Keeps what the gateway said; every method of the same name as an event takes that event's content."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.me = Me(account)
        self.guilds: dict[str, str] = {}
        self._channels: dict[str, Channel] = {}
        self._private: dict[str, None] = {}

    def get(self, id: str) -> Channel | None:
        """Return a channel that is known."""
        return self._channels.get(id)

    def address(self, channel: Channel) -> Address:
        """Return a channel's address: a thread's chat is its parent."""
        if channel.thread and channel.parent:
            return Address("discord", self.account, channel.parent, channel.id)
        return Address("discord", self.account, channel.id)

    def of_guild(self, guild: str) -> list[Channel]:
        """Return the channels and open threads of a server."""
        return [channel for channel in self._channels.values() if channel.guild == guild]

    def named(self) -> Iterator[tuple[Address, str]]:
        """Yield every channel and open thread of a server that people write in, with its name."""
        for channel in self._channels.values():
            guild = self.guilds.get(channel.guild, "")
            if channel.thread and not channel.archived:
                above = self._channels.get(channel.parent)
                yield self.address(channel), f"{guild} #{above.name if above else '?'} / {channel.name}"
            elif channel.guild and channel.kind in WRITTEN:
                yield self.address(channel), f"{guild} #{channel.name}"

    def ready(self, data: Raw) -> None:
        """Learn who the bot is."""
        user, application = data["user"], data.get("application") or {}
        self.me = Me(
            str(user["id"]), str(user.get("username") or ""), str(application.get("id") or user["id"])
        )

    def guild_create(self, data: Raw) -> None:
        """Learn a server with its channels and open threads."""
        guild = str(data["id"])
        if data.get("unavailable"):
            return
        self.forget_guild(guild)
        self.guild_update(data)
        for raw in (*_list(data, "channels"), *_list(data, "threads")):
            self.channel_create(raw, guild)

    def guild_update(self, data: Raw) -> None:
        """Learn a server's name."""
        self.guilds[str(data["id"])] = str(data.get("name") or "")

    def forget_guild(self, guild: str) -> None:
        """Forget a server that the bot has left, or that is about to be told anew."""
        self.guilds.pop(guild, None)
        self._channels = {id: one for id, one in self._channels.items() if one.guild != guild}

    def channel_create(self, raw: Raw, guild: str = "") -> Channel:
        """Learn a channel or thread, and return it."""
        channel = self._merged(channel_of(raw, self.me, guild))
        self._channels[channel.id] = channel
        if channel.private:
            self._private[channel.id] = None
            while len(self._private) > PRIVATE_KEPT:
                oldest = next(iter(self._private))
                del self._private[oldest]
                self._channels.pop(oldest, None)
        return channel

    def _merged(self, channel: Channel) -> Channel:
        """Keep what an update does not repeat."""
        known = self._channels.get(channel.id)
        if known is None:
            return channel
        return replace(
            channel,
            guild=channel.guild or known.guild,
            name=channel.name or known.name,
            parent=channel.parent or known.parent,
            joined=channel.joined or known.joined,
            last=max(channel.last, known.last),
        )

    def channel_delete(self, data: Raw) -> None:
        """Forget a channel or thread."""
        self._channels.pop(str(data["id"]), None)

    def thread_list_sync(self, data: Raw) -> None:
        """Learn the open threads of channels that the bot has just been let into."""
        joined = {str(member.get("id")) for member in _list(data, "members")}
        for raw in _list(data, "threads"):
            self.channel_create(raw, str(data["guild_id"]))
        for id in joined:
            self.joined(id)

    def thread_members_update(self, data: Raw) -> None:
        """Learn that the bot was added to a thread or removed from it."""
        id, me = str(data["id"]), self.me.id
        if any(str(member.get("user_id")) == me for member in _list(data, "added_members")):
            self.joined(id)
        if me in [str(user) for user in data.get("removed_member_ids") or ()]:
            self.joined(id, inside=False)

    def joined(self, id: str, *, inside: bool = True) -> None:
        """Note whether the bot takes part in a thread."""
        if channel := self._channels.get(id):
            self._channels[id] = replace(channel, joined=inside)


def channel_of(raw: Raw, me: Me, guild: str = "") -> Channel:
    """Return a channel from Discord's object."""
    meta: Raw = raw.get("thread_metadata") or {}
    return Channel(
        str(raw["id"]),
        int(raw.get("type") or 0),
        str(raw.get("guild_id") or guild),
        str(raw.get("name") or ""),
        str(raw.get("parent_id") or ""),
        number(raw.get("last_message_id")),
        joined=bool(raw.get("member")) or str(raw.get("owner_id") or "") == me.id,
        archived=bool(meta.get("archived")),
    )


def number(id: object) -> int:
    """Read an id for comparison; 0 where there is none."""
    text = str(id or "")
    return int(text) if text.isdecimal() else 0


def _list(data: Raw, key: str) -> Sequence[Raw]:
    found = data.get(key)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
