"""Chats: which ones Hermes has seen, which have several readers, and where home is."""

from collections.abc import Mapping

from gateway.access import Access
from gateway.adapter import Adapter
from kernel.messages import Address, InboundKind
from kernel.people import Role
from store import channels, inbox
from store.database import Database
from store.units import Unit

LOADED = 10_000
# The chat of a platform that only takes messages out to one fixed place.
OUTGOING = "webhook"
# How the chats are called that tasks are talked about in where there is no other.
TASK_CHAT = "task-"


class Chats:
    """Remembers each chat once; the owner's first direct message makes it the platform's home channel."""

    def __init__(
        self, database: Database, access: Access, adapters: Mapping[tuple[str, str], Adapter]
    ) -> None:
        self._database = database
        self._access = access
        self._adapters = adapters
        self._known: set[Address] = set()
        self._groups: set[Address] = set()
        self._homes: set[str] = set()

    async def load(self) -> None:
        """Read the chats seen before, and which platforms have a home channel."""
        self._homes |= set(await self._database.read(channels.homes))
        for chat in await self._database.read(channels.chats, LOADED):
            self._known.add(chat.address)
            if not chat.private:
                self._groups.add(chat.address)

    async def settle_outgoing(self) -> None:
        """Make what a platform where nobody can answer writes to its home channel: no message could make it so."""
        for (platform, account), adapter in self._adapters.items():
            home = await self._database.read(channels.home, platform)
            if not adapter.capabilities.receives and (home is None or home.account != account):
                outgoing = Address(platform, account, OUTGOING)
                await self._database.write(channels.set_home, outgoing, actor="settings")
                self._homes.add(platform)

    def is_group(self, chat: Address) -> bool:
        """Tell whether several people read a chat."""
        return Address(*chat[:3]) in self._groups

    def is_news(self, chat: Address, actor: str) -> bool:
        """Tell whether somebody's message has to be remembered: a new chat, or an owner where there is no home."""
        return chat not in self._known or (
            self._may_have_home(chat)
            and chat.platform not in self._homes
            and self._access.principal_of(actor).role is Role.OWNER
        )

    def _may_have_home(self, chat: Address) -> bool:
        adapter = self._adapters.get((chat.platform, chat.account))
        # What is said to a task is said in a chat of its own, in which nobody looks for anything else.
        return adapter is not None and adapter.capabilities.lasting and not chat.chat.startswith(TASK_CHAT)

    async def remember(self, number: int) -> None:
        """Take note of the chat of an inbox row."""
        row = await self._database.read(inbox.get, number)
        if row is None or row.inbound.kind is InboundKind.INTERNAL:
            return
        inbound = row.inbound
        chat = Address(*inbound.address[:3])
        self._known.add(chat)
        if not inbound.private:
            self._groups.add(chat)
        title = inbound.sender.name if inbound.private else ""
        principal = self._access.principal(inbound)
        home = inbound.private and self._may_have_home(chat) and principal.role is Role.OWNER

        def commit(tx: Unit) -> None:
            channels.seen(tx, chat, title, private=inbound.private)
            if home:
                channels.set_first_home(tx, inbound.address, actor=principal.id)

        await self._database.write(commit)
        if home:
            self._homes.add(chat.platform)
