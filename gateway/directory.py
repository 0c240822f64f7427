"""The directory: the chats Hermes knows, what people call them, and the address behind what somebody typed."""

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.adapter import Adapter, Names, ability
from kernel.clock import Clock
from kernel.errors import HermesError, InvalidInput, NotFound
from kernel.messages import Address, parse_address
from store import channels
from store.database import Database
from store.units import Query

log = logging.getLogger(__name__)

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
# Words that mean something else where a name may stand.
TAKEN = frozenset({"me", "here", "home", "all", "last"})
LISTED = 500
ASK_SECONDS = 10.0
FRESH_SECONDS = 60.0
TITLE_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Place:
    """A chat or channel.

    ``title`` is what the platform calls it (of unknown origin, one line), ``nickname`` what a person here does;
    ``home`` says that notices of its platform go there; ``seen_at`` is 0 where nobody has written to Hermes yet.
    """

    address: Address
    title: str = ""
    nickname: str = ""
    private: bool = False
    home: bool = False
    seen_at: int = 0


class Directory:
    """Lists and names chats, and finds them by what people type."""

    def __init__(self, database: Database, adapters: Mapping[tuple[str, str], Adapter], clock: Clock) -> None:
        self._database = database
        self._adapters = adapters
        self._clock = clock
        self._asked: dict[tuple[str, str], tuple[float, Mapping[Address, str]]] = {}

    async def places(self, platform: str = "", limit: int = LISTED) -> list[Place]:
        """Return what is known, of one platform or of all: home channels first, then by name."""
        seen, homes, names = await self._database.read(_known)
        found = {
            chat.address: Place(chat.address, chat.title, "", chat.private, seen_at=chat.seen_at)
            for chat in seen
        }
        for address, title in (await self._from_platforms(platform)).items():
            old = found.get(address, Place(address))
            found[address] = Place(address, one_line(title), "", old.private, seen_at=old.seen_at)
        for address in (*homes.values(), *names.values()):
            found.setdefault(address, Place(address))
        called = {address: name for name, address in names.items()}
        full = [
            replace(
                one,
                title=one_line(one.title),
                nickname=called.get(one.address, ""),
                home=one.address in homes.values(),
            )
            for one in found.values()
            if platform in ("", one.address.platform)
        ]
        full.sort(key=lambda one: (not one.home, not one.nickname, -one.seen_at, str(one.address)))
        return full[:limit]

    async def _from_platforms(self, platform: str) -> dict[Address, str]:
        found: dict[Address, str] = {}
        for key, adapter in self._adapters.items():
            if platform in ("", key[0]):
                found |= await self._names(key, adapter)
        return found

    async def _names(self, key: tuple[str, str], adapter: Adapter) -> Mapping[Address, str]:
        """Ask a platform, once a minute at most; one that does not answer leaves what was known."""
        names, now = ability(adapter, Names), self._clock.monotonic()
        asked, known = self._asked.get(key, (-FRESH_SECONDS, {}))
        if names is None or now - asked < FRESH_SECONDS:
            return known
        try:
            async with asyncio.timeout(ASK_SECONDS):
                known = await names.channels()
        except (HermesError, TimeoutError) as error:
            log.info("%s does not tell its channels: %s", key[0], error)
        self._asked[key] = now, known
        return known

    async def resolve(self, text: str) -> Address:
        """Return the address of ``platform:chat[:thread]``, a nickname, or a platform's name for its home channel.

        Raises InvalidInput for a platform that is not there, NotFound for a name that nobody gave.
        """
        written = text.strip()
        if ":" in written:
            return await self._full(parse_address(written))
        found = await self._database.read(channels.named, written.casefold())
        found = found or await self._database.read(channels.home, written)
        if found is None:
            raise NotFound(
                f"Nothing is called {written!r}, and no platform of that name has a home channel.",
                remedy="`hermes channels list` and /platforms show what is known; /sethome makes a home channel.",
            )
        return found

    async def _full(self, address: Address) -> Address:
        """Return an address with the account that reaches it."""
        accounts = [key[1] for key in self._adapters if key[0] == address.platform]
        if not accounts:
            there = ", ".join(sorted({key[0] for key in self._adapters}))
            raise InvalidInput(f"There is no platform {address.platform!r}.", remedy=f"There are: {there}.")
        known = await self._database.read(channels.account_of, address.platform, address.chat)
        return address._replace(account=known if known in accounts else accounts[0])

    async def name(self, text: str, name: str, *, actor: str) -> Address:
        """Call what ``text`` means by a name from now on; raise InvalidInput for a name that cannot be one."""
        called = name.strip().casefold()
        platforms = {key[0] for key in self._adapters}
        if not NAME.fullmatch(called) or called in TAKEN | platforms:
            raise InvalidInput(
                f"{name!r} cannot be a name.",
                remedy="Use up to 32 of a-z 0-9 . _ - that are no platform's name.",
            )
        address = await self.resolve(text)
        await self._database.write(channels.give_name, called, address, actor=actor)
        return address

    async def forget(self, name: str, *, actor: str) -> None:
        """Forget a name; raise NotFound where there is none."""
        if not await self._database.write(channels.take_name, name.strip().casefold(), actor=actor):
            raise NotFound(f"Nothing is called {name!r}.")


def _known(q: Query) -> tuple[list[channels.Chat], dict[str, Address], dict[str, Address]]:
    return channels.chats(q, LISTED), channels.homes(q), channels.nicknames(q)


def one_line(title: str) -> str:
    """Return a title from elsewhere as one short line without backticks."""
    return " ".join(title.replace("`", "'").split())[:TITLE_LENGTH]
