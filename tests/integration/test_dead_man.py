"""The dead-man signal: an address is fetched while all is well, and never when it is not."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from approvals.settings import ApprovalSettings
from gateway.approvals.alive import DeadManSignal
from tests.fakes.changes import Changes


class Switch:
    """The far end of a dead-man's switch; ``status`` is what it answers."""

    def __init__(self) -> None:
        self.heard = 0
        self.status = 200
        self.url = ""
        self.changes = Changes()

    async def answer(self, _request: web.Request) -> web.Response:
        self.heard += 1
        self.changes.notify()
        return web.Response(status=self.status)


@pytest.fixture
async def switch() -> AsyncIterator[Switch]:
    far = Switch()
    app = web.Application()
    app.router.add_get("/alive", far.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    far.url = f"http://127.0.0.1:{runner.addresses[0][1]}/alive"
    yield far
    await runner.cleanup()


async def test_the_address_is_fetched_from_the_moment_it_is_set_and_not_while_unwell(switch: Switch) -> None:
    well = True
    signal = DeadManSignal(ApprovalSettings(), lambda: well)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(signal.run())
        signal.configure(ApprovalSettings(alive_url=switch.url))
        await switch.changes.wait_for(lambda: switch.heard == 1, within=5)
        switch.status = 500
        signal.configure(ApprovalSettings(alive_url=switch.url, alive_minutes=2))
        await switch.changes.wait_for(lambda: switch.heard == 2, within=5)
        well = False
        signal.configure(ApprovalSettings(alive_url=switch.url))
        for _ in range(20):
            await asyncio.sleep(0)
        well = True
        signal.configure(ApprovalSettings())
        for _ in range(20):
            await asyncio.sleep(0)
        running.cancel()
    assert switch.heard == 2
