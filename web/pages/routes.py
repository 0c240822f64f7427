"""The page's addresses: the chat, the login, and the files they are made of."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from string import Template
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from kernel.errors import InvalidInput, NotFound
from kernel.people import Scope
from store import messages, sessions, tokens
from store.messages import Chat, Cursor
from web.access import Door, require
from web.auth import DAY, Visitor
from web.bodies import read
from web.chat.article import article
from web.chat.names import NAME, Place, cursor_text, place, prefix_of
from web.chat.shapes import message_view
from web.errors import TooMany, Unauthenticated, status_of
from web.markdown import escape
from web.pages.approvals import ApprovalPages
from web.pages.jobs import JobPages
from web.pages.shell import Frame, Shell
from web.room import Parts

HERE = Path(__file__).parent
STATIC = HERE.parent / "static"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
FIRST_MESSAGES = 40
FORM_LIMIT = 4096
PLATFORM = "web"
NEW_CHAT = (
    '<a class="icon" href="/new" aria-label="New chat"><svg viewBox="0 0 24 24" aria-hidden="true">'
    '<path d="M12 5v14M5 12h14"/></svg></a>'
)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file of the page, read once."""

    content: bytes
    media: str
    etag: str

    @classmethod
    def read(cls, path: Path) -> "StaticFile":
        """Read a file."""
        content = path.read_bytes()
        return cls(content, TYPES[path.suffix], f'"{sha256(content).hexdigest()[:20]}"')


