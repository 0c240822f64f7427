"""Faults that a fake server commits on demand, chosen by method and counted."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

ANY = "*"


@dataclass(frozen=True, slots=True)
class Delay:
    """The request is served, `seconds` late."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hang:
    """The request is read and then nothing happens: it is not carried out, no byte is answered."""


@dataclass(frozen=True, slots=True)
class DropBefore:
    """The connection breaks before the request is carried out."""


@dataclass(frozen=True, slots=True)
class DropAfter:
    """The request is carried out and the connection breaks before the answer."""


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """The request is carried out, half of the answer arrives, and the socket then stays silent and open."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The request is not carried out and gets this HTTP answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content_type: str = "application/json"


def server_error(status: int = 502) -> Refuse:
    """Return a gateway's error page, which is not JSON."""
    return Refuse(status, b"<html><body>Bad Gateway</body></html>", content_type="text/html")


Fault = Delay | Hang | DropBefore | DropAfter | HalfOpen | Refuse


@dataclass(slots=True)
class _Planned:
    """One fault waiting for its requests."""

    fault: Fault
    skip: int
    left: int | None
    where: Callable[[Any], bool]

    def claim(self, request: Any) -> bool:
        """Tell whether this request gets the fault, and count it."""
        if self.left == 0 or not self.where(request):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.left is not None:
            self.left -= 1
        return True


def _always(_request: Any) -> bool:
    return True


class FaultPlan:
    """Which requests go wrong, and how: the oldest fault that fits a request is used first."""

    def __init__(self) -> None:
        self._planned: dict[str, list[_Planned]] = {}

    def add(
        self,
        method: str,
        fault: Fault,
        *,
        times: int | None = 1,
        skip: int = 0,
        where: Callable[[Any], bool] = _always,
    ) -> None:
        """Plan `fault` for `times` (None: all) requests to `method` (`*`: any), after `skip` good ones."""
        self._planned.setdefault(method, []).append(_Planned(fault, skip, times, where))

    def take(self, method: str, request: Any = None) -> Fault | None:
        """Return the fault this request gets, or None."""
        for planned in [*self._planned.get(method, ()), *self._planned.get(ANY, ())]:
            if planned.claim(request):
                return planned.fault
        return None

    def clear(self, method: str | None = None) -> None:
        """Forget the faults of one method, or of all."""
        if method is None:
            self._planned.clear()
        else:
            self._planned.pop(method, None)


Respond = Callable[[], Awaitable[web.StreamResponse]]


async def answer(request: web.Request, fault: Fault | None, respond: Respond) -> web.StreamResponse:
    """Serve one request, with the fault planned for it."""
    match fault:
        case None:
            return await respond()
        case Delay(seconds):
            await asyncio.sleep(seconds)
            return await respond()
        case Refuse():
            return web.Response(
                status=fault.status, body=fault.body, headers=fault.headers, content_type=fault.content_type
            )
        case Hang():
            return await silence()
        case DropBefore():
            return await cut(request)
        case DropAfter():
            await respond()
            return await cut(request)
        case HalfOpen():
            return await _half_answer(request, await respond())


async def silence() -> web.StreamResponse:
    """Never return: the wait ends when the client hangs up or the server stops."""
    await asyncio.Event().wait()
    raise AssertionError("nobody sets this event")


async def cut(request: web.Request) -> web.StreamResponse:
    """Break the connection at once, without the rest of the answer."""
    if request.transport is not None:
        request.transport.abort()
    return await silence()


async def _half_answer(request: web.Request, whole: web.StreamResponse) -> web.StreamResponse:
    body = whole.body if isinstance(whole, web.Response) else b""
    if not isinstance(body, bytes):
        body = b""
    half = web.StreamResponse(
        headers={"Content-Type": "application/json", "Content-Length": str(len(body) + 2)}
    )
    await half.prepare(request)
    await half.write(body[: len(body) // 2] or b"{")
    return await silence()
