"""Chats: which ones Hermes has seen, which have several readers, and where home is."""

from collections.abc import Mapping

from gateway.access import Access
from gateway.adapter import Adapter
from kernel.messages import Address, InboundKind
from kernel.people import Role
from store import channels, inbox
from store.database import Database

LOADED = 10_000


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

    async def load(self) -> None:
        """Read the chats seen before."""
        for chat in await self._database.read(channels.chats, LOADED):
            self._known.add(chat.address)
            if not chat.private:
                self._groups.add(chat.address)

    def is_group(self, chat: Address) -> bool:
        """Tell whether several people read a chat."""
        return Address(*chat[:3]) in self._groups

    def is_known(self, chat: Address) -> bool:
        """Tell whether a chat was seen before."""
        return chat in self._known

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
        await self._database.write(channels.seen, chat, title, private=inbound.private)
        principal = self._access.principal(inbound)
        adapter = self._adapters.get((chat.platform, chat.account))
        lasting = adapter is not None and adapter.capabilities.lasting
        if inbound.private and lasting and principal.role is Role.OWNER:
            await self._database.write(channels.set_first_home, inbound.address, actor=principal.id)
