"""The Web API's methods over a workspace."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from tests.fakes.slack_world import APP_ID, BOT_ID, BOT_USER, TEAM_ID, Json, Message, SlackError, World

TRIGGER_SECONDS = 3.0


def auth_test(world: World, _given: Json) -> Json:
    """Say who the app is; one that is installed for all of an organisation has its id in place of a workspace's."""
    grid = world.grid
    whole = {"team": grid.name, "team_id": grid.id, "enterprise_id": grid.id} if grid else {}
    return {
        "url": "https://acme.slack.com/",
        "team": "Acme",
        "user": "hermes",
        "team_id": TEAM_ID,
        "user_id": BOT_USER,
        "bot_id": BOT_ID,
        "app_id": APP_ID,
        "is_enterprise_install": grid is not None,
        **whole,
    }


def users_info(world: World, given: Json) -> Json:
    """Say what somebody is called."""
    if given["user"] not in world.people:
        raise SlackError("user_not_found")
    name = world.people[given["user"]]
    return {
        "user": {
            "id": given["user"],
            "name": name.casefold(),
            "real_name": name,
            "profile": {"display_name": name},
        }
    }


def chat_post(world: World, given: Json) -> Json:
    """Post."""
    message = world.post(given)
    return {"channel": message.channel, "ts": message.ts, "message": message.wire()}


def chat_update(world: World, given: Json) -> Json:
    """Edit."""
    message = world.update(given)
    return {"channel": message.channel, "ts": message.ts, "text": message.text}


def chat_delete(world: World, given: Json) -> Json:
    """Delete."""
    world.find(given["channel"], given["ts"]).deleted = True
    return {"channel": given["channel"], "ts": given["ts"]}


def chat_ephemeral(world: World, given: Json) -> Json:
    """Say something to one person."""
    if given["user"] not in world.place(given["channel"]).members:
        raise SlackError("user_not_in_channel")
    world.ephemeral.append(given)
    return {"message_ts": world.tick()}


def permalink(world: World, given: Json) -> Json:
    """Return an address."""
    message = world.find(given["channel"], given["message_ts"])
    return {"permalink": f"https://acme.slack.com/archives/{message.channel}/p{message.ts.replace('.', '')}"}


def history(world: World, given: Json) -> Json:
    """Return a channel's messages, the newest first."""
    place = world.place(given["channel"])
    if BOT_USER not in place.members:
        raise SlackError("not_in_channel")
    top = [m for m in place.messages if not m.thread_ts or m.thread_ts == m.ts or m.broadcast]
    wired = [_with_replies(place.messages, m, given) for m in reversed(_between(top, given))]
    return _page(wired, given)


def replies(world: World, given: Json) -> Json:
    """Return a thread, the oldest first; its first message always leads."""
    place = world.place(given["channel"])
    first = [m for m in place.messages if m.ts == given["ts"] and not m.deleted]
    if not first:
        raise SlackError("thread_not_found")
    rest = [m for m in place.messages if m.thread_ts == given["ts"] and m.ts != given["ts"]]
    wired = [m.wire(metadata=bool(given.get("include_all_metadata"))) for m in _between(rest, given)]
    for message in wired:
        message["parent_user_id"] = first[0].user
    return _page([first[0].wire(), *wired], given)


def _between(messages: list[Message], given: Json) -> list[Message]:
    oldest, latest = str(given.get("oldest") or "0"), str(given.get("latest") or "9999999999.9")
    inclusive = str(given.get("inclusive") or "0") in {"1", "true", "True"}
    kept = [m for m in messages if not m.deleted]
    if inclusive:
        return [m for m in kept if oldest <= m.ts <= latest]
    return [m for m in kept if oldest < m.ts < latest]


def _with_replies(every: list[Message], message: Message, given: Json) -> Json:
    made = message.wire(metadata=bool(given.get("include_all_metadata")))
    answers = [m for m in every if m.thread_ts == message.ts and m.ts != message.ts and not m.deleted]
    if answers:
        made |= {"thread_ts": message.ts, "reply_count": len(answers), "latest_reply": answers[-1].ts}
    return made


def _page(messages: list[Json], given: Json) -> Json:
    start, limit = int(given.get("cursor") or 0), int(given.get("limit") or 100)
    cut = messages[start : start + limit]
    more = start + limit < len(messages)
    cursor = str(start + limit) if more else ""
    return {"messages": cut, "has_more": more, "response_metadata": {"next_cursor": cursor}}


