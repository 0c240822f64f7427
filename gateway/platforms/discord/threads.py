"""Threads: opened in channels and forums, made from a message when first answered, reopened when archived."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.platforms.discord.directory import FORUMS, PRIVATE, THREADED, Channel, Directory
from gateway.platforms.discord.failures import Code, Refused, RestError, platform_error
from gateway.platforms.discord.rest import Rest
from kernel.errors import DeliveryRejected
from kernel.messages import Address

Raw = Mapping[str, Any]

NAME_LIMIT = 100
PUBLIC_THREAD = 11
TAG_REQUIRED = 1 << 4
DENIED_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class Place:
    """The channel that a message goes to; ``instead_of`` is the message whose thread could not be made."""

    channel: str
    instead_of: str = ""


class Threads:
    """Knows which threads there are, and makes those that an answer needs."""

    def __init__(self, rest: Rest, directory: Directory, archive_minutes: int) -> None:
        self._rest = rest
        self._directory = directory
        self._archive_minutes = archive_minutes
        self._wanted: OrderedDict[str, str] = OrderedDict()
        self._denied: OrderedDict[str, None] = OrderedDict()
        self._turn = asyncio.Lock()

    def wants(self, address: Address, name: str) -> None:
        """Note that a message is to be answered in a thread made from it."""
        if address.thread and self._directory.get(address.thread) is None:
            self._wanted[address.thread] = name
            while len(self._wanted) > DENIED_KEPT:
                self._wanted.popitem(last=False)

    async def place(self, address: Address) -> Place:
        """Return where a message to an address goes, making its thread where that is wanted; raise RestError."""
        thread = address.thread
        if thread is None:
            return Place(_id(address.chat))
        if thread in self._denied:
            return Place(_id(address.chat), thread)
        if thread in self._wanted and self._directory.get(thread) is None:
            return await self._made(address, thread)
        return Place(_id(thread))

    async def mended(self, address: Address, channel: str, error: Refused) -> Place | None:
        """Return where to send what was refused, once: a reopened thread, one made now, or its channel."""
        if error.code == Code.ARCHIVED:
            return Place(channel) if await self.reopen(channel) else None
        if not address.thread or channel != address.thread or error.code != Code.UNKNOWN_CHANNEL:
            return None
        return await self._made(address, address.thread)

    async def _made(self, address: Address, thread: str) -> Place:
        """Make a thread from the message with its id; where that cannot be, answer in the channel."""
        async with self._turn:
            if self._directory.get(thread) is not None:
                return Place(thread)
            name = self._wanted.get(thread) or "Hermes"
            try:
                await self._from_message(_id(address.chat), _id(thread), name)
            except Refused as error:
                if error.code == Code.THREAD_EXISTS:
                    return Place(thread)
                if error.status >= 500:  # noqa: PLR2004 - HTTP's range of the server's own failures
                    raise
                self._denied[thread] = None
                while len(self._denied) > DENIED_KEPT:
                    self._denied.popitem(last=False)
                return Place(address.chat, thread)
            finally:
                self._wanted.pop(thread, None)
        return Place(thread)

    async def _from_message(self, channel: str, message: str, name: str) -> str:
        body = {"name": title(name), "auto_archive_duration": self._archive_minutes}
        path = "/channels/{channel_id}/messages/{message_id}/threads"
        made = await self._rest.call("POST", path, body=body, channel_id=channel, message_id=message)
        return self._learn(made, channel).id

    def _learn(self, made: Raw, parent: str) -> Channel:
        above = self._directory.get(parent)
        raw = {"parent_id": parent, "member": {}, **made}
        channel = self._directory.channel_create(raw, above.guild if above else "")
        self._directory.joined(channel.id)
        return channel

    async def reopen(self, thread: str) -> bool:
        """Take a thread out of the archive; tell whether that worked."""
        try:
            await self._rest.call(
                "PATCH", "/channels/{channel_id}", body={"archived": False}, channel_id=thread
            )
        except Refused:
            return False
        return True

    async def create(self, parent: Address, name: str) -> Address | None:
        """Open a thread or post, or return ``None`` where the bot cannot; raise PlatformUnavailable."""
        try:
            channel = await self._channel(_id(parent.chat))
            if channel.kind in PRIVATE:
                return None
            opened = await (
                self._post(channel, name) if channel.kind in FORUMS else self._thread(channel, name)
            )
        except (Refused, DeliveryRejected):
            return None
        except RestError as error:
            raise platform_error(error) from None
        return parent._replace(chat=channel.id, thread=opened)

    async def _channel(self, id: str) -> Channel:
        """Return a channel, or the one that a thread hangs on."""
        channel = self._directory.get(id)
        if channel is None:
            found = await self._rest.call("GET", "/channels/{channel_id}", channel_id=id)
            channel = self._directory.channel_create(found)
        return await self._channel(channel.parent) if channel.thread and channel.parent else channel

    async def _thread(self, channel: Channel, name: str) -> str:
        """Open a thread by itself; where the bot may not, on a message that it writes for it."""
        body = {
            "name": title(name),
            "type": PUBLIC_THREAD,
            "auto_archive_duration": self._archive_minutes,
        }
        try:
            made = await self._rest.call(
                "POST", "/channels/{channel_id}/threads", body=body, channel_id=channel.id
            )
        except Refused:
            if channel.kind not in THREADED:
                raise
            return await self._on_a_seed(channel, name)
        return self._learn(made, channel.id).id

    async def _on_a_seed(self, channel: Channel, name: str) -> str:
        path = "/channels/{channel_id}/messages"
        body = {"content": f"🧵 {title(name)}", "allowed_mentions": {"parse": []}}
        seed = await self._rest.call("POST", path, body=body, channel_id=channel.id)
        try:
            return await self._from_message(channel.id, str(seed["id"]), name)
        except Refused:
            await self._rest.call(
                "DELETE", path + "/{message_id}", channel_id=channel.id, message_id=seed["id"]
            )
            raise

    async def _post(self, channel: Channel, name: str) -> str:
        """Open a forum's post, whose first message names it, with a tag where the forum insists on one."""
        body: dict[str, Any] = {
            "name": title(name),
            "auto_archive_duration": self._archive_minutes,
            "message": {"content": title(name), "allowed_mentions": {"parse": []}},
        }
        forum = await self._rest.call("GET", "/channels/{channel_id}", channel_id=channel.id)
        tags = [tag for tag in forum.get("available_tags") or () if not tag.get("moderated")]
        if int(forum.get("flags") or 0) & TAG_REQUIRED and tags:
            body["applied_tags"] = [tags[0]["id"]]
        made = await self._rest.call(
            "POST", "/channels/{channel_id}/threads", body=body, channel_id=channel.id
        )
        return self._learn(made, channel.id).id


def title(name: str) -> str:
    """Return a thread's name on one line within Discord's limit."""
    return " ".join(name.split())[:NAME_LIMIT].strip() or "Hermes"


def _id(text: str) -> str:
    """Return an id; raise DeliveryRejected where it is none of Discord's."""
    if not text.isascii() or not text.isdecimal():
        raise DeliveryRejected(f"{text!r} is no id of Discord's.")
    return text
