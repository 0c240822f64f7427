"""Items that sources publish, and which of them are new."""

from collections.abc import Sequence
from dataclasses import dataclass

from cron.recipes.cursors import digest

HOUR_MS = 3_600_000
# A source that is read for the first time and dates nothing: its first few count as new.
FIRST_UNDATED = 3


@dataclass(frozen=True, slots=True)
class Item:
    """Something a source published; ``at`` is in milliseconds (0: not said), ``source`` its title."""

    id: str
    title: str
    link: str = ""
    author: str = ""
    text: str = ""
    at: int = 0
    source: str = ""

    @property
    def key(self) -> str:
        """The item's name for comparing."""
        return digest(self.id)


def new_of(items: Sequence[Item], seen: Sequence[str]) -> list[Item]:
    """Return items that were not seen, each once."""
    known = set(seen)
    fresh: dict[str, Item] = {}
    for item in items:
        if item.key not in known:
            fresh.setdefault(item.key, item)
    return list(fresh.values())


def first_of(items: Sequence[Item]) -> list[Item]:
    """Return what counts as new in a source that is read for the first time: what is dated, and a few that are not."""
    undated = [item for item in items if not item.at][:FIRST_UNDATED]
    return [item for item in items if item.at or item in undated]
