"""Commands of a person at a terminal, asked again until they show what a test waits for."""

import asyncio

from tests.support.daemon import Daemon

PATIENCE = 40.0


async def until(daemon: Daemon, command: str, words: str) -> str:
    """Run ``hermes COMMAND`` until its output holds the words, and return the output."""
    shown = ""
    try:
        async with asyncio.timeout(PATIENCE):
            while words not in shown:
                _, shown = await daemon.command(*command.split())
    except TimeoutError:
        raise AssertionError(f"`hermes {command}` never showed {words!r}:\n{shown}") from None
    return shown
