"""Targets: where somebody wants a conversation to go, and whether they may speak there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.access import Access
from gateway.adapter import Adapter, FreshChats, Names, Threads, ability
from gateway.keys import session_key
from gateway.supervisor import Connection
from kernel.errors import AccessDenied, InvalidInput, NotFound, PlatformUnavailable
from kernel.messages import Address, Inbound, Sender, parse_address
from kernel.people import Principal, Role
from store import channels, handoffs
from store.database import Database
from store.handoffs import Plan

MAIN = "main"
LOCAL_OWNER = "owner"
ME = "me"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for a handoff, and from which place."""

    principal: Principal
    place: Address


@dataclass(frozen=True, slots=True)
class Surfaces:
    """What a target may be: the adapters and their connections by platform and account.

    ``is_group`` tells whether several people read a chat, ``shared()`` whether a group has one session for all.
    """

    adapters: Mapping[tuple[str, str], Adapter]
    connections: Mapping[tuple[str, str], Connection]
    is_group: Callable[[Address], bool]
    shared: Callable[[], bool]

    def adapter(self, address: Address) -> Adapter:
        """Return the adapter of an address; raise InvalidInput where its platform is not configured."""
        found = self.adapters.get((address.platform, address.account))
        if found is None:
            names = ", ".join(sorted({key[0] for key in self.adapters}))
            raise InvalidInput(
                f"There is no platform {address.platform!r} here.", remedy=f"There are: {names}."
            )
        return found

    def key(self, place: Address, sender: str, *, private: bool) -> str:
        """Return the key at which a conversation of somebody answers in a place."""
        inbound = Inbound(place, "", "", Sender(sender), private=private)
        return session_key(inbound, shared_groups=self.shared())


class Targets:
    """Turns what a person wrote into a plan."""

    def __init__(self, database: Database, access: Access, surfaces: Surfaces) -> None:
        self._database = database
        self._access = access
        self._surfaces = surfaces

    async def plan(self, asker: Asker, text: str, note: str, *, when_idle: bool) -> Plan:
        """Return the plan of a handoff to ``platform``, ``platform:chat[:thread]``, a chat's nickname or ``me``.

        Raises InvalidInput, NotFound, AccessDenied or PlatformUnavailable, each with the way out.
        """
        text = await self._spelled_out(text)
        to = await self.address(asker, text)
        adapter = self._surfaces.adapter(to)
        connection = self._surfaces.connections[to.platform, to.account]
        if not connection.takes_messages:
            raise PlatformUnavailable(f"{to.platform} cannot be reached now: {connection.sentence}")
        private = not adapter.capabilities.remote or not self._surfaces.is_group(to)
        sender = await self._sender(asker.principal, adapter, to)
        opens = ability(adapter, Threads) is not None or self._opens_chats(adapter, text)
        fresh = to.thread is None and opens
        return Plan(to, fresh, private, sender, asker.principal.id, note, when_idle)

    async def _spelled_out(self, text: str) -> str:
        """Return the address behind a name that somebody gave to a chat; other texts as they are."""
        named = await self._database.read(channels.named, text.strip().casefold())
        return str(named) if named else text

    @staticmethod
    def _opens_chats(adapter: Adapter, text: str) -> bool:
        """Tell whether only a platform was named, and each conversation has a chat of its own there."""
        return ":" not in text and ability(adapter, FreshChats) is not None

    async def address(self, asker: Asker, text: str) -> Address:
        """Return the chat or thread that a text names; raise NotFound or AccessDenied."""
        wanted = text.strip()
        if wanted == ME:
            return await self._mine(asker)
        if ":" not in wanted:
            return await self._home(asker, wanted)
        address = await self._with_account(parse_address(wanted))
        await self._check(asker.principal, address)
        return address

    async def _with_account(self, address: Address) -> Address:
        account = await self._database.read(channels.account_of, address.platform, address.chat)
        accounts = [key[1] for key in self._surfaces.adapters if key[0] == address.platform]
        return address._replace(account=account or (accounts[0] if accounts else ""))

    async def _home(self, asker: Asker, platform: str) -> Address:
        """Return a platform's home channel; the surfaces of this machine need none."""
        bare = await self._with_account(Address(platform, "", MAIN))
        adapter = self._surfaces.adapter(bare)
        if not adapter.capabilities.remote:
            await self._check(asker.principal, bare)
            return bare
        home = await self._database.read(channels.home, platform)
        if home is None:
            raise NotFound(
                f"{platform} has no home channel yet.",
                remedy=f"Write /sethome in the chat on {platform} that should be it, or name one: {platform}:CHAT.",
            )
        await self._check(asker.principal, home)
        return home

    async def _mine(self, asker: Asker) -> Address:
        """Return where the person is most likely to look: a home channel elsewhere, or their own chat with us."""
        if asker.principal.role is Role.OWNER:
            homes = await self._database.read(channels.homes)
            remote = [
                home
                for platform, home in homes.items()
                if platform != asker.place.platform and self._takes_messages(home)
            ]
            if remote:
                return remote[0]
        own = await self._database.read(handoffs.private_chat, asker.principal.id)
        if own is None or own[:3] == asker.place[:3]:
            raise NotFound(
                "I know no other place of yours.", remedy="Name one: /handoff telegram, or platform:chat."
            )
        return own._replace(thread=None)

    def _takes_messages(self, place: Address) -> bool:
        connection = self._surfaces.connections.get((place.platform, place.account))
        return connection is not None and connection.takes_messages and connection.adapter.capabilities.remote

    async def _check(self, principal: Principal, address: Address) -> None:
        """Raise unless the chat is known and the person may speak in it."""
        adapter = self._surfaces.adapter(address)
        if not adapter.capabilities.remote:
            if principal.role is not Role.OWNER:
                raise AccessDenied(f"The {address.platform} belongs to the owner.")
            return
        wrote = await self._database.read(handoffs.wrote_in, address, principal.id)
        home = await self._database.read(channels.home, address.platform)
        is_home = home is not None and home[:3] == address[:3]
        if not (wrote or principal.role is Role.OWNER or (is_home and principal.role is Role.OPERATOR)):
            raise AccessDenied(
                f"You have not written in {address} yourself.",
                remedy="Write to me there first, then try again.",
            )
        if not (wrote or is_home or await self._known(adapter, address)):
            raise NotFound(
                f"I do not know the chat {address}.",
                remedy="/platforms lists those I know; write to me there first.",
            )

    async def _known(self, adapter: Adapter, address: Address) -> bool:
        if await self._database.read(channels.account_of, address.platform, address.chat):
            return True
        names = ability(adapter, Names)
        return names is not None and address.parent in await names.channels()

    async def _sender(self, principal: Principal, adapter: Adapter, to: Address) -> str:
        """Return who the person is on the platform of the target; raise AccessDenied where nobody knows."""
        platform, _, id = principal.id.partition(":")
        if platform == to.platform:
            return id
        if principal.role is Role.OWNER:
            if not adapter.capabilities.remote:
                return LOCAL_OWNER
            there = await self._database.read(handoffs.people_of, to)
            owners = [one for one in there if self._access.principal_of(one).role is Role.OWNER]
            for one in (*owners, *self._access.owners_on(to.platform)):
                return one.partition(":")[2]
        raise AccessDenied(
            f"I do not know who you are on {to.platform}.",
            remedy="Only an owner who is known there can hand over to another platform.",
        )
