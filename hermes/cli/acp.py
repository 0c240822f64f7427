"""``hermes acp``: let an editor talk to Hermes over the Agent Client Protocol."""

import asyncio
import os
import sys

import typer

from hermes import plugins
from hermes.cli.chat import connected
from hermes.cli.groups import examples
from hermes.cli.talk.client import ChatClient
from hermes.cli.terminal import Terminal, here

# The most that an editor may send in one line: a picture is one.
LONGEST = 32 * 1024 * 1024


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="acp", epilog=examples("hermes acp"))(serve)


def serve(context: typer.Context) -> None:
    """Serve an editor over standard input and output, with the running gateway or one inside this process."""
    asyncio.run(_serve(here(context)))


async def _serve(terminal: Terminal) -> None:
    # Standard output belongs to the protocol alone; whatever else is printed goes where the editor keeps a log.
    output = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    reader, writer = await _streams(output)
    async with connected(terminal) as find:

        def client(chat: str) -> ChatClient:
            return plugins.load(plugins.CHAT_CLIENT)(find, chat)

        await plugins.load(plugins.EDITOR)(client, reader, writer)


async def _streams(output: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return standard input and a descriptor as streams."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LONGEST)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.streams.FlowControlMixin(loop), os.fdopen(output, "wb")
    )
    return reader, asyncio.StreamWriter(transport, protocol, None, loop)
