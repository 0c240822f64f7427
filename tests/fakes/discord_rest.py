"""The REST API: one function for each call that the adapter makes, by its route."""

import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.discord_world import (
    ARCHIVED,
    BOT_ID,
    CANNOT_SEND,
    EMPTY,
    MISSING_ACCESS,
    UNKNOWN_INTERACTION,
    UNKNOWN_MESSAGE,
    UNKNOWN_WEBHOOK,
    Interaction,
    Json,
    Refusal,
)

# The whole server, which registers these functions and so cannot be imported here.
DiscordServer = Any


@dataclass(slots=True)
class Call:
    """One call of the bot."""

    name: str
    places: dict[str, str]
    body: Any
    query: dict[str, str]
    file: tuple[str, bytes] | None = None
    at: float = field(default_factory=time.monotonic)
    status: int = 0


Answer = Awaitable[Any]
Handler = Callable[[DiscordServer, Call], Answer]
ROUTES: list[tuple[str, re.Pattern[str], str, Handler]] = []
CHANNEL, MESSAGE = "/channels/{channel}", "/channels/{channel}/messages/{message}"


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Register a function for a route."""

    def register(handler: Handler) -> Handler:
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path).replace("@", "(?:@|%40)"))
        ROUTES.append((method, pattern, handler.__name__, handler))
        return handler

    return register


@route("GET", "/gateway")
async def gateway(server: DiscordServer, call: Call) -> Json:
    return {"url": server.gateway_url}


@route("GET", "/gateway/bot")
async def gateway_bot(server: DiscordServer, call: Call) -> Json:
    return {
        "url": server.gateway_url,
        "shards": server.gateway.shards_required,
        "session_start_limit": server.gateway.start_limit,
    }


@route("GET", "/users/@me")
async def me(server: DiscordServer, call: Call) -> Json:
    return server.world.users[BOT_ID]


@route("GET", "/(?:oauth2/)?applications/@me")
async def application(server: DiscordServer, call: Call) -> Json:
    flags = (1 << 19) if server.gateway.content_allowed else 0
    owner = {"id": "1", "username": "owner", "global_name": None, "discriminator": "0", "avatar": None}
    about = {"name": "Hermes", "description": "", "icon": None, "verify_key": "", "owner": owner}
    return {"id": BOT_ID, "flags": flags, "bot_public": True, "bot_require_code_grant": False, **about}


@route("GET", "/applications/{application}/commands")
async def get_commands(server: DiscordServer, call: Call) -> list[Json]:
    return server.world.commands


@route("PUT", "/applications/{application}/commands")
async def put_commands(server: DiscordServer, call: Call) -> list[Json]:
    for command in call.body:
        if not re.fullmatch(r"[-_'a-z0-9]{1,32}", command["name"]):
            raise Refusal(400, 50035, "Invalid Form Body")
        if not 1 <= len(command["description"]) <= 100:
            raise Refusal(400, 50035, "Invalid Form Body")
    server.world.commands = [{"id": server.world.new_id(), **command} for command in call.body]
    server.world.command_puts += 1
    return server.world.commands


@route("GET", "/guilds/{guild}/members/{user}")
async def member(server: DiscordServer, call: Call) -> Json:
    guild = server.world.guilds[call.places["guild"]]
    if call.places["user"] not in guild["members"]:
        raise Refusal(404, 10007, "Unknown Member")
    return server.member(call.places["guild"], call.places["user"])


@route("GET", CHANNEL)
async def get_channel(server: DiscordServer, call: Call) -> Json:
    return server.world.shown_channel(server.world.channel(call.places["channel"]))


@route("PATCH", CHANNEL)
async def patch_channel(server: DiscordServer, call: Call) -> Json:
    channel = server.world.channel(call.places["channel"])
    server.world.may("threads", channel["id"])
    channel["thread_metadata"]["archived"] = call.body["archived"]
    await server.gateway.dispatch(
        "THREAD_UPDATE", server.world.shown_channel(channel), guild=channel["guild_id"]
    )
    return server.world.shown_channel(channel)


@route("POST", CHANNEL + "/typing")
async def typing(server: DiscordServer, call: Call) -> None:
    server.world.channel(call.places["channel"])
    server.world.typing.append(call.places["channel"])


@route("GET", CHANNEL + "/messages")
async def history(server: DiscordServer, call: Call) -> list[Json]:
    world, channel = server.world, server.world.channel(call.places["channel"])
    if ("history", channel["id"]) in world.denied:
        raise MISSING_ACCESS
    limit = int(call.query.get("limit", 50))
    found = list(world.messages[channel["id"]])
    if "after" in call.query:
        found = [m for m in found if int(m["id"]) > int(call.query["after"])][:limit]
    elif "before" in call.query:
        found = [m for m in found if int(m["id"]) < int(call.query["before"])][-limit:]
    hidden = set() if world.history_nonces else {"nonce"}
    return [{k: v for k, v in m.items() if k not in hidden} for m in reversed(found[-limit:])]


@route("GET", MESSAGE)
async def get_message(server: DiscordServer, call: Call) -> Json:
    return server.world.message(call.places["channel"], call.places["message"])


@route("POST", CHANNEL + "/messages")
async def create_message(server: DiscordServer, call: Call) -> Json:
    world, body = server.world, call.body
    channel = world.channel(call.places["channel"])
    check(server, channel, body, call.file)
    nonce = str(body.get("nonce") or "")
    if len(nonce) > 25:
        raise Refusal(400, 50035, "Invalid Form Body")
    if nonce and body.get("enforce_nonce") and (known := world.known_nonce(channel["id"], nonce)):
        return known
    more = {k: body[k] for k in ("embeds", "components", "flags", "nonce", "message_reference") if k in body}
    if call.file:
        more["attachments"] = [server.stored(call.file[0], call.file[1])]
    message = world.add_message(channel["id"], BOT_ID, body.get("content") or "", **more)
    if nonce:
        world.remember_nonce(channel["id"], nonce, message)
    await server.tell_message(message)
    return message


def check(server: DiscordServer, channel: Json, body: Json, file: Any) -> None:
    """Refuse what Discord refuses."""
    world = server.world
    if channel["type"] in (15, 16):
        raise Refusal(400, 50008, "Cannot send messages in a non-text channel")
    if channel["type"] == 1 and channel["recipients"][0]["id"] in world.blocked:
        raise CANNOT_SEND
    world.may("send", channel["id"])
    if channel.get("thread_metadata", {}).get("archived"):
        if channel["thread_metadata"]["locked"] or server.strict_archive:
            raise ARCHIVED
        channel["thread_metadata"]["archived"] = False
    content, embeds = body.get("content") or "", body.get("embeds") or []
    if not content.strip() and not embeds and not file:
        raise EMPTY
    if len(content) > 2000 or any(len(e.get("description", "")) > 4096 for e in embeds):
        raise Refusal(400, 50035, "Invalid Form Body")
    check_components(body.get("components") or [])


def check_components(rows: list[Json]) -> None:
    """Refuse components that Discord refuses."""
    bad = Refusal(400, 50035, "Invalid Form Body")
    ids = [inner["custom_id"] for row in rows for inner in row["components"]]
    if len(rows) > 5 or len(set(ids)) != len(ids) or any(not 1 <= len(id) <= 100 for id in ids):
        raise bad
    for row in rows:
        inner = row["components"]
        menus = [one for one in inner if one["type"] == 3]
        if not 1 <= len(inner) <= (1 if menus else 5):
            raise bad
        if any(not 1 <= len(one["label"]) <= 80 for one in inner if one["type"] == 2):
            raise bad
        for menu in menus:
            values = [option["value"] for option in menu["options"]]
            if not 1 <= len(values) <= 25 or len(set(values)) != len(values):
                raise bad


@route("PATCH", MESSAGE)
async def edit_message(server: DiscordServer, call: Call) -> Json:
    message = server.world.message(call.places["channel"], call.places["message"])
    channel = server.world.channel(call.places["channel"])
    if message["author"]["id"] != BOT_ID:
        raise Refusal(403, 50005, "Cannot edit a message authored by another user")
    if channel.get("thread_metadata", {}).get("archived"):
        raise ARCHIVED
    body = {"content": message["content"], "embeds": message["embeds"], **call.body}
    check(server, channel, body, message["attachments"])
    message.update({k: v for k, v in call.body.items() if k in ("content", "embeds", "components")})
    message["edited_timestamp"] = f"2026-11-21T12:00:00.{server.world.new_id()}+00:00"
    await server.tell_message(message, "MESSAGE_UPDATE")
    return message


@route("DELETE", MESSAGE)
async def delete_message(server: DiscordServer, call: Call) -> None:
    message = server.world.message(call.places["channel"], call.places["message"])
    server.world.messages[call.places["channel"]].remove(message)


@route("PUT", MESSAGE + "/reactions/{emoji}/@me")
async def react(server: DiscordServer, call: Call) -> None:
    message = server.world.message(call.places["channel"], call.places["message"])
    message.setdefault("signs", []).append(call.places["emoji"])


@route("DELETE", MESSAGE + "/reactions/{emoji}/@me")
async def unreact(server: DiscordServer, call: Call) -> None:
    signs = server.world.message(call.places["channel"], call.places["message"]).get("signs", [])
    if call.places["emoji"] not in signs:
        raise UNKNOWN_MESSAGE
    signs.remove(call.places["emoji"])


@route("POST", CHANNEL + "/threads")
async def create_thread(server: DiscordServer, call: Call) -> Json:
    parent = server.world.channel(call.places["channel"])
    server.world.may("threads", parent["id"])
    if parent["type"] not in (0, 5, 15, 16):
        raise Refusal(400, 50024, "Cannot execute action on this channel type")
    if not 1 <= len(call.body["name"]) <= 100:
        raise Refusal(400, 50035, "Invalid Form Body")
    if parent.get("flags", 0) & 16 and not call.body.get("applied_tags"):
        raise Refusal(400, 40067, "A tag is required to create a forum post in this channel")
    thread = server.world.add_thread(parent, call.body["name"], BOT_ID)
    if parent["type"] in (15, 16):
        thread["message"] = server.world.add_message(thread["id"], BOT_ID, call.body["message"]["content"])
        thread["applied_tags"] = call.body.get("applied_tags", [])
    await server.tell_thread(thread)
    return server.world.shown_channel(thread)


@route("POST", MESSAGE + "/threads")
async def thread_from_message(server: DiscordServer, call: Call) -> Json:
    parent = server.world.channel(call.places["channel"])
    message = server.world.message(parent["id"], call.places["message"])
    server.world.may("message threads", parent["id"])
    if message["id"] in server.world.channels:
        raise Refusal(400, 160004, "A thread has already been created for this message")
    thread = server.world.add_thread(parent, call.body["name"], BOT_ID, id=message["id"])
    await server.tell_thread(thread)
    return server.world.shown_channel(thread)


def interaction(server: DiscordServer, call: Call, missing: Refusal) -> Interaction:
    """Return the interaction that a token belongs to."""
    for known in server.world.interactions.values():
        if known.token == call.places["token"]:
            return known
    raise missing


@route("POST", "/interactions/{interaction}/{token}/callback")
async def answer_interaction(server: DiscordServer, call: Call) -> None:
    found = interaction(server, call, UNKNOWN_INTERACTION)
    after = time.monotonic() - found.at
    if after > server.world.interaction_seconds:
        raise UNKNOWN_INTERACTION
    if found.answers:
        raise Refusal(400, 40060, "Interaction has already been acknowledged.")
    found.answers.append(call.body)
    found.answered_after = after
    if call.body["type"] in (4, 5):
        data = call.body.get("data") or {}
        found.original = {"content": data.get("content", "thinking …"), "flags": data.get("flags", 0)}
        if call.body["type"] == 4:
            found.original = None
    if call.body["type"] == 9:
        check_form(call.body["data"])
    server.changed()


def check_form(form: Json) -> None:
    """Refuse a form that Discord refuses."""
    (row,) = form["components"]
    (one,) = row["components"]
    if (
        not 1 <= len(form["title"]) <= 45
        or not 1 <= len(one["label"]) <= 45
        or len(one.get("value", "")) > 4000
    ):
        raise Refusal(400, 50035, "Invalid Form Body")


@route("POST", "/webhooks/{application}/{token}")
async def follow_up(server: DiscordServer, call: Call) -> Json:
    found = interaction(server, call, UNKNOWN_WEBHOOK)
    found.followups.append(call.body)
    server.changed()
    return {"id": server.world.new_id()}


@route("PATCH", "/webhooks/{application}/{token}/messages/@original")
async def edit_original(server: DiscordServer, call: Call) -> Json:
    found = interaction(server, call, UNKNOWN_WEBHOOK)
    if found.original is None:
        raise UNKNOWN_MESSAGE
    found.original |= call.body
    server.changed()
    return {"id": found.id}


@route("DELETE", "/webhooks/{application}/{token}/messages/@original")
async def delete_original(server: DiscordServer, call: Call) -> None:
    found = interaction(server, call, UNKNOWN_WEBHOOK)
    if found.original is None:
        raise UNKNOWN_MESSAGE
    found.original = None
    server.changed()


def flood(
    retry_after: float | str | None = 1, *, everything: bool = False
) -> tuple[int, bytes, dict[str, str]]:
    """Return a 429 with this `retry_after`, without one, or with what is no number."""
    body: Json = {"message": "You are being rate limited.", "global": everything}
    if retry_after is not None:
        body["retry_after"] = retry_after
    return 429, json.dumps(body).encode(), {"Via": "1.1 google"}
