"""The chat endpoints: what ``docs/reference/chat-endpoints.md`` describes."""

import re
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kernel.errors import InvalidInput, NotFound, PlatformUnavailable
from kernel.people import Scope as Permission
from store import messages
from web.bodies import answer, parse, query, read_json
from web.chat import files
from web.chat.article import with_html
from web.chat.names import Place, cursor, cursor_text, key, place, platform, prefix_of, sender_of
from web.chat.shapes import (
    Accepted,
    ChatList,
    ChatView,
    CommandList,
    CommandView,
    HistoryQuery,
    HistoryView,
    Said,
    StreamQuery,
    Tapped,
    UploadQuery,
    UploadView,
    message_view,
)
from web.chat.stream import ChatStream, EventStream, Hub
from web.room import Call, Endpoint, Parts

FILE = re.compile(r"(in|out)-(\d{1,18})-(\d{1,3})")
BASE = "/api/chat/{platform}"
CHAT = BASE + "/{chat}"


class StreamResponse(Response):
    """Lets a handler return a stream where a response is expected."""

    def __init__(self, stream: EventStream) -> None:
        super().__init__()
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        await self._stream(scope, receive, send)


class ChatRoom:
    """Carries the chat endpoints out."""

    def __init__(self, parts: Parts, hub: Hub, drop: Callable[[Scope], None]) -> None:
        self._parts = parts
        self._hub = hub
        self._drop = drop

    def _place(self, call: Call) -> Place:
        found = place(call.visitor, call.request.path_params["platform"], call.request.path_params["chat"])
        if found.platform not in self._parts.local:
            raise PlatformUnavailable(f"The {found.platform} chat is not served here.")
        return found

    async def chats(self, call: Call) -> Response:
        """List a visitor's chats."""
        name, prefix = platform(call.request.path_params["platform"]), prefix_of(call.visitor)
        found = await self._parts.database.read(messages.chats, name, prefix)
        views = [
            ChatView(
                chat=chat.chat[len(prefix) :],
                session_id=chat.session_id,
                title=chat.title,
                active_at=chat.active_at,
            )
            for chat in found
        ]
        return answer(ChatList, ChatList(chats=views))

    async def commands(self, _call: Call) -> Response:
        """List the slash commands."""
        entries = [CommandView(name=entry.name, summary=entry.summary) for entry in self._parts.commands()]
        return answer(CommandList, CommandList(commands=entries))

    async def say(self, call: Call) -> Response:
        """Commit what a person says."""
        where, said = self._place(call), parse(Said, await read_json(call.request))
        if not (said.text.strip() or said.attachments):
            raise InvalidInput("An empty message says nothing.", remedy="Write something or attach a file.")
        attachments = [files.attachment_of(self._parts.incoming, upload) for upload in said.attachments]
        await self._parts.local[where.platform].say(
            where.chat,
            sender_of(call.visitor),
            said.text,
            key=key(said.key),
            attachments=attachments,
            reply_to=said.reply_to,
        )
        return answer(Accepted, Accepted(key=said.key), 202)

    async def tap(self, call: Call) -> Response:
        """Commit a pressed button."""
        where, tapped = self._place(call), parse(Tapped, await read_json(call.request))
        await self._parts.local[where.platform].tap(
            where.chat,
            sender_of(call.visitor),
            tapped.value,
            key=key(tapped.key),
            message_id=tapped.message_id,
        )
        return answer(Accepted, Accepted(key=tapped.key), 202)

    async def upload(self, call: Call) -> Response:
        """Keep a file until a message names it."""
        self._place(call)
        name = parse(UploadQuery, query(call.request)).name
        limit = self._parts.settings.upload_limit
        return answer(UploadView, await files.receive(call.request, self._parts.incoming, name, limit), 201)

    async def history(self, call: Call) -> Response:
        """Return a stretch of history."""
        where, asked = self._place(call), parse(HistoryQuery, query(call.request))
        page = await self._parts.database.read(
            messages.history, where.platform, where.chat, cursor(asked.before), asked.limit
        )
        views = [message_view(where, message) for message in page.messages]
        if asked.view == "page":
            views = [with_html(view) for view in views]
        return answer(HistoryView, HistoryView(messages=views, older=cursor_text(page.older), seq=page.seq))

    async def stream(self, call: Call) -> Response:
        """Follow a chat."""
        where, asked = self._place(call), parse(StreamQuery, query(call.request))
        last = call.request.headers.get("last-event-id", "")
        since = int(last) if last.isdecimal() and len(last) < 19 else asked.since  # noqa: PLR2004 - digits of 2**63
        stream = ChatStream(where, call.visitor, self._parts, html=asked.view == "page")
        return StreamResponse(
            EventStream(stream, self._hub, self._parts.local[where.platform], since, self._drop)
        )

    async def file(self, call: Call) -> Response:
        """Return a file of a message of this chat."""
        where, name = self._place(call), FILE.fullmatch(call.request.path_params["file"])
        if name is None:
            raise NotFound("There is no such file.")
        direction = "in" if name[1] == "in" else "out"
        message = await self._parts.database.read(
            messages.one, where.platform, where.chat, direction, int(name[2])
        )
        if message is None or int(name[3]) >= len(message.attachments):
            raise NotFound("There is no such file.")
        attachment = message.attachments[int(name[3])]
        if not attachment.path:
            raise NotFound("This file was not kept.", remedy=attachment.problem)
        return files.download(attachment, self._parts.home, shown="shown" in call.request.query_params)


def endpoints(room: ChatRoom) -> list[Endpoint]:
    """Return the chat endpoints."""
    chat, tag = Permission.CHAT, "chat"
    return [
        Endpoint("GET", "/api/commands", "chat.commands", "List the slash commands, for completion.", chat,
                 room.commands, None, CommandList, tag=tag),
        Endpoint("GET", BASE, "chat.list", "List the chats, the latest first.", chat,
                 room.chats, None, ChatList, tag=tag),
        Endpoint("GET", CHAT + "/history", "chat.history", "Read a stretch of history.", chat,
                 room.history, HistoryQuery, HistoryView, tag=tag),
        Endpoint("GET", CHAT + "/stream", "chat.stream", "Follow a chat as server-sent events.", chat,
                 room.stream, StreamQuery, media="text/event-stream", tag=tag),
        Endpoint("POST", CHAT + "/messages", "chat.say", "Say something; the same key again changes nothing.", chat,
                 room.say, Said, Accepted, 202, tag=tag),
        Endpoint("POST", CHAT + "/taps", "chat.tap", "Press a button; the same key again changes nothing.", chat,
                 room.tap, Tapped, Accepted, 202, tag=tag),
        Endpoint("POST", CHAT + "/uploads", "chat.upload", "Upload a file for a message that will name it.", chat,
                 room.upload, UploadQuery, UploadView, 201, body="application/octet-stream", tag=tag),
        Endpoint("GET", CHAT + "/files/{file}", "chat.file", "Fetch a file of a message.", chat,
                 room.file, media="application/octet-stream", tag=tag),
    ]  # fmt: skip
