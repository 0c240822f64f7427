"""A Slack workspace on a loopback socket: Web API, Socket Mode, files, a webhook, people to play, faults to order.

In a test::

    async with SlackServer() as server:
        home = server.person("U0OWNER01", "Ada")
        server.says(home, "hello")
        reply = await server.wait_for_text(home, "pong")

For a subprocess: ``python -m tests.fakes.slack_server --port 0`` prints its address and tokens as one JSON line;
``POST /control/{name}`` plays people.
"""

import argparse
import asyncio
import hmac
import itertools
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from tests.fakes import faults
from tests.fakes.changes import Changes
from tests.fakes.slack_methods import METHODS, NO_JSON, SCOPES
from tests.fakes.slack_socket import Envelope, Sockets
from tests.fakes.slack_world import APP_ID, BOT_USER, TEAM_ID, Channel, Json, Message, SlackError, World

BOT_TOKEN = "xoxb-1111111111-2222222222-AbCdEfGhIjKlMnOpQrStUvWx"
APP_TOKEN = "xapp-1-AHERMES01-3333333333-abcdef0123456789abcdef0123456789"
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
MAX_BODY = 64 << 20

T = TypeVar("T")


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


def server_error(status: int = 502) -> faults.Refuse:
    """Return a gateway's error page, which is not JSON."""
    return faults.Refuse(status, b"<html><body>Bad Gateway</body></html>", content_type="text/html")


def refusal(code: str, **more: Any) -> faults.Refuse:
    """Return any other error in Slack's form."""
    return faults.Refuse(200, json.dumps({"ok": False, "error": code, **more}).encode())


