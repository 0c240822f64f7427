"""A Discord on a loopback socket: REST and gateway, with people to play and faults to order.

In a test::

    async with DiscordServer() as server:
        server.world.person("7", "Ann")
        await server.says("7", "hello")            # in private
        reply = await server.wait_for_text(server.world.dm("7")["id"], "pong")

For a subprocess: `python -m tests.fakes.discord_server --port 0` prints its addresses as one JSON line.
"""

import json
import time
from collections import deque
from copy import deepcopy
from typing import Any, Self
from urllib.parse import unquote

from aiohttp import web
from typing_extensions import override

from tests.fakes import faults
from tests.fakes.discord_gateway import Gateway
from tests.fakes.discord_rest import ROUTES, Call, flood
from tests.fakes.discord_world import BOT_ID, TOKEN, Interaction, Json, Refusal, World
from tests.fakes.faults import Delay, DropAfter, DropBefore, HalfOpen, Hang, Refuse
from tests.fakes.loopback import Loopback, run_alone

__all__ = [
    "BOT_ID",
    "TOKEN",
    "Call",
    "Delay",
    "DiscordServer",
    "DropAfter",
    "DropBefore",
    "HalfOpen",
    "Hang",
    "Refuse",
]

PREFIX = "/api/v10"


def too_many(retry_after: float | str | None = 1, *, everything: bool = False) -> Refuse:
    """Return a 429."""
    status, body, headers = flood(retry_after, everything=everything)
    return Refuse(status, body, headers)


