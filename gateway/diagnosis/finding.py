"""Finding the report: the channel that somebody means, and the messages there that fit their words."""

import re
from collections.abc import Sequence

from board.diagnosis.cases import Report
from gateway.diagnosis.words import OWN
from gateway.directory import Directory, Place
from gateway.reading import ChannelReader
from kernel.errors import InvalidInput, NotFound
from kernel.messages import Address, Heard, parse_address
from kernel.people import Principal

LOOKED_AT = 200
OFFERED = 5
NAMED = 12
TEXT_KEPT = 4000
# Commands, and what Hermes has told there of reports before.
NO_REPORT = ("/", OWN)
WORD = re.compile(r"[^\W_][\w'-]*")
# Words that say that there is a report, and nothing about which.
COMMON = frozenset(
    """
    a an and about analyse analyze at bug bugs by check diagnose did error fault find fix for from have in
    is issue it look me of on or our please problem report reported reports said tell that the this to was
    were what who with you wrote
    """.split()  # noqa: SIM905 - a text of words reads better than a list
)


class Finder:
    """Finds reports as far as a person may read the channel they stand in."""

    def __init__(self, directory: Directory, reader: ChannelReader) -> None:
        self._directory = directory
        self._reader = reader

    async def channel(self, text: str) -> Address:
        """Return the channel behind an address, a nickname, or what the platform calls it, such as ``#bugs``.

        Raises NotFound where there is none, InvalidInput where several are called that.
        """
        written = text.strip()
        try:
            return await self._directory.resolve(written.removeprefix("#"))
        except NotFound:
            found = [one for one in await self._directory.places() if _called(one, written)]
        if not found:
            raise NotFound(f"I know no channel {written!r}.", remedy=await self._known())
        if len(found) > 1:
            there = ", ".join(f"{one.title} ({one.address})" for one in found[:OFFERED])
            raise InvalidInput(
                f"Several channels are called {written!r}: {there}.", remedy="Name its address."
            )
        return found[0].address

    async def called(self, channel: Address) -> str:
        """Return what people call a channel: a nickname, its platform's name, else its address."""
        places = {one.address: one for one in await self._directory.places(channel.platform)}
        place = places.get(channel) or Place(channel)
        return place.nickname or place.title.rpartition(" ")[2] or str(channel)

    async def _known(self) -> str:
        """Return which channels there are, as far as they have a name that could be typed."""
        there = [one for one in await self._directory.places() if not one.private]
        named = [one.nickname or one.title.rpartition(" ")[2] for one in there if one.nickname or one.title]
        names = ", ".join(dict.fromkeys(named[:NAMED]))
        return f"There are: {names}." if names else "`hermes channels list` shows those that I can read."

    async def reports(
        self, principal: Principal, channel: Address, words: str, *, here: Sequence[Address]
    ) -> tuple[Report, ...]:
        """Return the messages that have most of the words, the latest last; with no word that tells, the latest."""
        heard = await self._reader.look(principal, channel, "", LOOKED_AT, "", here=here)
        written = [one for one in heard if one.text.strip() and not one.text.startswith(NO_REPORT)]
        sought = [word for word in WORD.findall(words.casefold()) if word not in COMMON]
        fits = [(sum(word in one.text.casefold() for word in sought), one) for one in written]
        most = max((count for count, _ in fits), default=0)
        if sought and not most:
            return ()
        return tuple(_report(one, channel) for count, one in fits if count == most)[-OFFERED:]


def _called(place: Place, written: str) -> bool:
    name = written.removeprefix("#").casefold()
    title = place.title.casefold()
    return bool(name) and (title in (name, f"#{name}") or title.endswith((f" #{name}", f" / {name}")))


def _report(one: Heard, channel: Address) -> Report:
    place = parse_address(one.address, channel.account) if one.address else channel
    return Report(place, one.message_id, one.author, one.at, one.text[:TEXT_KEPT])