class SlackServer:
    """The workspace with its servers, its people and its record of what the app did."""

    def __init__(self, *, bot_token: str = BOT_TOKEN, app_token: str = APP_TOKEN) -> None:
        self.bot_token = bot_token
        self.app_token = app_token
        self.world = World()
        self.faults = faults.FaultPlan()
        self.port = 0
        self.tells_events = True
        self.posts: list[Json] = []
        self._changes = Changes()
        self.sockets = Sockets(self._changes.notify)
        self._calls: list[Call] = []
        self._tickets: set[str] = set()
        self._ids = itertools.count(1)
        self._runner: web.AppRunner | None = None

    # What a client is configured with

    @property
    def root(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The root of the Web API."""
        return f"{self.root}/api"

    @property
    def webhook(self) -> str:
        """An incoming webhook."""
        return f"{self.root}/services/T0TEAM001/B0HOOK001/s3cr3tWebhookPart"

    async def start(self, port: int = 0) -> Self:
        """Listen on loopback; 0 takes a free port."""
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_get("/link/", self._link)
        app.router.add_post("/upload/{id}", self._upload)
        app.router.add_get("/files-pri/{id}/{name}", self._download)
        app.router.add_post("/services/{path:.+}", self._hook)
        app.router.add_post("/commands/{number}", self._hook)
        app.router.add_post("/control/{name}", self._control)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port, backlog=1024, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def stop(self) -> None:
        """Close every connection; the world stays, so that `start(port)` is a server that came back."""
        self.sockets.drop()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def wait_for(self, condition: Callable[[], T], *, within: float = 20.0) -> T:
        """Return the first truthy value of `condition`, asked again whenever something happens here."""
        try:
            return await self._changes.wait_for(condition, within=within)
        except TimeoutError:
            raise TimeoutError(f"not within {within} s; {self.summary()}") from None

    async def wait_for_text(self, channel: str, text: str, *, within: float = 20.0) -> Message:
        """Return the app's first message in a channel that contains `text`, now or soon."""

        def found() -> Message | None:
            return next((m for m in self.messages(channel) if text in m.shown), None)

        message = await self.wait_for(found, within=within)
        assert message is not None
        return message

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

    # People

    def person(self, id: str, name: str = "") -> str:
        """Add somebody and return the id of their direct messages with the app."""
        return self.world.person(id, name)

    def channel(self, id: str, name: str, *members: str, kind: str = "channel") -> Channel:
        """Add a channel with the app and these people in it."""
        return self.world.channel(id, name, BOT_USER, *members, kind=kind)

    def says(self, channel: str, text: str, *, user: str = "", thread: str = "", **more: Any) -> Message:
        """Have somebody write mrkdwn as their client sends it (the three characters escaped by the caller)."""
        place = self.world.place(channel)
        message = self.world.add(channel, user or place.user, text, thread_ts=thread, **more)
        self.tell(message)
        return message

    def types(self, channel: str, text: str, **more: Any) -> Message:
        """Have somebody type a text, which their client escapes."""
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return self.says(channel, escaped, **more)

    def tell(self, message: Message, kind: str = "message", **more: Any) -> Envelope | None:
        """Hand a message over as an event."""
        place = self.world.place(message.channel)
        given = message.wire() | {"type": kind, "channel": place.id, "channel_type": place.kind}
        given |= {"event_ts": message.ts} | more
        if message.files and not message.bot:
            given["subtype"] = "file_share"
        if message.thread_ts:
            first = [m for m in place.messages if m.ts == message.thread_ts]
            given |= {"parent_user_id": first[0].user} if first else {}
        return self.event(given)

    def event(self, given: Json) -> Envelope | None:
        """Hand an event over."""
        payload = {
            "token": "t",
            "team_id": TEAM_ID,
            "api_app_id": APP_ID,
            "event": given,
            "type": "event_callback",
            "event_id": f"Ev{next(self._ids):08}",
            "event_time": int(time.time()),
            "authorizations": [{"team_id": TEAM_ID, "user_id": BOT_USER, "is_bot": True}],
        }
        return self.sockets.push("events_api", payload) if self.tells_events else None

    def edits(self, message: Message, text: str) -> None:
        """Have somebody change what they wrote."""
        old = message.wire()
        message.text, message.edited = text, self.world.tick()
        self.event(self._change(message) | {"message": message.wire(), "previous_message": old})

    def deletes(self, message: Message) -> None:
        """Have somebody delete what they wrote."""
        message.deleted = True
        changed = self._change(message) | {"subtype": "message_deleted", "deleted_ts": message.ts}
        self.event(changed | {"previous_message": message.wire()})

    def _change(self, message: Message) -> Json:
        place = self.world.place(message.channel)
        ts = self.world.tick()
        return {
            "type": "message",
            "subtype": "message_changed",
            "hidden": True,
            "channel": place.id,
            "channel_type": place.kind,
            "ts": ts,
            "event_ts": ts,
        }

    def trigger(self) -> str:
        """Return a fresh trigger id."""
        id = f"{next(self._ids)}.{next(self._ids)}.abcdef"
        self.world.triggers[id] = time.monotonic()
        return id

    def tap(self, message: Message, label: str, *, user: str = "") -> Envelope:
        """Have somebody press a button or choose from a menu."""
        action = next(action for known, action in message.elements if known == label)
        return self.tap_action(message, action, user=user)

    def tap_action(self, message: Message, action: Json, *, user: str = "") -> Envelope:
        """Have a press come with any action."""
        place = self.world.place(message.channel)
        who = user or place.user
        name = self.world.people.get(who, who)
        payload: Json = {
            "type": "block_actions",
            "user": {"id": who, "username": name.casefold(), "name": name, "team_id": TEAM_ID},
            "api_app_id": APP_ID,
            "team": {"id": TEAM_ID, "domain": "acme"},
            "container": {"type": "message", "message_ts": message.ts, "channel_id": place.id},
            "trigger_id": self.trigger(),
            "channel": {"id": place.id, "name": place.name or "directmessage"},
            "message": message.wire(),
            "response_url": f"{self.root}/actions/1",
            "actions": [action | {"action_ts": self.world.tick()}],
        }
        return self.sockets.push("interactive", payload)

    def submits(self, view: Json, text: str, *, user: str) -> Envelope:
        """Have somebody fill in a form."""
        block = view["blocks"][0]
        values = {
            block["block_id"]: {block["element"]["action_id"]: {"type": "plain_text_input", "value": text}}
        }
        payload: Json = {
            "type": "view_submission",
            "user": {"id": user, "username": user, "name": self.world.people.get(user, user)},
            "trigger_id": self.trigger(),
            "view": view | {"state": {"values": values}},
        }
        return self.sockets.push("interactive", payload)

    def slash(self, channel: str, text: str, *, user: str = "", command: str = "/hermes") -> Envelope:
        """Have somebody use a slash command."""
        return self.sockets.push("slash_commands", self.slash_payload(channel, text, user, command))

    def slash_payload(self, channel: str, text: str, user: str = "", command: str = "/hermes") -> Json:
        """Return what Slack tells of a slash command."""
        place = self.world.place(channel)
        who = user or place.user
        return {
            "token": "t",
            "team_id": TEAM_ID,
            "channel_id": place.id,
            "channel_name": place.name or "directmessage",
            "user_id": who,
            "user_name": self.world.people.get(who, who),
            "command": command,
            "text": text,
            "api_app_id": APP_ID,
            "response_url": f"{self.root}/commands/1",
            "trigger_id": self.trigger(),
        }

    def brings(
        self, channel: str, data: bytes, *, name: str = "notes.txt", mime: str = "text/plain"
    ) -> Message:
        """Have somebody send a file."""
        id = f"F{next(self._ids):06}"
        self.world.bytes[id] = data
        address = f"{self.root}/files-pri/{id}/{name}"
        file = {
            "id": id,
            "name": name,
            "title": name,
            "mimetype": mime,
            "size": len(data),
            "mode": "hosted",
            "url_private": address,
            "url_private_download": address,
        }
        self.world.files[id] = file
        return self.says(channel, "", files=[file])

    # Servers

    async def _api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        call = Call(method, await _given(request, method))
        self._calls.append(call)
        fault = self.faults.take(method, call)
        if isinstance(fault, faults.Refuse):
            call.status, call.error = fault.status, fault.body.decode()
        self._changes.notify()
        return await faults.answer(request, fault, lambda: self._carry_out(request, call))

    async def _carry_out(self, request: web.Request, call: Call) -> web.StreamResponse:
        call.status = 200
        headers = {"x-oauth-scopes": SCOPES} if call.method == "auth.test" else {}
        try:
            body = {"ok": True, **self._result(request, call)}
        except SlackError as error:
            call.error, body = str(error), error.body
        self._changes.notify()
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
            self._changes.notify()
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


async def serve(port: int, *, seconds: float) -> None:
    """Run the server on its own and print where it listens."""
    server = SlackServer()
    await server.start(port)
    known = {"url": server.url, "bot_token": server.bot_token, "app_token": server.app_token}
    print(json.dumps(known), flush=True)  # noqa: T201
    await asyncio.sleep(seconds)
    await server.stop()


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="A Slack workspace for tests, on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--seconds", type=float, default=3600, help="stops by itself after this time")
    options = parser.parse_args(arguments)
    asyncio.run(serve(options.port, seconds=options.seconds))


if __name__ == "__main__":
    main()