def conversations(world: World, given: Json) -> Json:
    """Return the channels the app is in; in an organisation those of the workspace that is named."""
    if world.grid and given.get("team_id") != TEAM_ID:
        raise SlackError("team_not_found" if given.get("team_id") else "missing_argument")
    mine = [c.wire() for c in world.channels.values() if BOT_USER in c.members]
    return {"channels": mine, "response_metadata": {"next_cursor": ""}}


def info(world: World, given: Json) -> Json:
    """Return one channel."""
    return {"channel": world.place(given["channel"]).wire()}


def open_direct(world: World, given: Json) -> Json:
    """Open somebody's direct messages."""
    return {"channel": {"id": world.place(str(given["users"])).id}}


def views_open(world: World, given: Json) -> Json:
    """Open a form with a fresh trigger, once."""
    at = world.triggers.pop(str(given.get("trigger_id")), None)
    if at is None:
        raise SlackError("invalid_trigger_id")
    if time.monotonic() - at > TRIGGER_SECONDS:
        raise SlackError("expired_trigger_id")
    id = f"V{next(world.number):06}"
    world.views[id] = {"id": id, "hash": f"{id}.h", **given["view"]}
    return {"view": world.views[id]}


def upload_url(world: World, given: Json) -> Json:
    """Say where a file goes; the server writes the address."""
    if int(given["length"]) <= 0:
        raise SlackError("invalid_arguments")
    id = f"F{next(world.number):06}"
    world.files[id] = {
        "id": id,
        "name": given["filename"],
        "title": given["filename"],
        "size": int(given["length"]),
    }
    return {"file_id": id, "upload_url": f"/upload/{id}"}


def complete_upload(world: World, given: Json) -> Json:
    """Share uploaded files as a message; where it is, only files.info tells."""
    done: list[Json] = []
    for wanted in given["files"]:
        file = world.files.get(wanted["id"])
        if file is None or wanted["id"] not in world.bytes:
            raise SlackError("file_not_found")
        file["title"] = wanted.get("title") or file["title"]
        done.append({"id": file["id"], "title": file["title"]})
    files = [world.files[item["id"]] for item in done]
    place = world.place(given["channel_id"])
    thread = str(given.get("thread_ts") or "")
    text = given.get("initial_comment") or ""
    message = world.add(place.id, BOT_USER, text, bot=True, thread_ts=thread, files=files)
    kind = "private" if place.kind == "im" else "public"
    for file in files:
        file["shares"] = {kind: {place.id: [{"ts": message.ts}]}}
    return {"files": done}


def files_info(world: World, given: Json) -> Json:
    """Return a file."""
    if given["file"] not in world.files:
        raise SlackError("file_not_found")
    return {"file": world.files[given["file"]]}


def react(world: World, given: Json) -> Json:
    """Add a reaction."""
    message = world.find(given["channel"], given["timestamp"])
    if given["name"] in message.reactions:
        raise SlackError("already_reacted")
    message.reactions.append(given["name"])
    return {}


def unreact(world: World, given: Json) -> Json:
    """Remove a reaction."""
    message = world.find(given["channel"], given["timestamp"])
    if given["name"] not in message.reactions:
        raise SlackError("no_reaction")
    message.reactions.remove(given["name"])
    return {}


def status(world: World, given: Json) -> Json:
    """Set an assistant thread's status or title."""
    world.statuses.append(given)
    return {}


METHODS: Mapping[str, Callable[[World, Json], Json]] = {
    "auth.test": auth_test,
    "users.info": users_info,
    "users.conversations": conversations,
    "chat.postMessage": chat_post,
    "chat.update": chat_update,
    "chat.delete": chat_delete,
    "chat.postEphemeral": chat_ephemeral,
    "chat.getPermalink": permalink,
    "conversations.history": history,
    "conversations.replies": replies,
    "conversations.list": conversations,
    "conversations.info": info,
    "conversations.open": open_direct,
    "views.open": views_open,
    "files.getUploadURLExternal": upload_url,
    "files.completeUploadExternal": complete_upload,
    "files.info": files_info,
    "reactions.add": react,
    "reactions.remove": unreact,
    "assistant.threads.setStatus": status,
    "assistant.threads.setTitle": status,
}

# Slack takes these as a form or a query only.
NO_JSON = frozenset(
    {
        "conversations.history",
        "conversations.replies",
        "conversations.info",
        "files.getUploadURLExternal",
        "files.info",
        "users.conversations",
        "users.info",
    }
)
SCOPES: Any = (
    "app_mentions:read,assistant:write,channels:history,channels:read,chat:write,commands,files:read,files:write,"
    "groups:history,groups:read,im:history,im:read,im:write,mpim:history,mpim:read,reactions:write,users:read"
)
