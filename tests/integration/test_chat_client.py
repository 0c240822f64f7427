"""The terminal's chat client against a gateway that goes away and comes back while it is asked."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from hermes.cli.talk.client import ChatClient
from hermes.daemon import DaemonInfo
from kernel.errors import HermesError


def answer(status: str, body: str) -> bytes:
    """Return a whole answer."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


OK = answer("200 OK", '{"messages": [], "seq": 12}')
REFUSED = answer(
    "401 Unauthorized", '{"error": {"code": "unauthenticated", "message": "Who?", "remedy": ""}}'
)
WRONG = answer(
    "422 Unprocessable", '{"error": {"code": "invalid_input", "message": "Not so.", "remedy": ""}}'
)


class Script:
    """A server that gives its answers in turn, the last one for ever; an empty one breaks the connection."""

    def __init__(self, *answers: bytes) -> None:
        self._answers = list(answers)
        self.tokens: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.tokens += [line.rpartition(" ")[2] for line in head.split("\r\n") if "earer" in line]
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        writer.write(answer)
        writer.close()


@asynccontextmanager
async def client_of(script: Script) -> AsyncGenerator[ChatClient]:
    """Run the server and a client that is given a fresh token each time it asks for the daemon."""
    server = await asyncio.start_server(script, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    lives = iter(range(1000))
    client = ChatClient(lambda: DaemonInfo(1, f"http://127.0.0.1:{port}", f"life{next(lives)}", "1"), "main")
    async with server:
        yield client
        await client.close()


async def test_a_token_of_the_life_before_is_looked_up_again() -> None:
    script = Script(REFUSED, b"", OK)
    async with client_of(script) as client:
        assert (await client.history())["seq"] == 12
    assert len(set(script.tokens)) == 3


async def test_what_the_gateway_refuses_for_good_is_told_at_once() -> None:
    script = Script(WRONG)
    async with client_of(script) as client:
        with pytest.raises(HermesError, match="Not so"):
            await client.say("x")
    assert len(script.tokens) == 1
