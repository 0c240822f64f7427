"""Webhook mode: a small HTTP server behind a reverse proxy, which answers 200 only after the commit."""

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

import h11
from telegram.error import TelegramError

from gateway.adapter import Link
from gateway.platforms.telegram.failures import platform_error
from gateway.platforms.telegram.intake import Intake
from gateway.platforms.telegram.introduction import Introduction
from gateway.platforms.telegram.request import ApiBot
from gateway.platforms.telegram.settings import TelegramSettings
from kernel.errors import PlatformConflict, PlatformUnavailable, StoreError

BODY_LIMIT = 4 * 1024 * 1024
READ = 64 * 1024
QUIET_SECONDS = 120.0
SECRET_HEADER = b"x-telegram-bot-api-secret-token"
TOO_LARGE = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


@dataclass(frozen=True, slots=True)
class Post:
    """One request as it came."""

    method: bytes
    path: bytes
    secret: bytes
    body: bytes | None


class Webhook:
    """Receives by Telegram's posts.

    Telegram is asked for one connection, because only then it posts in order: each update after the one before was
    answered.
    """

    def __init__(self, settings: TelegramSettings, introduction: Introduction) -> None:
        self._settings = settings
        self._introduction = introduction
        self._path = (urlsplit(settings.webhook.url).path or "/").encode()
        self._turn = asyncio.Lock()
        self._visits: set[asyncio.Task[None]] = set()
        self.port = 0

    async def run(self, link: Link, bot: ApiBot) -> None:
        """Listen, tell Telegram where, and look after it until cancelled.

        Raises PlatformUnavailable, PlatformConflict or PlatformUnauthorised.
        """
        entry = Intake(bot, self._introduction)

        async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._note(asyncio.current_task())
            await converse(reader, writer, lambda post: self._answer(post, link, entry))

        hook = self._settings.webhook
        try:
            server = await asyncio.start_server(visit, hook.host, hook.port)
        except OSError as error:
            raise PlatformUnavailable(
                f"The webhook cannot listen on {hook.host}:{hook.port}: {error.strerror}.",
                remedy="Choose another webhook.port.",
            ) from None
        async with server:
            self.port = server.sockets[0].getsockname()[1]
            try:
                await self._register(bot)
                link.connected()
                self._introduction.begin(bot)
                await self._look_after(link, bot)
            finally:
                await self._say_goodbye()

    def _note(self, visit: asyncio.Task[None] | None) -> None:
        """Keep a connection's task for as long as it lasts."""
        if visit is not None:
            self._visits.add(visit)
            visit.add_done_callback(self._visits.discard)

    async def _say_goodbye(self) -> None:
        """End the open connections, for which a closing server would wait; Telegram posts again what is unanswered."""
        visits = tuple(self._visits)
        for visit in visits:
            visit.cancel()
        if visits:
            await asyncio.wait(visits)

    async def _register(self, bot: ApiBot) -> None:
        try:
            await bot.set_webhook(
                self._settings.webhook.url,
                secret_token=self._settings.webhook_secret,
                allowed_updates=list(self._settings.allowed_updates),
                max_connections=1,
                drop_pending_updates=False,
            )
        except TelegramError as error:
            raise platform_error(error) from None

    async def _look_after(self, link: Link, bot: ApiBot) -> None:
        """Ask Telegram now and then whether its posts arrive; raise when another webhook took our place."""
        while True:
            await asyncio.sleep(self._settings.webhook.check_seconds)
            try:
                info = await bot.get_webhook_info()
            except TelegramError as error:
                raise platform_error(error) from None
            if info.url != self._settings.webhook.url:
                raise PlatformConflict(
                    "Another program took over this bot's webhook.", remedy="Stop it, or use another bot."
                )
            link.progress()
            if info.pending_update_count and info.last_error_message:
                link.degraded(f"Telegram's posts do not arrive: {info.last_error_message}")

    async def _answer(self, post: Post, link: Link, entry: Intake) -> HTTPStatus:
        if post.method != b"POST" or post.path.partition(b"?")[0] != self._path:
            return HTTPStatus.NOT_FOUND
        if not hmac.compare_digest(post.secret, self._settings.webhook_secret.encode()):
            return HTTPStatus.FORBIDDEN
        if post.body is None:
            return TOO_LARGE
        return await self._commit(post.body, link, entry)

    async def _commit(self, body: bytes, link: Link, entry: Intake) -> HTTPStatus:
        try:
            update = json.loads(body)
        except ValueError:
            update = body.decode(errors="replace")
        try:
            async with self._turn:
                await entry.take(link, [update])
        except StoreError as error:
            link.degraded(f"Messages wait at Telegram: {error}")
            return HTTPStatus.SERVICE_UNAVAILABLE
        link.progress()
        return HTTPStatus.OK


async def converse(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    answer: Callable[[Post], Awaitable[HTTPStatus]],
) -> None:
    """Serve one connection until either side has enough."""
    connection = h11.Connection(h11.SERVER)
    try:
        while (post := await _request(reader, connection)) is not None:
            status = await answer(post)
            writer.write(_response(connection, status))
            await writer.drain()
            if post.body is None or connection.our_state is h11.MUST_CLOSE:
                break
            connection.start_next_cycle()
    except (h11.ProtocolError, OSError, TimeoutError):
        # A visitor who does not speak HTTP, or left: there is nobody to answer.
        return
    finally:
        writer.close()


async def _request(reader: asyncio.StreamReader, connection: h11.Connection) -> Post | None:
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = await _event(reader, connection)
        match event:
            case h11.Request():
                head = event
            case h11.Data():
                body += event.data
                if len(body) > BODY_LIMIT and head is not None:
                    return _post(head, None)
            case h11.EndOfMessage() if head is not None:
                return _post(head, bytes(body))
            case _:
                return None


async def _event(reader: asyncio.StreamReader, connection: h11.Connection) -> object:
    while (event := connection.next_event()) is h11.NEED_DATA:
        async with asyncio.timeout(QUIET_SECONDS):
            connection.receive_data(await reader.read(READ))
    return event


def _post(head: h11.Request, body: bytes | None) -> Post:
    secret = next((value for name, value in head.headers if name == SECRET_HEADER), b"")
    return Post(head.method, head.target, secret, body)


def _response(connection: h11.Connection, status: HTTPStatus) -> bytes:
    head = h11.Response(
        status_code=status, reason=status.phrase.encode(), headers=[(b"content-length", b"0")]
    )
    return (connection.send(head) or b"") + (connection.send(h11.EndOfMessage()) or b"")
