"""Looking into the store for what must not be: the invariants, the trail, stored secrets.

All of it reads on connections that can neither write nor checkpoint, so a daemon may be at work meanwhile.
"""

import asyncio
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from hermes.home import Home
from kernel.clock import Clock
from kernel.errors import NotFound
from store import events, glance, invariants
from store.chain import Anchor, Verdict
from store.database import Database
from store.invariants import Finding
from store.units import Query

P = ParamSpec("P")
T = TypeVar("T")

GRACE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Glances:
    """The reading side of a database, each read on a connection of its own."""

    path: Path

    async def read(self, fn: Callable[Concatenate[Query, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function on one snapshot."""
        return await asyncio.to_thread(glance.glance, self.path, fn, *args, **kwargs)


def database_of(home: Home) -> Path:
    """Return the home's database; raise NotFound where there is none yet."""
    if not home.database.exists():
        raise NotFound(
            f"There is no database in {home.root}.", remedy="The first start of a gateway creates it."
        )
    return home.database


def check(home: Home, secrets: Iterable[str], clock: Clock, *, grace: float = GRACE_SECONDS) -> list[Finding]:
    """Return what breaks the invariants in a copy of the database, the event chain included.

    ``grace`` is the age in seconds up to which something open counts as being on its way.
    """
    source = database_of(home)
    before = clock.now() - int(grace * 1000)
    with tempfile.TemporaryDirectory(
        prefix="audit-", dir=home.state if home.state.is_dir() else None
    ) as scratch:
        return invariants.inspect(source, Path(scratch), before=before, secrets=secrets)


def verify(home: Home, anchors: Iterable[Anchor] = ()) -> Verdict:
    """Check the chain of events from its beginning, and against anchors that were exported before."""
    return asyncio.run(events.verify(_reading(home), anchors))


def export(home: Home, write: Callable[[str], Any], *, after: int = 0) -> Anchor:
    """Write the events behind ``after`` as JSON lines with an anchor as the last one; return the anchor."""
    return asyncio.run(events.export(_reading(home), write, after=after))


def _reading(home: Home) -> Database:
    # Verifying and exporting only ever read.
    return cast(Database, Glances(database_of(home)))
