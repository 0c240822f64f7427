"""The processes that agents have started: each is owned here until it has ended, none outlives the daemon."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.tools.terminal.command import Command, Ending, Plan
from agent.tools.terminal.output import Output
from kernel.errors import InvalidInput, NotFound

# So many ended background processes are remembered.
REMEMBERED = 50

Life = asyncio.Task[Ending]


@dataclass(slots=True)
class Background:
    """A process that runs beside the turns of its session; ``shown`` counts the bytes that were polled already."""

    id: str
    session_id: str
    text: str
    command: Command
    life: Life
    shown: int = 0

    @property
    def ending(self) -> Ending | None:
        """How it ended; ``None`` while it runs."""
        return self.life.result() if self.life.done() else None


@dataclass(slots=True)
class Processes:
    """Everything that runs; it outlives the runners of earlier settings, and whoever makes it closes it."""

    _alive: dict[Life, Command] = field(default_factory=dict[Life, Command])
    _background: dict[str, Background] = field(default_factory=dict[str, Background])
    _count: int = 0
    _closed: bool = False

    async def run(self, plan: Plan, output: Output, seconds: float, tell: Callable[[str], None]) -> Ending:
        """Run a command to its end; a caller that is cancelled ends it with everything it has started."""
        command, life = await self._start(plan, output, tell, seconds)
        try:
            return await asyncio.shield(life)
        except asyncio.CancelledError:
            command.stop()
            raise

    async def launch(
        self, session_id: str, text: str, plan: Plan, output: Output, *, most: int
    ) -> Background:
        """Start a background process; raise InvalidInput when ``most`` run already."""
        running = [each.id for each in self._background.values() if each.ending is None]
        if len(running) >= most:
            raise InvalidInput(
                f"{len(running)} background processes run already: {', '.join(running)}.",
                remedy="End one first.",
            )
        self._count += 1
        number = f"p{self._count}"
        command, life = await self._start(plan, output, _unheard, None)
        self._background[number] = Background(number, session_id, text, command, life)
        self._forget()
        return self._background[number]

    def find(self, session_id: str, number: str) -> Background:
        """Return a background process of a session; raise NotFound when it has none such."""
        found = self._background.get(number.strip())
        if found is None or found.session_id != session_id:
            known = [each.id for each in self._background.values() if each.session_id == session_id]
            remedy = f"There are {', '.join(known)}." if known else ""
            raise NotFound(f"There is no process {number}.", remedy=remedy)
        return found

    def running(self, session_id: str) -> list[Background]:
        """Return the background processes of a session that have not ended, oldest first."""
        own = (each for each in self._background.values() if each.session_id == session_id)
        return [each for each in own if each.ending is None]

    async def close(self) -> None:
        """End everything that runs, and start nothing any more."""
        self._closed = True
        for command in self._alive.values():
            command.stop()
        if self._alive:
            await asyncio.wait(self._alive)

    async def _start(
        self, plan: Plan, output: Output, tell: Callable[[str], None], seconds: float | None
    ) -> tuple[Command, Life]:
        if self._closed:
            raise InvalidInput("Hermes is stopping; no command is started any more.")
        command = await Command.start(plan, output, tell)
        life = asyncio.create_task(command.live(seconds))  # noqa: TID251 - kept in _alive until it is done
        self._alive[life] = command
        life.add_done_callback(self._ended)
        return command, life

    def _ended(self, life: Life) -> None:
        del self._alive[life]

    def _forget(self) -> None:
        over = [each.id for each in self._background.values() if each.ending is not None]
        for number in over[: max(0, len(over) - REMEMBERED)]:
            del self._background[number]


def _unheard(_line: str) -> None:
    """Hear nothing: nobody watches a background process while it runs."""
