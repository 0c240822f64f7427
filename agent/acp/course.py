"""The course of one turn with a coding agent: its prompts one after the other, what interrupts them, how it ends."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from acp.schema import PromptResponse

from agent.acp import content
from agent.acp.desks import Desk
from agent.acp.errors import AgentSilent
from agent.acp.words import CANCELLED, LIMIT_OF_REQUESTS, LIMIT_OF_TOKENS, REFUSED, SILENT
from agent.settings import AgentSettings
from agent.spending import over_task, over_turn
from kernel.turns import TurnInput, TurnIO, Usage

# So long nothing is heard before a turn ends that only waits for a person.
QUIET = 0.3
STOPPING = 5.0
ENDINGS = {
    "max_tokens": LIMIT_OF_TOKENS,
    "max_turn_requests": LIMIT_OF_REQUESTS,
    "refusal": REFUSED,
    "cancelled": CANCELLED,
}


@dataclass(slots=True)
class Course:
    """How one turn fares: what still has to be said to the agent, and what came of it so far.

    ``ending`` is why it ended before the agent was done, which counts as a failure unless a person stopped it.
    """

    queue: list[list[Any]] = field(default_factory=list[list[Any]])
    late: list[TurnInput] = field(default_factory=list[TurnInput])
    usage: list[Usage] = field(default_factory=list[Usage])
    held: tuple[str, ...] = ()
    stopped: bool = False
    ending: str = ""


class Drive:
    """Drives the prompts of one turn; ``release()`` ends an agent that does not stop."""

    def __init__(
        self,
        desk: Desk,
        io: TurnIO,
        course: Course,
        settings: AgentSettings,
        release: Callable[[], Awaitable[None]],
    ) -> None:
        self._desk = desk
        self._io = io
        self._course = course
        self._settings = settings
        self._release = release

    async def run(self) -> None:
        """Go on until nothing is under way, or only a person can let it go on; raise AgentSilent."""
        async with _signals(self._desk, self._io) as signals:
            await self._prompts(signals)

    async def _prompts(self, signals: "Signals") -> None:
        desk, course = self._desk, self._course
        signs, since = desk.live.signs, signals.now()
        while desk.live.prompt is not None:
            await signals.wait(desk.live.prompt, QUIET if desk.leave.waiting else 1.0)
            if self._io.stop.is_set():
                course.stopped = True
                await self.halt()
                return
            self._hear()
            if desk.live.prompt.done() and not self._ended():
                return
            if over := self._over():
                course.ending = over
                await self.halt()
                return
            if signs != desk.live.signs or desk.leave.waiting or desk.live.client.busy:
                quiet = signs == desk.live.signs and not desk.leave.judging
                signs, since = desk.live.signs, signals.now()
                if desk.leave.waiting and quiet and await desk.leave.still_open():
                    course.held = tuple(desk.leave.waiting)
                    return
            elif signals.now() - since > desk.live.silence:
                raise AgentSilent(
                    f"{desk.name} {SILENT} for {desk.live.silence:g} seconds and was ended.",
                    remedy="/retry tries again.",
                )

    def _over(self) -> str:
        """Return why the turn must not go on, or nothing."""
        if self._desk.watch.over:
            return f"It was cut off after {self._settings.context.answer:,} characters."
        return self._overspent(*self._desk.watch.costs(self._desk.name))

    def _overspent(self, *under_way: Usage) -> str:
        used, persona = [*self._course.usage, *under_way], self._desk.leave.request.persona
        return over_turn(used, self._settings.budget) or over_task(used, persona)

    def _hear(self) -> None:
        """Take what the person said meanwhile; the agent hears it with its next prompt."""
        for given in self._io.steering():
            images = self._desk.live.takes_images
            self._course.late.append(given)
            self._course.queue.append(
                content.blocks([given], self._settings.context, internal=False, images=images)
            )

    def _ended(self) -> bool:
        """Book a prompt that has ended, and begin the next where something waits to be said; tell whether it did."""
        desk, course = self._desk, self._course
        assert desk.live.prompt is not None  # noqa: S101 - the caller has seen it end
        response: PromptResponse = desk.live.prompt.result()
        desk.live.prompt = None
        if (used := desk.watch.used(desk.name, response)) is not None:
            course.usage.append(used)
        course.ending = ENDINGS.get(response.stop_reason, "")
        if not course.queue or self._overspent():
            return False
        course.ending = ""
        desk.live.send(desk.leave.foreign, course.queue.pop(0))
        return True

    async def halt(self) -> None:
        """Ask the agent to stop, and end it where it does not."""
        prompt = self._desk.live.prompt
        if prompt is None:
            return
        await self._desk.live.cancel(self._desk.leave.foreign)
        await asyncio.wait((prompt,), timeout=STOPPING)
        if not prompt.done():
            await self._release()
        elif not prompt.cancelled() and prompt.exception() is None:
            # How it ended does not matter any more; what it used does.
            used = self._desk.watch.used(self._desk.name, prompt.result())
            self._course.usage += [used] if used is not None else []
        self._desk.live.prompt = None


@dataclass(slots=True)
class Signals:
    """What can happen to a turn while the agent works."""

    desk: Desk
    io: TurnIO
    waits: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])

    def now(self) -> float:
        """Return the loop's time in seconds."""
        return asyncio.get_running_loop().time()

    async def wait(self, prompt: asyncio.Task[Any], seconds: float) -> None:
        """Return when something has happened, or after ``seconds``."""
        stirred = self.desk.watch.stirred
        if not self.waits:
            self.waits = {_task(self.io.stop.wait()), _task(self.io.steered()), _task(stirred.wait())}
        done, _ = await asyncio.wait(
            {prompt, *self.waits}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        stirred.clear()
        if done - {prompt}:
            await self.close()

    async def close(self) -> None:
        """Wait for nothing any more."""
        for task in self.waits:
            task.cancel()
        if self.waits:
            await asyncio.wait(self.waits)
        self.waits = set()


def _task(work: Any) -> asyncio.Task[Any]:
    return asyncio.ensure_future(work)  # noqa: TID251 - kept by Signals, ended by its close


@contextlib.asynccontextmanager
async def _signals(desk: Desk, io: TurnIO) -> AsyncGenerator[Signals]:
    signals = Signals(desk, io)
    try:
        yield signals
    finally:
        await signals.close()
