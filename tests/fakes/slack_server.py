"""A Slack workspace on a loopback socket: Web API, Socket Mode, files, a webhook, people to play, faults to order.

In a test::

    async with SlackServer() as server:
        home = server.person("U0OWNER01", "Ada")
        server.says(home, "hello")
        reply = await server.wait_for_text(home, "pong")

For a subprocess: ``python -m tests.fakes.slack_server --port 0`` prints its address and tokens as one JSON line;
``POST /control/{name}`` plays people.
"""

import hmac
import json
import time
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from typing_extensions import override

from tests.fakes import faults
from tests.fakes.faults import server_error
from tests.fakes.loopback import run_alone
from tests.fakes.slack_methods import METHODS, NO_JSON, SCOPES
from tests.fakes.slack_people import People
from tests.fakes.slack_world import APP_ID, Grid, Json, Message, SlackError, World

__all__ = [
    "APP_TOKEN",
    "BOT_TOKEN",
    "SIGNING_SECRET",
    "Call",
    "Grid",
    "SlackServer",
    "flood",
    "post",
    "refusal",
    "server_error",
]

BOT_TOKEN = "xoxb-1111111111-2222222222-AbCdEfGhIjKlMnOpQrStUvWx"
APP_TOKEN = "xapp-1-AHERMES01-3333333333-abcdef0123456789abcdef0123456789"
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


@dataclass(slots=True)
class Call:
    """One call of the app: what it asked for and what it was answered."""

    method: str
    given: Json
    status: int = 0
    error: str = ""
    headers: Json = field(default_factory=dict)


def flood(retry_after: float | str | None = 1) -> faults.Refuse:
    """Return a 429 with this `Retry-After`, without one, or with a text that is no number."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return faults.Refuse(429, json.dumps({"ok": False, "error": "ratelimited"}).encode(), headers)


def refusal(code: str, **more: Any) -> faults.Refuse:
    """Return any other error in Slack's form."""
    return faults.Refuse(200, json.dumps({"ok": False, "error": code, **more}).encode())


