"""Running the tests of a fix: in a worktree of the commit that would be pushed, with nothing of the daemon's own."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.tools.terminal.command import Command, Ending, Plan
from agent.tools.terminal.output import Output
from agent.tools.terminal.surroundings import SHELL, SHELL_OPTIONS
from kernel.errors import HermesError

SHOWN = 6000
KEPT = 1_000_000
END_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Tested:
    """What a test run said: its command (empty: none is known), its exit code and the end of its output."""

    command: str = ""
    code: int = 0
    output: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing speaks against the fix."""
        return self.code == 0


@dataclass(frozen=True, slots=True)
class TestRunner:
    """Runs test commands; ``environment`` is all they get, ``wrapped`` puts them in the sandbox that is set."""

    __test__ = False

    environment: Mapping[str, str]
    wrapped: Callable[[Plan, Path], Awaitable[Plan]]

    async def run(self, folder: Path, line: str, seconds: float) -> Tested:
        """Run a command in a folder to its end, or until its time is over."""
        words = ("bash", *SHELL_OPTIONS, "-c", "--", line)
        output = Output(folder.with_name(f"{folder.name}.log"), SHOWN, KEPT)
        try:
            plan = await self.wrapped(Plan(words, SHELL, str(folder), self.environment), folder)
            command = await Command.start(plan, output, lambda _: None)
        except (OSError, HermesError) as error:
            return Tested(line, 126, f"The tests could not be started: {error}")
        try:
            ending = await _lived(command, seconds)
        finally:
            await asyncio.to_thread(output.file.unlink, missing_ok=True)
        text = output.text().strip()
        if ending.timed_out:
            text = f"{text}\n[ended after {seconds:g} seconds: its time was over]"
        return Tested(line, ending.code if not ending.timed_out else 124, text)


async def _lived(command: Command, seconds: float) -> Ending:
    """Wait for a command's end; whoever is cancelled meanwhile leaves none behind."""
    life = asyncio.get_running_loop().create_task(command.live(seconds))
    try:
        return await asyncio.shield(life)
    except asyncio.CancelledError:
        command.stop()
        await asyncio.wait((life,), timeout=END_SECONDS)
        raise
