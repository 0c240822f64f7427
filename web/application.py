"""Puts the room together: guard, endpoints, page and MCP as one ASGI application."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Scope

from kernel.errors import HermesError
from kernel.people import Scope as Permission
from web import rest
from web.access import Door, require
from web.chat.endpoints import ChatRoom
from web.chat.endpoints import endpoints as chat_endpoints
from web.chat.stream import Hub
from web.errors import on_any_error, on_hermes_error, on_http_error
from web.guard import Guard
from web.mcp_door import McpDoor
from web.openapi import describe
from web.pages.routes import Pages
from web.room import Call, Endpoint, Parts

METRICS = "text/plain; version=0.0.4; charset=utf-8"


def build(
    parts: Parts, door: Door, hub: Hub, mcp: McpDoor, version: str, drop: Callable[[Scope], None]
) -> ASGIApp:
    """Return the application."""
    endpoints = [*rest.endpoints(parts.operations), *chat_endpoints(ChatRoom(parts, hub, drop))]
    routes = [
        *(door.route(endpoint) for endpoint in endpoints),
        door.route(_description(endpoints, version)),
        Route("/healthz", Signs(parts, door).health, methods=["GET"]),
        Route("/metrics", Signs(parts, door).metrics, methods=["GET"]),
        Route("/mcp", mcp),
        *Pages(parts, door).routes(),
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={
            HermesError: on_hermes_error,
            HTTPException: on_http_error,
            Exception: on_any_error,
        },
    )
    app.router.redirect_slashes = False
    return Guard(app, parts.settings, parts.clock)


def _description(endpoints: list[Endpoint], version: str) -> Endpoint:
    document = describe(endpoints, version)

    async def run(_call: Call) -> Response:
        return JSONResponse(document)

    return Endpoint("GET", "/api/openapi.json", "openapi", "Describe this API.", Permission.READ, run)


class Signs:
    """What watches over the daemon reads here."""

    def __init__(self, parts: Parts, door: Door) -> None:
        self._parts = parts
        self._door = door

    async def health(self, request: Request) -> Response:
        """Tell whether the daemon makes progress; whoever may read is told more."""
        found = dict(self._parts.health())
        alive = bool(found.get("alive", True))
        visitor = await self._door.guest(request)
        details = found if visitor and visitor.principal.may(Permission.READ) else {}
        return JSONResponse(
            {**details, "status": "ok" if alive else "stalled"}, status_code=200 if alive else 503
        )

    async def metrics(self, request: Request) -> Response:
        """Return the figures in Prometheus's text format."""
        if not self._parts.settings.open_metrics:
            require(await self._door.visitor(request), Permission.READ)
        return PlainTextResponse(self._parts.metrics(), media_type=METRICS)