class SlackServer(People):
    """The workspace with its servers, its people and its record of what the app did."""

    def __init__(
        self, *, bot_token: str = BOT_TOKEN, app_token: str = APP_TOKEN, grid: Grid | None = None
    ) -> None:
        super().__init__(World(grid))
        self.bot_token = bot_token
        self.app_token = app_token
        self.posts: list[Json] = []
        self._calls: list[Call] = []
        self._tickets: set[str] = set()

    @property
    def url(self) -> str:
        """The root of the Web API."""
        return f"{self.root}/api"

    @property
    def webhook(self) -> str:
        """An incoming webhook."""
        return f"{self.root}/services/T0TEAM001/B0HOOK001/s3cr3tWebhookPart"

    @override
    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add the Web API, Socket Mode, files and the places that Slack gives an app to post to."""
        router.add_route("*", "/api/{method}", self._api)
        router.add_get("/link/", self._link)
        router.add_post("/upload/{id}", self._upload)
        router.add_get("/files-pri/{id}/{name}", self._download)
        router.add_post("/services/{path:.+}", self._hook)
        router.add_post("/commands/{number}", self._hook)
        router.add_post("/control/{name}", self._control)

    @override
    async def stop(self) -> None:
        """Close every connection, the sockets at once."""
        self.sockets.drop()
        await super().stop()

    async def wait_for_text(self, channel: str, text: str, *, within: float = 20.0) -> Message:
        """Return the app's first message in a channel that contains `text`, now or soon."""

        def found() -> Message | None:
            return next((m for m in self.messages(channel) if text in m.shown), None)

        message = await self.wait_for(found, within=within)
        assert message is not None
        return message

    @override
    def summary(self) -> str:
        """Say in one line what the server has seen, for the message of a failed test."""
        last = [f"{c.method}={c.status}{' ' + c.error if c.error else ''}" for c in self._calls[-8:]]
        said = [m.shown[:80] for c in self.world.channels.values() for m in c.messages[-3:] if m.bot]
        return f"pending {len(self.sockets.pending)}, last calls {last}, last said {said}"

    def messages(self, channel: str) -> list[Message]:
        """Return the app's messages that can be seen in a channel, oldest first."""
        place = self.world.place(channel)
        return [m for m in place.messages if m.bot and not m.deleted]

    def calls(self, method: str | None = None) -> list[Call]:
        """Return the app's calls."""
        return [call for call in self._calls if method in (None, call.method)]

    def fault(self, method: str, fault: faults.Fault, *, times: int | None = 1, skip: int = 0) -> None:
        """Plan a fault for the next calls of a method (`*`: any)."""
        self.faults.add(method, fault, times=times, skip=skip)

    async def _api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        call = Call(method, await _given(request, method))
        self._calls.append(call)
        return await self.carry_out(request, method, call, lambda: self._carried_out(request, call))

    async def _carried_out(self, request: web.Request, call: Call) -> web.StreamResponse:
        call.status = 200
        headers = {"x-oauth-scopes": SCOPES} if call.method == "auth.test" else {}
        try:
            body = {"ok": True, **self._result(request, call)}
        except SlackError as error:
            call.error, body = str(error), error.body
        self.changed()
        return web.json_response(body, headers=headers)

    def _result(self, request: web.Request, call: Call) -> Json:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if call.method == "apps.connections.open":
            return self._open(token)
        if token != self.bot_token:
            raise SlackError("not_authed" if not token else "invalid_auth")
        if call.method not in METHODS:
            raise SlackError("unknown_method")
        made = METHODS[call.method](self.world, call.given)
        if "upload_url" in made:
            made["upload_url"] = self.root + made["upload_url"]
        if call.method == "chat.postMessage" and self.sockets.lines:
            # Slack tells an app of its own messages too.
            self.tell(self.world.find(made["channel"], made["ts"]))
        return made

    def _open(self, token: str) -> Json:
        if token != self.app_token:
            raise SlackError("invalid_auth" if token.startswith("xapp") else "not_allowed_token_type")
        ticket = f"t{next(self._ids)}"
        self._tickets.add(ticket)
        return {"url": f"ws://127.0.0.1:{self.port}/link/?ticket={ticket}&app_id={APP_ID}"}

    async def _link(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=408)
        self._tickets.discard(ticket)
        return await self.sockets.serve(request)

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        async def take() -> web.StreamResponse:
            assert "Authorization" not in request.headers
            self.world.bytes[request.match_info["id"]] = await request.read()
            return web.Response(text="OK")

        return await faults.answer(request, self.faults.take("upload"), take)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        async def send() -> web.StreamResponse:
            if request.headers.get("Authorization") != f"Bearer {self.bot_token}":
                return web.Response(status=302, headers={"Location": "/signin"})
            data = self.world.bytes.get(request.match_info["id"])
            return web.Response(status=404) if data is None else web.Response(body=data)

        return await faults.answer(request, self.faults.take("download"), send)

    async def _hook(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()

        async def take() -> web.StreamResponse:
            self.posts.append(body)
            self.changed()
            return web.Response(text="ok")

        return await faults.answer(request, self.faults.take("webhook"), take)

    async def _control(self, request: web.Request) -> web.StreamResponse:
        given = await request.json() if request.can_read_body else {}
        match request.match_info["name"]:
            case "person":
                return web.json_response({"channel": self.person(given["id"], given.get("name", ""))})
            case "says":
                message = self.types(given["channel"], given["text"], thread=given.get("thread", ""))
                return web.json_response({"ts": message.ts})
            case "messages":
                return web.json_response([m.wire() for m in self.messages(given["channel"])])
            case _:
                return web.Response(status=404)


async def _given(request: web.Request, method: str) -> Json:
    given: Json = dict(request.query)
    if request.content_type == "application/json":
        text = await request.text()
        body = json.loads(text) if text else {}
        return given if method in NO_JSON else given | body
    if request.can_read_body:
        given |= dict(await request.post())
    return given


async def post(
    url: str,
    payload: Any,
    *,
    form: str = "",
    secret: str = SIGNING_SECRET,
    age: float = 0,
    stamp: str | None = None,
    retry: int = 0,
) -> tuple[int, str]:
    """Post as Slack does in HTTP mode: an event as JSON, ``form`` "payload" for buttons, "fields" for commands."""
    if form == "payload":
        body, kind = urlencode({"payload": json.dumps(payload)}), "application/x-www-form-urlencoded"
    elif form == "fields":
        body, kind = urlencode(payload), "application/x-www-form-urlencoded"
    else:
        body, kind = json.dumps(payload), "application/json"
    stamp = str(int(time.time() - age)) if stamp is None else stamp
    signed = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), sha256).hexdigest()
    headers = {
        "Content-Type": kind,
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={signed}",
    }
    headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"} if retry else {}
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        return answer.status, await answer.text()


if __name__ == "__main__":
    alone = SlackServer()
    run_alone(
        alone,
        "A Slack workspace",
        lambda: {"url": alone.url, "bot_token": alone.bot_token, "app_token": alone.app_token},
    )
