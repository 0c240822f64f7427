"""The dead-man signal: an address is fetched while all is well, so that somebody else notices when it is not."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

import httpx

from approvals.settings import ApprovalSettings

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 20.0


class DeadManSignal:
    """Fetches ``approvals.alive_url`` every few minutes while ``healthy()``; a failure is logged, nothing more."""

    def __init__(self, settings: ApprovalSettings, healthy: Callable[[], bool]) -> None:
        self._settings = settings
        self._healthy = healthy
        self._changed = asyncio.Event()

    def configure(self, settings: ApprovalSettings) -> None:
        """Use new settings."""
        self._settings = settings
        self._changed.set()

    async def run(self) -> None:
        """Signal until cancelled; waits where no address is set."""
        while True:
            self._changed.clear()
            if self._settings.alive_url and self._healthy():
                await self._signal(self._settings.alive_url)
            pause = self._settings.alive_minutes * 60 if self._settings.alive_url else None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._changed.wait()

    async def _signal(self, url: str) -> None:
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
                (await client.get(url)).raise_for_status()
        except httpx.HTTPError as error:
            log.warning("The dead-man signal did not arrive: %s", type(error).__name__)
