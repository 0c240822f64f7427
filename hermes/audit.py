"""Looking into the store for what must not be: the invariants, the trail, stored secrets."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from hermes.home import Home
from kernel.clock import Clock
from kernel.errors import NotFound
from store import invariants
from store.invariants import Finding

GRACE_SECONDS = 30.0


def database_of(home: Home) -> Path:
    """Return the home's database; raise NotFound where there is none yet."""
    if not home.database.exists():
        raise NotFound(
            f"There is no database in {home.root}.", remedy="The first start of a gateway creates it."
        )
    return home.database


def check(home: Home, secrets: Iterable[str], clock: Clock, *, grace: float = GRACE_SECONDS) -> list[Finding]:
    """Return what breaks the invariants in a copy of the database, which a daemon may be using meanwhile.

    ``grace`` is the age in seconds up to which something open counts as being on its way.
    """
    source = database_of(home)
    before = clock.now() - int(grace * 1000)
    with tempfile.TemporaryDirectory(
        prefix="audit-", dir=home.state if home.state.is_dir() else None
    ) as scratch:
        return invariants.inspect(source, Path(scratch), before=before, secrets=secrets)
