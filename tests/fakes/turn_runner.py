"""A runner of turns that a test scripts: what it is asked is recorded, what it answers is said beforehand."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from kernel.turns import TurnInput, TurnIO, TurnOutcome, TurnRequest
from tests.fakes.changes import Changes

Script = Callable[[TurnRequest, TurnIO], Awaitable[TurnOutcome]]


async def echo(request: TurnRequest, io: TurnIO) -> TurnOutcome:
    """Answer with the words that were given."""
    return TurnOutcome("echo: " + " + ".join(given.text for given in request.inputs))


def says(text: str) -> Script:
    """Return a script that answers with a text."""

    async def run(request: TurnRequest, io: TurnIO) -> TurnOutcome:
        io.text(text)
        return TurnOutcome(text)

    return run


def fails(error: Exception) -> Script:
    """Return a script that ends in an error."""

    async def run(request: TurnRequest, io: TurnIO) -> TurnOutcome:
        raise error

    return run


class Held:
    """A script that works until it is released or stopped, and tells what it was steered with."""

    def __init__(self, text: str = "released") -> None:
        self.text = text
        self.begun = asyncio.Event()
        self.released = asyncio.Event()
        self.steered: list[TurnInput] = []
        self.takes_steering = True

    async def __call__(self, request: TurnRequest, io: TurnIO) -> TurnOutcome:
        self.begun.set()
        waits = {
            asyncio.ensure_future(self.released.wait()): "released",
            asyncio.ensure_future(io.stop.wait()): "stopped",
        }
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self.takes_steering:
            self.steered += io.steering()
        consumed = tuple(given.inbox_id for given in self.steered)
        if any(waits[wait] == "stopped" for wait in done):
            return TurnOutcome("", stopped=True, consumed=consumed)
        return TurnOutcome(
            " + ".join([self.text, *(given.text for given in self.steered)]), consumed=consumed
        )


class ScriptedRunner:
    """Runs the scripts in order, then ``echo`` for ever; ``requests`` are the turns it was asked to run."""

    def __init__(self, *scripts: Script) -> None:
        self.scripts = deque(scripts)
        self.requests: list[TurnRequest] = []
        self.changes = Changes()

    async def run(self, request: TurnRequest, io: TurnIO) -> TurnOutcome:
        self.requests.append(request)
        self.changes.notify()
        script = self.scripts.popleft() if self.scripts else echo
        return await script(request, io)

    async def until_asked(self, count: int, within: float = 60.0) -> list[TurnRequest]:
        """Wait until so many turns were begun."""
        await self.changes.wait_for(lambda: len(self.requests) >= count, within=within)
        return self.requests

    @property
    def asked(self) -> list[list[str]]:
        """The words of every turn's messages."""
        return [[given.text for given in request.inputs] for request in self.requests]

    # What the commands need of the agent room.

    async def undo(self, session_id: str, turns: int = 1, *, said: str = "") -> str:
        return f"Took back {turns}."

    async def compact(self, session_id: str, model: str = "") -> str:
        return "Summarised."