class Pages:
    """Makes the pages."""

    def __init__(self, parts: Parts, door: Door) -> None:
        self._parts = parts
        self._door = door
        self._chat = Template((HERE / "chat.html").read_text("utf-8"))
        self._login = Template((HERE / "login.html").read_text("utf-8"))
        self._shell = Shell(parts.database)
        self._approvals = ApprovalPages(parts, door, self._shell)
        self._jobs = JobPages(parts, door, self._shell)
        self._shell.links += [self._approvals.link, self._jobs.link]
        self._files = {path.name: StaticFile.read(path) for path in STATIC.iterdir() if path.suffix in TYPES}

    def routes(self) -> Sequence[BaseRoute]:
        """Return the page's routes."""
        return (
            Route("/", self.newest, methods=["GET"]),
            Route("/new", self.new, methods=["GET"]),
            Route("/c/{chat}", self.chat, methods=["GET"]),
            Route("/chats", self.chats, methods=["GET"]),
            Route("/departed", self.departed, methods=["GET"]),
            *self._approvals.routes(),
            *self._jobs.routes(),
            Route("/login", self.login, methods=["GET"]),
            Route("/login", self.enter, methods=["POST"]),
            Route("/logout", self.leave, methods=["POST"]),
            Route("/static/{name}", self.static, methods=["GET"]),
        )

    async def newest(self, request: Request) -> Response:
        """Lead to the chat that was used last, or to a new one."""
        visitor = await self._door.guest(request)
        if visitor is None:
            return _to("/login")
        chats = await self._chats(visitor)
        return _to(f"/c/{chats[0].chat}" if chats else "/new")

    async def new(self, _request: Request) -> Response:
        """Lead to a chat that does not exist yet."""
        return _to(f"/c/{secrets.token_hex(6)}")

    async def chat(self, request: Request) -> Response:
        """Show a chat."""
        visitor = await self._door.guest(request)
        if visitor is None:
            return _to("/login")
        require(visitor, Scope.CHAT)
        name = request.path_params["chat"]
        if not NAME.fullmatch(name):
            return _to("/")
        return HTMLResponse(await self._chat_html(visitor, place(visitor, PLATFORM, name)))

    async def _chat_html(self, visitor: Visitor, where: Place) -> str:
        page = await self._parts.database.read(
            messages.history, where.platform, where.chat, Cursor(), FIRST_MESSAGES
        )
        chats = await self._chats(visitor)
        title = next((chat.title for chat in chats if chat.chat == where.name), "")
        content = self._chat.substitute(
            departed=await self._departed(where),
            messages="".join(article(message_view(where, message)) for message in page.messages),
        )
        older, limit = cursor_text(page.older) or "", self._parts.settings.upload_limit
        frame = Frame(
            where.name,
            title or "New chat",
            content,
            "text",
            "the message field",
            "send messages",
            ("message.css", "chat.js"),
            page.seq,
            actions=NEW_CHAT,
            chats=_chat_list(chats, where.name),
            data=f' data-older="{older}" data-upload-limit="{limit}"',
        )
        return await self._shell.html(visitor, frame)

    async def chats(self, request: Request) -> Response:
        """Return the list of chats as HTML."""
        visitor = await self._door.visitor(request)
        require(visitor, Scope.CHAT)
        return HTMLResponse(_chat_list(await self._chats(visitor), request.query_params.get("current", "")))

    async def departed(self, request: Request) -> Response:
        """Return as HTML where a chat's conversation has gone to; nothing where it is here."""
        visitor = await self._door.visitor(request)
        require(visitor, Scope.CHAT)
        return HTMLResponse(
            await self._departed(place(visitor, PLATFORM, request.query_params.get("chat", "")))
        )

    async def _departed(self, where: Place) -> str:
        found = await self._parts.database.read(sessions.left_place, where.platform, where.chat)
        if found is None:
            return ""
        told = f"This conversation continues on {found.address.platform}; here it can only be read."
        return f'<span>{escape(told)}</span> <button type="button" data-idea="/take">Take back</button>'

    async def _chats(self, visitor: Visitor) -> list[Chat]:
        prefix = prefix_of(visitor)
        found = await self._parts.database.read(messages.chats, PLATFORM, prefix)
        return [
            Chat(chat.chat[len(prefix) :], chat.session_id, chat.title, chat.active_at)
            for chat in found
            if NAME.fullmatch(chat.chat[len(prefix) :])
        ]

    async def login(self, request: Request) -> Response:
        """Ask for the login token, where there is no session yet."""
        return _to(_after_login(request)) if await self._door.guest(request) else self._login_page("")

    def _login_page(self, problem: str, status: int = 200) -> Response:
        shown = f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
        return HTMLResponse(self._login.substitute(problem=shown), status)

    async def enter(self, request: Request) -> Response:
        """Turn a login token into a page's session."""
        form = parse_qs((await read(request, FORM_LIMIT)).decode("utf-8", "replace"))
        try:
            secret = await self._door.login(request, form.get("token", [""])[0])
        except (Unauthenticated, TooMany, InvalidInput) as error:
            return self._login_page(str(error), status_of(error))
        response = _to(_after_login(request))
        settings = self._parts.settings
        age = settings.page_days * DAY // 1000
        response.set_cookie(
            self._door.cookie,
            secret,
            max_age=age,
            path="/",
            secure=settings.secure,
            httponly=True,
            samesite="strict",
        )
        return response

    async def leave(self, request: Request) -> Response:
        """End the page's session."""
        response = _to("/login")
        try:
            visitor = await self._door.visitor(request)
            await self._parts.database.write(tokens.revoke, visitor.token.id, actor=visitor.principal.id)
        except Unauthenticated:
            pass
        settings = self._parts.settings
        response.delete_cookie(
            self._door.cookie, path="/", secure=settings.secure, httponly=True, samesite="strict"
        )
        return response

    async def static(self, request: Request) -> Response:
        """Return one of the page's own files."""
        file = self._files.get(request.path_params["name"])
        if file is None:
            raise NotFound("There is no such file.")
        headers = {"etag": file.etag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == file.etag:
            return Response(status_code=304, headers=headers)
        return Response(file.content, headers=headers, media_type=file.media)


def _after_login(request: Request) -> str:
    """Return where a login leads: to the page that asked for it."""
    wanted = request.query_params.get("to", "")
    return f"/{wanted}" if wanted in ("approvals", "jobs") else "/"


def _to(address: str) -> RedirectResponse:
    return RedirectResponse(address, 303)


def _chat_list(chats: Sequence[Chat], current: str) -> str:
    """Return the entries of the sidebar; one that does not exist yet stands first."""
    shown = list(chats)
    if current and all(chat.chat != current for chat in shown):
        shown.insert(0, Chat(current, "", "New chat", 0))
    return "".join(_chat_entry(chat, current=chat.chat == current) for chat in shown)


def _chat_entry(chat: Chat, *, current: bool) -> str:
    mark = ' aria-current="page"' if current else ""
    title = escape(chat.title or "Untitled chat")
    return f'<li><a href="/c/{escape(chat.chat)}"{mark} data-at="{chat.active_at}">{title}</a></li>'
