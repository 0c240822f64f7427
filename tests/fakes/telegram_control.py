"""The fake Telegram's control API over HTTP, for tests whose server runs in a process of its own.

`POST /control/{name}` with a JSON object of arguments:

    user_says   {chat, text, user?, thread?}          -> message
    user_sends  {chat, kind, data (base64), name?, caption?} -> message
    tap         {chat, message, button, user?}        -> {id}
    add_group, add_supergroup {chat, title?, forum?, members?} -> chat
    block, unblock {chat}     migrate {chat, new}     push_raw {update}     push_malformed {}
    fault       {method, fault, times?, skip?, chat?} -> true; see `_fault`
    clear_faults {method?}
    messages, history {chat}  -> [message]      calls {method?} -> [call]      state {} -> counters
    wait        {chat, contains?, count?, within?} or {method, count?, within?} -> what was waited for, or 408
"""

import base64
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tests.fakes import faults
from tests.fakes.telegram_api import Call, TelegramApi
from tests.fakes.telegram_world import Json, Message

Action = Callable[[TelegramApi, Json], Any]


def _message(message: Message) -> Json:
    return message.wire() | {
        "buttons": message.labels,
        "versions": message.versions,
        "deleted": message.deleted,
    }


def _call(call: Call) -> Json:
    return {
        "method": call.method,
        "params": call.params,
        "status": call.status,
        "error": call.error,
        "age": time.monotonic() - call.at,
    }


def _only(body: Json, *names: str) -> Json:
    return {name: body[name] for name in names if name in body}


def _user_says(server: TelegramApi, body: Json) -> Json:
    return _message(server.user_says(body["chat"], body["text"], **_only(body, "user", "thread")))


def _user_sends(server: TelegramApi, body: Json) -> Json:
    data = base64.b64decode(body["data"])
    optional = _only(body, "name", "mime", "caption", "user", "thread")
    return _message(server.user_sends(body["chat"], body["kind"], data, **optional))


def _tap(server: TelegramApi, body: Json) -> Json:
    message = server.world.find(body["chat"], body["message"])
    if message is None:
        raise LookupError("no such message")
    return {"id": server.tap(message, body["button"], **_only(body, "user")).id}


def _fault(server: TelegramApi, body: Json) -> bool:
    """Plan `{"kind": "refuse"|"delay"|"hang"|"drop_before"|"drop_after"|"half_open", …}`."""
    wanted = dict(body["fault"])
    kind = wanted.pop("kind")
    if kind == "refuse":
        wanted["body"] = wanted.get("body", "").encode()
    fault = FAULTS[kind](**wanted)
    server.fault(body["method"], fault, **_only(body, "times", "skip", "chat"))
    return True


def _state(server: TelegramApi, _body: Json) -> Json:
    updates = server.updates
    return {
        "pending": len(updates.pending),
        "polls": updates.polls,
        "waiting": updates.waiting,
        "confirmed": updates.confirmed,
        "dropped": updates.dropped,
    }


FAULTS: dict[str, Callable[..., faults.Fault]] = {
    "refuse": faults.Refuse,
    "delay": faults.Delay,
    "hang": faults.Hang,
    "drop_before": faults.DropBefore,
    "drop_after": faults.DropAfter,
    "half_open": faults.HalfOpen,
}
ACTIONS: dict[str, Action] = {
    "user_says": _user_says,
    "user_sends": _user_sends,
    "tap": _tap,
    "add_group": lambda s, b: s.add_group(b["chat"], **_only(b, "title", "members")).wire(),
    "add_supergroup": lambda s, b: s.add_supergroup(
        b["chat"], **_only(b, "title", "forum", "members")
    ).wire(),
    "block": lambda s, b: s.block(b["chat"]),
    "unblock": lambda s, b: s.unblock(b["chat"]),
    "migrate": lambda s, b: s.migrate(b["chat"], b["new"]).wire(),
    "push_raw": lambda s, b: s.push_raw(b["update"]),
    "push_malformed": lambda s, _b: s.push_malformed(),
    "fault": _fault,
    "clear_faults": lambda s, b: s.faults.clear(b.get("method")),
    "messages": lambda s, b: [_message(m) for m in s.messages(b["chat"])],
    "history": lambda s, b: [_message(m) for m in s.history(b["chat"])],
    "calls": lambda s, b: [_call(c) for c in s.calls(b.get("method"))],
    "state": _state,
}


async def serve(server: TelegramApi, request: web.Request) -> web.Response:
    """Carry out one control request."""
    body: Json = await request.json() if request.body_exists else {}
    name = request.match_info["name"]
    try:
        result = await _wait(server, body) if name == "wait" else ACTIONS[name](server, body)
    except TimeoutError as error:
        return web.json_response({"error": str(error)}, status=408)
    except (LookupError, TypeError) as error:
        return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
    return web.json_response(result)


async def _wait(server: TelegramApi, body: Json) -> list[Json]:
    count, contains = body.get("count", 1), body.get("contains", "")

    def met() -> list[Json] | None:
        if "method" in body:
            found = [_call(call) for call in server.calls(body["method"]) if call.status]
        else:
            found = [_message(m) for m in server.messages(body["chat"]) if contains in m.text]
        return found if len(found) >= count else None

    return await server.wait_for(met, within=body.get("within", 10.0)) or []
