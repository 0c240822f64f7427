"""What every fake server is: a program on a loopback socket that comes and goes, errs on demand and is waited for."""

import argparse
import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, Self, TypeVar

from aiohttp import web

from tests.fakes import faults
from tests.fakes.changes import Changes

MAX_BODY = 64 << 20

T = TypeVar("T")


class Recorded(Protocol):
    """A request as a server remembers it, with what it was answered."""

    status: int
    error: str


class Loopback:
    """A server on loopback; who inherits adds the routes. Its world outlives ``stop``: ``start(port)`` came back."""

    def __init__(self) -> None:
        self.port = 0
        self.faults = faults.FaultPlan()
        self._changes = Changes()
        self._runner: web.AppRunner | None = None

    @property
    def root(self) -> str:
        """The server's address, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add what the server answers to."""
        raise NotImplementedError

    def summary(self) -> str:
        """Say in one line what the server has seen, for the message of a failed test."""
        return ""

    async def start(self, port: int = 0) -> Self:
        """Listen on loopback; 0 takes a free port."""
        app = web.Application(client_max_size=MAX_BODY)
        self.add_routes(app.router)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port, backlog=1024, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def stop(self) -> None:
        """Close every connection."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def changed(self) -> None:
        """Wake whoever waits."""
        self._changes.notify()

    async def wait_for(self, condition: Callable[[], T], *, within: float = 20.0) -> T:
        """Return the first truthy value of ``condition``, asked again whenever something happens here."""
        try:
            return await self._changes.wait_for(condition, within=within)
        except TimeoutError:
            raise TimeoutError(f"not within {within} s; {self.summary()}") from None

    async def carry_out(
        self, request: web.Request, name: str, call: Recorded, respond: faults.Respond
    ) -> web.StreamResponse:
        """Answer a request that was recorded, with the fault that is planned for it."""
        fault = self.faults.take(name, call)
        if isinstance(fault, faults.Refuse):
            call.status, call.error = fault.status, fault.body.decode()
        self.changed()
        return await faults.answer(request, fault, respond)


def run_alone(
    server: Loopback,
    description: str,
    known: Callable[[], Mapping[str, Any]],
    arguments: Sequence[str] | None = None,
) -> None:
    """Run a server as a program of its own, which prints what ``known`` to its clients as one JSON line."""
    parser = argparse.ArgumentParser(description=f"{description} for tests, on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--seconds", type=float, default=3600, help="stops by itself after this time")
    options = parser.parse_args(arguments)

    async def serve() -> None:
        await server.start(options.port)
        print(json.dumps(known()), flush=True)  # noqa: T201
        await asyncio.sleep(options.seconds)
        await server.stop()

    asyncio.run(serve())
