"""``hermes chat``: talk to Hermes in this terminal."""

import asyncio
import re
import secrets
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer

from hermes import daemon, logs, plugins
from hermes.cli.groups import examples
from hermes.cli.remote import running
from hermes.cli.terminal import Terminal, here, interactive
from hermes.daemon import DaemonInfo
from hermes.settings import secret_values
from kernel.errors import InvalidInput
from store.lock import holder

DRAINING = "Finishing what is under way; after Ctrl-C it goes on with the next start."
CHAT_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "hermes chat", 'hermes chat -q "what did I miss?"', "git diff | hermes chat -q -",
            'hermes chat -q "what is on this picture?" --file photo.png',
        )
    )(chat)  # fmt: skip


def chat(
    context: typer.Context,
    question: Annotated[
        str,
        typer.Option(
            "--question",
            "-q",
            help="Ask this one question and print the answer; - reads it from standard input.",
        ),
    ] = "",
    file: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", help="A file that goes with the question.", exists=True, dir_okay=False),
    ] = None,
    name: Annotated[
        str,
        typer.Option(
            "--chat", metavar="NAME", help="The chat to talk in. Default: main, or a new one with -q."
        ),
    ] = "",
) -> None:
    """Talk to Hermes: with the running gateway, or with one inside this terminal while none runs."""
    terminal = here(context)
    if name and not CHAT_NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} is no name for a chat.", remedy="Use up to 64 letters, digits, _ and -."
        )
    if question:
        words = sys.stdin.read().strip() if question == "-" else question
        if not words:
            raise InvalidInput("There is no question.", remedy="Write it behind -q, or pipe it in with: -q -")
        raise typer.Exit(asyncio.run(_once(terminal, name or f"q-{secrets.token_hex(4)}", words, file or [])))
    if not interactive():
        raise InvalidInput(
            "This is no terminal to converse in.", remedy='Ask one question with: hermes chat -q "…"'
        )
    asyncio.run(converse(terminal, name or "main"))


async def _once(terminal: Terminal, chat_name: str, words: str, files: list[Path]) -> int:
    async with connected(terminal) as find:
        client = plugins.load(plugins.CHAT_CLIENT)(find, chat_name)
        try:
            return await plugins.load(plugins.CHAT_ONCE)(client, words, files)
        finally:
            await client.close()


async def converse(terminal: Terminal, chat_name: str, *, take: str = "") -> None:
    """Converse in a chat; a conversation named by ``take`` is pulled into it first."""
    async with connected(terminal) as find:
        client = plugins.load(plugins.CHAT_CLIENT)(find, chat_name)
        try:
            if take:
                await client.take(take)
            await plugins.load(plugins.CHAT_SCREEN)(client, terminal.home.history)
        finally:
            await client.close()


@asynccontextmanager
async def connected(terminal: Terminal) -> AsyncGenerator[Callable[[], DaemonInfo | None]]:
    """Give a function that tells where the daemon is: the running one, or one inside this process.

    A gateway that starts while the embedded one works takes over; the function then tells of that one.
    """
    home = terminal.home
    if running(home) is not None:
        yield lambda: daemon.read(home) if holder(home.root) else None
        return
    home.prepare()
    settings = terminal.settings
    handlers = logs.configure(settings.log, home, secret_values(settings), stream=None)
    waiting: asyncio.TimerHandle | None = None
    try:
        async with plugins.load(plugins.EMBEDDED)(settings, home) as own:
            yield lambda: daemon.read(home) or own
            waiting = asyncio.get_running_loop().call_later(1.0, print, DRAINING)
    finally:
        if waiting is not None:
            waiting.cancel()
        handlers.close()
