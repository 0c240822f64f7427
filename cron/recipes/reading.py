"""Sources that are read one after the other: what fails is noted, and the others are read all the same."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from cron.recipe import Http, RecipeFailed, Reply
from cron.recipes import cursors
from cron.recipes.items import HOUR_MS, Item, first_of, new_of

OK = 200
NOT_MODIFIED = 304
REFUSED = (401, 403)
PORTS = {"http": 80, "https": 443}


@dataclass(slots=True)
class Round:
    """One run over all sources: what is new, what could not be read, and what to remember of each."""

    before: Mapping[str, Any]
    now: int
    hours: float
    new: list[Item] = field(default_factory=list[Item])
    failed: dict[str, str] = field(default_factory=dict[str, str])
    sources: dict[str, Any] = field(default_factory=dict[str, Any])

    async def read(self, name: str, reader: Callable[[Mapping[str, Any]], Awaitable["Page"]]) -> None:
        """Read one source, giving its reader what was remembered of it."""
        memory = cursors.group(cursors.group(self.before, "sources"), name)
        try:
            page = await reader(memory)
        except RecipeFailed as error:
            self.failed[name] = error.message
            if memory:
                self.sources[name] = memory
            return
        seen = cursors.words(memory, "seen")
        # What is older than a source's first reading reached is not new, however it comes to light later.
        since = cursors.number(memory, "since") or self.now - int(self.hours * HOUR_MS)
        fresh = [item for item in new_of(page.items, seen) if not item.at or item.at >= since]
        self.new += fresh if "seen" in memory else first_of(fresh)
        seen = cursors.remembered([item.key for item in page.items], seen)
        self.sources[name] = {"seen": seen, "since": since, **page.memory}

    @property
    def news_of_failures(self) -> bool:
        """Whether other sources fail than failed in the run before."""
        return sorted(self.failed) != cursors.words(self.before, "failing")

    def cursor(self) -> str:
        """Return what to remember; sources that are not read any more are forgotten."""
        return cursors.dumped({"sources": self.sources, "failing": sorted(self.failed)})

    def complaints(self) -> str:
        """Return what could not be read, as Markdown."""
        return "\n".join(f"- Not read: {message}" for message in self.failed.values())


@dataclass(frozen=True, slots=True)
class Page:
    """What a source gave: its items, and what to remember of it beside them."""

    items: list[Item]
    memory: Mapping[str, Any] = field(default_factory=dict[str, Any])


def all_failed(found: Round) -> None:
    """Raise RecipeFailed where not one source could be read."""
    if found.failed and len(found.failed) == len(found.sources | dict.fromkeys(found.failed)):
        raise RecipeFailed(" ".join(found.failed.values()))


async def closed(http: Http, url: str) -> None:
    """Raise RecipeFailed where what is sent to an address could be read on the way: a secret does not go there."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        raise RecipeFailed(f"{url} is no address.") from None
    if parts.scheme != "https" and not ip_address(await http.address(host, port)).is_loopback:
        raise RecipeFailed(f"A secret is not sent to {host} without TLS.", remedy="Use an https address.")


async def fetched(http: Http, url: str, headers: Mapping[str, str]) -> Reply:
    """Return an answer that has content, or says that nothing has changed; raise RecipeFailed for any other."""
    reply = await http.get(url, headers=headers)
    if reply.status not in (OK, NOT_MODIFIED):
        remedy = "Is the secret right, and may it read this?" if reply.status in REFUSED else ""
        raise RecipeFailed(f"{url} answered {reply.status}.", remedy=remedy)
    return reply
