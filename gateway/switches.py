"""Switches: connections that a person paused stay so over a restart."""

from collections.abc import Iterable, Mapping

from gateway.supervisor import Connection
from kernel.errors import InvalidInput
from store import marks
from store.database import Database
from store.units import Query, Unit

PAUSED = "paused:"


class Switches:
    """Pauses and resumes connections by their platform's name."""

    def __init__(self, database: Database, connections: Mapping[tuple[str, str], Connection]) -> None:
        self._database = database
        self._connections = connections

    async def load(self) -> None:
        """Before the adapters start, pause what a person paused earlier."""
        names = {item.name for item in self._connections.values()}
        for name in await self._database.read(_paused, names):
            for connection in self._of(name):
                connection.pause()

    def _of(self, name: str) -> list[Connection]:
        found = [item for item in self._connections.values() if item.name == name]
        if not found:
            names = ", ".join(sorted({item.name for item in self._connections.values()}))
            raise InvalidInput(f"There is no platform {name!r}.", remedy=f"There are: {names}.")
        return found

    async def pause(self, name: str, *, actor: str) -> str:
        """Pause a platform until somebody resumes it; return a sentence."""
        found = self._of(name)
        await self._database.write(_switch, name, "pause", actor)
        for connection in found:
            connection.pause()
        return f"{name} is paused; it stays so until you resume it."

    async def resume(self, name: str, *, actor: str) -> str:
        """Resume a platform, or try it again at once; return a sentence."""
        found = self._of(name)
        await self._database.write(_switch, name, "resume", actor)
        for connection in found:
            connection.resume()
        return f"{name} is resumed."


def _paused(q: Query, names: Iterable[str]) -> list[str]:
    return [name for name in names if marks.get(q, PAUSED + name)]


def _switch(tx: Unit, name: str, verb: str, actor: str) -> None:
    if verb == "pause":
        marks.put(tx, PAUSED + name, actor)
        tx.emit("platform.pause", name, actor=actor)
    else:
        marks.take(tx, PAUSED + name)
        tx.emit("platform.resume", name, actor=actor)
