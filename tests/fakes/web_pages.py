"""Pages on loopback: what a test puts there, with validators, redirects and failures."""

import hashlib
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], web.Response]


@dataclass(slots=True)
class WebPages:
    """A web server: ``pages`` by path are what a request gets, ``requests`` are all that came."""

    pages: dict[str, Handler] = field(default_factory=dict)
    requests: list[web.BaseRequest] = field(default_factory=list)
    url: str = ""

    def put(self, path: str, body: bytes | str, kind: str = "text/plain", *, etag: bool = False) -> str:
        """Serve a body and return its address; with ``etag`` an unchanged one is not sent again."""
        data = body.encode() if isinstance(body, str) else body
        mark = f'"{hashlib.sha256(data).hexdigest()[:12]}"'

        def page(request: web.Request) -> web.Response:
            if etag and request.headers.get("If-None-Match") == mark:
                return web.Response(status=304)
            headers = {"Content-Type": kind, **({"ETag": mark} if etag else {})}
            return web.Response(body=data, headers=headers)

        self.pages[path] = page
        return self.url + path

    def json(self, path: str, value: Any) -> str:
        """Serve a value as JSON."""
        return self.put(path, json.dumps(value), "application/json")

    def fail(self, path: str, status: int, body: str = "") -> str:
        """Serve a failure."""
        self.pages[path] = lambda _request: web.Response(status=status, text=body)
        return self.url + path

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        self.requests.append(request)
        page = self.pages.get(request.path)
        return page(request) if page else web.Response(status=404, text="{}")


@asynccontextmanager
async def web_pages() -> AsyncGenerator[WebPages]:
    """Serve pages on a free port until the block ends."""
    pages = WebPages()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", pages.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    pages.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield pages
    finally:
        await runner.cleanup()
