"""The dead-man signal: an address is fetched while all is well, so that somebody else notices when it is not."""

import asyncio
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

    async def run(self) -> None:
        """Signal until cancelled; does nothing where no address is set."""
        if not self._settings.alive_url:
            return
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
            while True:
                if self._healthy():
                    await self._signal(client)
                await asyncio.sleep(self._settings.alive_minutes * 60)

    async def _signal(self, client: httpx.AsyncClient) -> None:
        try:
            (await client.get(self._settings.alive_url)).raise_for_status()
        except httpx.HTTPError as error:
            log.warning("The dead-man signal did not arrive: %s", type(error).__name__)
