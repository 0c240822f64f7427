"""A Telegram Bot API server on a loopback socket, with people to play and faults to order.

In a test::

    async with TelegramServer() as server:
        bot = telegram.Bot(server.token, base_url=server.base_url, base_file_url=server.base_file_url)
        server.user_says(7, "hello")
        reply = await server.wait_for_text(7, "pong")

For a subprocess: `python -m tests.fakes.telegram_server --port 0` prints its address as one JSON line;
`tests/fakes/telegram_control.py` lists what `POST /control/{name}` takes.
"""

import argparse
import asyncio
import json
from collections.abc import Sequence

from aiohttp import web

from tests.fakes import telegram_control
from tests.fakes.faults import Delay, DropAfter, DropBefore, HalfOpen, Hang, Refuse
from tests.fakes.telegram_api import TOKEN, Call, TelegramApi, flood, refusal, server_error
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

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add the control API."""
        router.add_post("/control/{name}", self._control)

    async def _control(self, request: web.Request) -> web.Response:
        return await telegram_control.serve(self, request)


async def serve(port: int, *, token: str, seconds: float) -> None:
    """Run the server on its own and print where it listens."""
    server = TelegramServer(token=token)
    await server.start(port)
    print(json.dumps({"url": server.url, "token": token}), flush=True)  # noqa: T201
    await asyncio.sleep(seconds)
    await server.stop()


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="A Telegram Bot API server for tests, on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--seconds", type=float, default=3600, help="stops by itself after this time")
    options = parser.parse_args(arguments)
    asyncio.run(serve(options.port, token=options.token, seconds=options.seconds))


if __name__ == "__main__":
    main()
