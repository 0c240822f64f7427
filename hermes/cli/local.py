"""Working on the store directly, while no daemon does."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from hermes.home import Home
from kernel.bus import Bus
from kernel.clock import SystemClock
from kernel.people import Principal, Role, Scope
from store.database import Database
from store.lock import HomeLock

# Whoever can read the home's files is its owner.
OPERATOR = Principal("cli", Role.OWNER, scopes=frozenset(Scope))


@asynccontextmanager
async def opened(home: Home) -> AsyncGenerator[Database]:
    """Open the home's database under its lock; raises HomeLocked where somebody else has it."""
    home.prepare()
    with HomeLock.acquire(home.root, "embedded"):
        database = await Database.open(home.database, clock=SystemClock(), bus=Bus())
        try:
            yield database
        finally:
            await database.close()