class DiscordServer(Loopback):
    """The server, its people and its record of what the bot did."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.gateway = Gateway(self.world, self.changed)
        self.calls: list[Call] = []
        self.limits: dict[str, tuple[int, float]] = {}
        self.strict_archive = False
        self._used: dict[tuple[str, str], deque[float]] = {}

    @property
    def url(self) -> str:
        """The REST API's root."""
        return f"{self.root}{PREFIX}"

    @property
    def gateway_url(self) -> str:
        """The gateway's address."""
        return f"ws://127.0.0.1:{self.port}/gateway"

    @property
    def settings(self) -> Json:
        """The settings of an adapter that talks to this server."""
        return {"token": TOKEN, "api_base": self.url, "gateway_url": self.gateway_url}

    @override
    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add the gateway, the files and the REST API."""
        router.add_get("/gateway", self.gateway.serve)
        router.add_get("/files/{id}/{name}", self._download)
        router.add_route("*", PREFIX + "/{path:.*}", self._api)

    @override
    async def start(self, port: int = 0) -> Self:
        """Listen on loopback; 0 takes a free port."""
        await super().start(port)
        self.gateway.url = self.gateway_url
        return self

    @override
    async def stop(self) -> None:
        """Close every connection, the gateway's at once."""
        self.gateway.drop()
        await super().stop()

    async def wait_for_text(self, channel: str, text: str, *, within: float = 20.0) -> Json:
        """Wait for a message of the bot that contains a text."""
        return await self.wait_for(
            lambda: next((m for m in self.heard(channel) if text in self.text(m)), None), within=within
        )  # pyright: ignore[reportReturnType]

    def heard(self, channel: str) -> list[Json]:
        """Return the bot's messages in a channel."""
        return [m for m in self.world.messages.get(channel, ()) if m["author"]["id"] == BOT_ID]

    @staticmethod
    def text(message: Json) -> str:
        """Return what a message shows: its text and its frames."""
        frames = [embed.get("description", "") for embed in message["embeds"]]
        return "\n\n".join(part for part in [message["content"], *frames] if part)

    @staticmethod
    def labels(message: Json) -> list[str]:
        """Return a message's buttons and options."""
        inner = [one for row in message["components"] for one in row["components"]]
        return [label for one in inner for label in ([one["label"]] if one["type"] == 2 else
                [option["label"] for option in one["options"]])]  # fmt: skip

    def made(self, name: str) -> list[Call]:
        """Return the bot's calls of one kind."""
        return [call for call in self.calls if call.name == name]

    def fault(self, name: str, fault: faults.Fault, **plan: Any) -> None:
        """Plan a fault for a kind of call."""
        self.faults.add(name, fault, **plan)

    async def _api(self, request: web.Request) -> web.StreamResponse:
        path = "/" + request.raw_path.partition("?")[0].removeprefix(PREFIX + "/")
        for method, pattern, name, handler in ROUTES:
            match = pattern.fullmatch(path)
            if method == request.method and match:
                places = {key: unquote(value) for key, value in match.groupdict().items()}
                call = Call(name, places, None, dict(request.query))
                call.body, call.file = await _content(request)
                self.calls.append(call)
                fault = self.faults.take(name, call)
                return await faults.answer(request, fault, lambda: self._answer(request, call, handler))  # noqa: B023
        return web.json_response({"message": "404: Not Found", "code": 0}, status=404)

    async def _answer(self, request: web.Request, call: Call, handler: Any) -> web.Response:
        if request.headers.get("Authorization") != f"Bot {TOKEN}":
            return self._said(call, 401, {"message": "401: Unauthorized", "code": 0})
        headers, wait = self._limited(call)
        if wait:
            body = {"message": "You are being rate limited.", "retry_after": wait, "global": False}
            return self._said(call, 429, body, headers)
        try:
            found = await handler(self, call)
        except Refusal as error:
            return self._said(call, error.status, {"message": error.text, "code": error.code}, headers)
        finally:
            self.changed()
        return self._said(call, 204 if found is None else 200, found, headers)

    def _said(
        self, call: Call, status: int, body: Any, headers: dict[str, str] | None = None
    ) -> web.Response:
        call.status = status
        if body is None:
            return web.Response(status=status, headers=headers)
        # The library takes an answer for JSON by this very content type.
        shown = {"Content-Type": "application/json", **(headers or {})}
        return web.Response(body=json.dumps(_plain(body)).encode(), status=status, headers=shown)

    def _limited(self, call: Call) -> tuple[dict[str, str], float]:
        """Return a bucket's headers, and how long a call beyond its limit has to wait."""
        if call.name not in self.limits:
            return {}, 0.0
        limit, window = self.limits[call.name]
        used = self._used.setdefault((call.name, call.places.get("channel", "")), deque())
        now = time.monotonic()
        while used and now - used[0] >= window:
            used.popleft()
        over = len(used) >= limit
        if not over:
            used.append(now)
        resets = window - (now - used[0])
        headers = {
            "X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(limit - len(used)),
            "X-RateLimit-Reset-After": f"{resets:.3f}", "X-RateLimit-Bucket": f"bucket-{call.name}",
        }  # fmt: skip
        return headers, resets if over else 0.0

    async def _download(self, request: web.Request) -> web.StreamResponse:
        data = self.world.files.get(request.match_info["id"])
        return web.Response(status=404) if data is None else web.Response(body=data)

    def stored(self, name: str, data: bytes, mime: str = "application/octet-stream") -> Json:
        """Keep a file and return it as an attachment."""
        id = self.world.new_id()
        self.world.files[id] = data
        url = f"{self.root}/files/{id}/{name}"
        return {"id": id, "filename": name, "size": len(data), "url": url, "content_type": mime}

    def member(self, guild: str, user: str) -> Json:
        """Return somebody's membership."""
        known = self.world.guilds[guild]["members"]
        return {"user": self.world.users[user], "roles": known.get(user, []), "nick": None}

    async def tell_message(self, message: Json, event: str = "MESSAGE_CREATE") -> None:
        """Tell the gateway of a message."""
        channel = self.world.channel(message["channel_id"])
        guild = channel.get("guild_id", "")
        data = deepcopy(message)
        if guild:
            user = message["author"]["id"]
            member = {k: v for k, v in self.member(guild, user).items() if k != "user"}
            data |= {"guild_id": guild, "member": member}
        await self.gateway.dispatch(event, data, guild=guild)
        self.changed()

    async def tell_thread(self, thread: Json) -> None:
        """Tell the gateway of a new thread."""
        shown = {**self.world.shown_channel(thread), "newly_created": True}
        await self.gateway.dispatch("THREAD_CREATE", _plain(shown), guild=thread["guild_id"])

    async def says(self, user: str, text: str, *, channel: str = "", **more: Any) -> Json:
        """Have somebody write, in private unless a channel is named."""
        self.world.person(user)
        where = channel or self.world.dm(user)["id"]
        if more.get("reply_to"):
            more["message_reference"] = {"message_id": more.pop("reply_to")}
        message = self.world.add_message(where, user, text, **more)
        await self.tell_message(message)
        return message

    async def edits(self, message: Json, text: str) -> None:
        """Have somebody change their message."""
        message["content"] = text
        message["edited_timestamp"] = f"2026-11-21T12:00:00.{self.world.new_id()}+00:00"
        await self.tell_message(message, "MESSAGE_UPDATE")

    async def deletes(self, message: Json) -> None:
        """Have somebody delete their message."""
        channel = self.world.channel(message["channel_id"])
        self.world.messages[channel["id"]].remove(message)
        data = {"id": message["id"], "channel_id": channel["id"]}
        await self.gateway.dispatch("MESSAGE_DELETE", data, guild=channel.get("guild_id", ""))

    async def interacts(
        self, user: str, channel: str, kind: int, data: Json, message: Json | None = None
    ) -> Interaction:
        """Have somebody use a command, a button or a form."""
        where = self.world.channel(channel)
        id, guild = self.world.new_id(), where.get("guild_id", "")
        raw: Json = {
            "id": id, "application_id": BOT_ID, "type": kind, "token": f"token-{id}", "version": 1, "data": data,
            "channel_id": channel, "channel": _plain(self.world.shown_channel(where)),
        }  # fmt: skip
        raw |= (
            {"guild_id": guild, "member": self.member(guild, user)}
            if guild
            else {"user": self.world.users[user]}
        )
        if message is not None:
            raw["message"] = deepcopy(message)
        made = self.world.interactions[id] = Interaction(id, raw["token"], raw, time.monotonic())
        await self.gateway.dispatch("INTERACTION_CREATE", raw, guild=guild)
        return made

    async def taps(self, user: str, message: Json, label: str) -> Interaction:
        """Have somebody press a button or choose an option."""
        for row in message["components"]:
            for one in row["components"]:
                if one["type"] == 2 and one["label"] == label:
                    data: Json = {"custom_id": one["custom_id"], "component_type": 2}
                    return await self.interacts(user, message["channel_id"], 3, data, message)
                values = [o["value"] for o in one.get("options", ()) if o["label"] == label]
                if values:
                    data = {"custom_id": one["custom_id"], "component_type": 3, "values": values}
                    return await self.interacts(user, message["channel_id"], 3, data, message)
        raise AssertionError(f"{label!r} is not among {self.labels(message)}")

    async def commands(self, user: str, name: str, text: str = "", *, channel: str = "") -> Interaction:
        """Have somebody use a slash command."""
        options = [{"name": "text", "type": 3, "value": text}] if text else []
        data = {"id": "1", "name": name, "type": 1, "options": options}
        return await self.interacts(user, channel or self.world.dm(user)["id"], 2, data)

    async def fills_in(self, user: str, opened: Interaction, text: str) -> Interaction:
        """Have somebody send a form."""
        form = opened.form
        assert form is not None
        field = form["components"][0]["components"][0]
        inner = {"type": 4, "custom_id": field["custom_id"], "value": text}
        data = {"custom_id": form["custom_id"], "components": [{"type": 1, "components": [inner]}]}
        return await self.interacts(user, opened.raw["channel_id"], 5, data, opened.raw.get("message"))

    def channel(self, guild: Json, name: str = "general", kind: int = 0, **more: Any) -> Json:
        """Add a channel to a server."""
        raw = {
            "type": kind,
            "guild_id": guild["id"],
            "name": name,
            "position": 0,
            "permission_overwrites": [],
        }
        return self.world.add_channel({**raw, "nsfw": False, "topic": None, "parent_id": None, **more})

    def guild(self, *people: str, name: str = "Office", roles: dict[str, list[str]] | None = None) -> Json:
        """Add a server with members."""
        guild = self.world.add_guild(name)
        for person in people:
            self.world.person(person)
            guild["members"][person] = (roles or {}).get(person, [])
        return guild


def _plain(found: Any) -> Any:
    """Return what can be written as JSON."""
    if isinstance(found, dict):
        return {key: _plain(value) for key, value in found.items() if key != "inside"}
    return [_plain(one) for one in found] if isinstance(found, list) else found


async def _content(request: web.Request) -> tuple[Any, tuple[str, bytes] | None]:
    if request.content_type == "multipart/form-data":
        fields = await request.post()
        file: Any = fields["files[0]"]
        written: Any = fields["payload_json"]
        return json.loads(written), (file.filename, file.file.read())
    text = await request.text()
    return (json.loads(text) if text else None), None


if __name__ == "__main__":
    alone = DiscordServer()
    run_alone(alone, "A Discord", lambda: alone.settings)
