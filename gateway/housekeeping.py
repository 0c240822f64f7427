"""Housekeeping: what is old is erased as the settings say; nothing unsent, unanswered or undecided ever is."""

import asyncio
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

from kernel.clock import Clock
from store import events, retention
from store.database import Database

log = logging.getLogger(__name__)

DAY_MS = 86_400_000
FIRST_SECONDS = 600.0
EVERY_SECONDS = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Retention:
    """Days that things are kept; 0 keeps them for ever."""

    message_days: int = 0
    event_days: int = 0
    media_days: int = 90


class Housekeeping:
    """Erases conversations, events and files past their days; ``media`` is the folder of received files."""

    def __init__(self, database: Database, clock: Clock, kept: Retention, media: Path) -> None:
        self._database = database
        self._clock = clock
        self._kept = kept
        self._media = media

    async def run(self) -> None:
        """Tidy up now and then until cancelled."""
        await asyncio.sleep(FIRST_SECONDS)
        while True:
            await self.tidy()
            await asyncio.sleep(EVERY_SECONDS)

    async def tidy(self) -> None:
        """Erase what is past its days now."""
        now = self._clock.now()
        if self._kept.message_days:
            await self._forget_before(now - self._kept.message_days * DAY_MS)
        if self._kept.event_days:
            await events.prune(self._database, now - self._kept.event_days * DAY_MS)
        await self._database.write(retention.remove_spent, now)
        await asyncio.to_thread(_remove_files, self._media, (now - self._kept.media_days * DAY_MS) / 1000)

    async def _forget_before(self, limit: int) -> None:
        for session_id in await self._database.read(retention.idle_sessions, limit):
            await self._database.write(retention.forget, session_id)
            await asyncio.to_thread(shutil.rmtree, self._media / session_id, ignore_errors=True)
            log.info("Session %s was erased: its days are over.", session_id)


def _remove_files(folder: Path, limit: float) -> None:
    """Remove files that were last changed before ``limit`` (seconds since the epoch), and folders left empty."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file() and path.stat().st_mtime < limit:
            path.unlink(missing_ok=True)
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
