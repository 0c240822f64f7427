"""A Telegram Bot API server on a loopback socket, with people to play and faults to order.

In a test::

    async with TelegramServer() as server:
        bot = telegram.Bot(server.token, base_url=server.base_url, base_file_url=server.base_file_url)
        server.user_says(7, "hello")
        reply = await server.wait_for_text(7, "pong")

For a subprocess: `python -m tests.fakes.telegram_server --port 0` prints its address as one JSON line;
`tests/fakes/telegram_control.py` lists what `POST /control/{name}` takes.
"""

from aiohttp import web
from typing_extensions import override

from tests.fakes import telegram_control
from tests.fakes.faults import Delay, DropAfter, DropBefore, HalfOpen, Hang, Refuse, server_error
from tests.fakes.loopback import run_alone
from tests.fakes.telegram_api import TOKEN, Call, TelegramApi, flood, refusal
from tests.fakes.telegram_world import Message

__all__ = [
    "TOKEN",
    "Call",
    "Delay",
    "DropAfter",
    "DropBefore",
    "HalfOpen",
    "Hang",
    "Message",
    "Refuse",
    "TelegramServer",
    "flood",
    "refusal",
    "server_error",
]


class TelegramServer(TelegramApi):
    """The Bot API and, beside it, the HTTP control API."""

    @override
    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add the control API to the Bot API."""
        super().add_routes(router)
        router.add_post("/control/{name}", self._control)

    async def _control(self, request: web.Request) -> web.Response:
        return await telegram_control.serve(self, request)


if __name__ == "__main__":
    alone = TelegramServer()
    run_alone(alone, "A Telegram Bot API server", lambda: {"url": alone.url, "token": alone.token})
