"""Logs of attempts and files of tasks: removed when their days are over, with a receipt, and never what is open."""

import asyncio
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

from board.room import Room
from board.settings import HOUR_MS
from kernel.errors import HermesError, NotFound
from kernel.states import TaskState
from store import artifacts, tasks
from store.units import Unit

log = logging.getLogger(__name__)

DAY_MS = 24 * HOUR_MS
FIRST_SECONDS, EVERY_SECONDS = 300.0, 3600.0
OVER = (TaskState.DONE, TaskState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Old:
    """What of a task lies in the board's folders and was not touched for as long as such a thing is kept."""

    task_id: int
    paths: tuple[Path, ...]
    size: int


class Keeper:
    """Removes what is past its days, now and then."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def run(self) -> None:
        """Tidy up until cancelled."""
        await asyncio.sleep(FIRST_SECONDS)
        while True:
            try:
                await self.tidy()
            except HermesError as error:
                # A full disk or a damaged store is told elsewhere; the next round comes.
                log.warning("Old files of tasks could not be removed: %s", error)
            await asyncio.sleep(EVERY_SECONDS)

    async def tidy(self) -> int:
        """Remove what is past its days now; return how many tasks that concerned."""
        settings = self._room.settings
        gone = await self._removed(self._room.logs, "logs", settings.log_days)
        return gone + await self._removed(self._room.artifacts, "files", settings.file_days)

    async def _removed(self, folder: Path, what: str, days: int) -> int:
        if not days:
            return 0
        limit = self._room.clock.now() - days * DAY_MS
        count = 0
        for old in await asyncio.to_thread(_old, folder, limit / 1000):
            # The receipt is committed first: a kill in between leaves files that the next round finds again.
            if await self._room.database.write(_receipt, old, what, limit):
                await asyncio.to_thread(_remove, old.paths)
                count += 1
        return count


def _old(folder: Path, limit: float) -> list[Old]:
    """Return what lies in a folder since before ``limit`` (seconds), by task; names begin with the task's number."""
    found: dict[int, list[Path]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        number = path.name.partition("-")[0]
        if number.isdigit() and path.stat().st_mtime < limit:
            found.setdefault(int(number), []).append(path)
    return [Old(id, tuple(paths), sum(map(_size, paths))) for id, paths in found.items()]


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else (path,)
    return sum(file.stat().st_size for file in files if file.is_file())


def _receipt(tx: Unit, old: Old, what: str, limit: int) -> bool:
    """Note what is removed of a task; tell whether it may be: only once the task has been over for so long."""
    try:
        task = tasks.get(tx, old.task_id)
    except NotFound:
        return False
    if task.state not in OVER or task.ended_at >= limit:
        return False
    if what == "files":
        artifacts.remove(tx, task.id)
    tx.emit("task.prune", str(task.id), what=what, count=len(old.paths), bytes=old.size)
    return True


def _remove(paths: tuple[Path, ...]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
