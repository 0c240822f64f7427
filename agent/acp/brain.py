"""Runs turns of sessions whose brain is a coding agent; the prompt of a turn may outlive it while a person decides."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from acp.exceptions import RequestError
from acp.schema import PromptResponse

from agent.acp import content
from agent.acp.client import Client
from agent.acp.errors import AgentBroke, AgentSilent
from agent.acp.leave import HANDED, Leave, keep
from agent.acp.live import Live
from agent.acp.ports import Decisions
from agent.acp.profiles import profiles
from agent.acp.watching import Watch
from agent.runner import AgentRunner
from agent.settings import AgentSettings
from agent.tools.terminal import surroundings
from kernel.approvals import ApprovedCall, CallResult
from kernel.errors import AgentError
from kernel.people import Role
from kernel.ports import Gate, Shelf
from kernel.turns import TurnInput, TurnIO, TurnOutcome, TurnRequest, Usage

SESSION = "acp.session"
QUEUE = "acp.queue"
TOOL = "acp:"
# The beginning of what a turn is given that a decided request has started.
DECIDED = "[Request "
# So long nothing is heard before a turn ends that only waits for a person.
QUIET = 0.3
STOPPING = 5.0
MOST = 16

ENDINGS = {
    "max_tokens": "It stopped: its answer reached its limit of tokens.",
    "max_turn_requests": "It stopped: it reached its limit of requests for one turn.",
    "refusal": "It refused to go on with this.",
    "cancelled": "It was stopped.",
}


@dataclass(frozen=True, slots=True)
class AcpPorts:
    """What the coding agents of a daemon share; ``base()`` gives the runner whose tools serve them."""

    gate: Gate
    shelf: Shelf
    decisions: Decisions
    base: Callable[[], Awaitable[AgentRunner]]


@dataclass(slots=True)
class Desk:
    """One session at work with its agent."""

    name: str
    live: Live
    leave: Leave
    watch: Watch
    reaper: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class Course:
    """How one turn fares: what still has to be said to the agent, and what came of it so far."""

    queue: list[list[Any]] = field(default_factory=list[list[Any]])
    late: list[TurnInput] = field(default_factory=list[TurnInput])
    usage: list[Usage] = field(default_factory=list[Usage])
    held: tuple[str, ...] = ()
    stopped: bool = False
    ending: str = ""


class AcpRunner:
    """Every session with a coding agent; what waits for a person goes on in the background until it is decided."""

    def __init__(self, settings: AgentSettings, ports: AcpPorts) -> None:
        self._settings = settings
        self._ports = ports
        self._desks: dict[str, Desk] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def run(self, name: str, request: TurnRequest, io: TurnIO) -> TurnOutcome:
        """Carry out one turn with the agent called ``name``; raise AgentError when nothing came of it."""
        if request.principal.role < Role.OPERATOR:
            raise AgentError(f"{name} works for operators and above; you are {request.principal.role.word}.")
        desk = self._desks.get(request.session_id)
        if desk is not None and _is_over(desk, request):
            desk.leave.heard -= 1
            return TurnOutcome("", silent=True)
        desk = await self._desk(name, request, io)
        course = Course()
        failure = await self._work(desk, request, io, course)
        return await self._outcome(desk, request, course, failure)

    def configure(self, settings: AgentSettings) -> None:
        """Use new settings for every agent that is started from now on."""
        self._settings = settings

    # A session's desk

    async def _desk(self, name: str, request: TurnRequest, io: TurnIO) -> Desk:
        """Return the session's agent, started and with its session open."""
        desk = self._desks.get(request.session_id)
        if desk is not None and (desk.name != name or not desk.live.alive):
            await self.release(request.session_id)
            desk = None
        if desk is None:
            desk = await self._start(name, request, io)
        if desk.reaper is not None:
            desk.reaper.cancel()
        desk.leave.enter(request, io)
        desk.watch.enter(io)
        return desk

    async def _start(self, name: str, request: TurnRequest, io: TurnIO) -> Desk:
        known = profiles(self._settings.acp)
        if name not in known:
            raise AgentBroke(f"There is no coding agent {name}.", remedy=f"There are {', '.join(known)}.")
        await self._make_room()
        watch = Watch(self._settings.context.answer)
        toolbox = (await self._ports.base()).toolbox
        ports = self._ports
        leave = Leave(ports.gate, ports.decisions, ports.shelf, watch.stirred.set, request, io)
        client = Client(TOOL + name, leave, toolbox, watch, lambda: self._cancel(request.session_id))
        chosen = known[name]
        environment = surroundings.pinned(self._settings.tools.terminal) | {
            key: value.get_secret_value() for key, value in chosen.environment.items()
        }
        io.activity(f"starting {name}")
        live = await Live.start(name, chosen, environment, request.workspace, client)
        desk = self._desks[request.session_id] = Desk(name, live, leave, watch)
        try:
            await self._open(desk, request)
        except BaseException:
            await self.release(request.session_id)
            raise
        return desk

    async def _open(self, desk: Desk, request: TurnRequest) -> None:
        """Take the agent's own session up where there was one in this folder."""
        folder = str(request.workspace)
        kept = await self._ports.shelf.get(request.session_id, SESSION)
        before: dict[str, str] = json.loads(kept) if kept else {}
        mine = before.get("agent") == desk.name and before.get("folder") == folder
        opened = await desk.live.open(request.workspace, before.get("id", "") if mine else "")
        if mine and not opened.resumed:
            desk.watch.note(
                f"{desk.name} could not take its earlier session up; it begins without memory of it."
            )
        desk.leave.foreign = opened.id
        now = json.dumps({"agent": desk.name, "id": opened.id, "folder": folder})
        await self._ports.shelf.put(request.session_id, SESSION, now)

    async def _make_room(self) -> None:
        """Let the agent go that has been idle longest where too many run."""
        if len(self._desks) < MOST:
            return
        idle = next(
            (id for id, desk in self._desks.items() if desk.live.prompt is None and desk.reaper), None
        )
        if idle is None:
            raise AgentBroke(
                f"{MOST} coding agents are at work already.", remedy="Wait for one, or /stop one."
            )
        await self.release(idle)

    async def release(self, session_id: str) -> None:
        """End the agent of a session."""
        if (desk := self._desks.pop(session_id, None)) is not None:
            if desk.reaper is not None:
                desk.reaper.cancel()
            await desk.live.close()

    async def close(self) -> None:
        """End every agent."""
        for session_id in list(self._desks):
            await self.release(session_id)
        if self._closing:
            await asyncio.wait(self._closing)

    def _later(self, work: Any) -> None:
        task = asyncio.ensure_future(work)  # noqa: TID251 - kept until it is done, awaited by close
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _cancel(self, session_id: str) -> None:
        if (desk := self._desks.get(session_id)) is not None:
            self._later(desk.live.cancel(desk.leave.foreign))

    async def carry_out(self, call: ApprovedCall) -> CallResult:
        """Take a person's yes: the agent that waits goes on, or its resumed session may do exactly this once."""
        desk = self._desks.get(call.session_id)
        if desk is not None and desk.live.alive and call.approval_id in desk.leave.waiting:
            return CallResult(HANDED)
        kept = await self._ports.shelf.get(call.session_id, SESSION)
        return await keep(self._ports.shelf, call, json.loads(kept)["id"] if kept else "")

    # A turn

    async def _work(self, desk: Desk, request: TurnRequest, io: TurnIO, course: Course) -> AgentError | None:
        """Drive a turn; return why it failed where something was said before, else raise it."""
        try:
            await self._begin(desk, request, course)
            async with asyncio.timeout(self._settings.timeouts.turn), _signals(desk, io) as signals:
                await self._drive(desk, io, course, signals)
        except TimeoutError:
            course.ending = "It took longer than a turn may take, and was stopped."
            await self._halt(desk)
        except RequestError as error:
            return await self._failed(desk, desk.live.refused(error))
        except (ConnectionError, ValueError) as error:
            return await self._failed(desk, await desk.live.broken(error))
        except AgentError as error:
            return await self._failed(desk, error)
        return None

    async def _failed(self, desk: Desk, error: AgentError) -> AgentError:
        desk.live.prompt = None
        if not desk.live.alive or isinstance(error, AgentSilent):
            await self.release(desk.leave.request.session_id)
        return error

    async def _begin(self, desk: Desk, request: TurnRequest, course: Course) -> None:
        """Say what is new, or wait with it while an earlier prompt is under way."""
        shelf, settings = self._ports.shelf, self._settings.context
        kept = await shelf.get(request.session_id, QUEUE)
        course.queue = [content.plain(text) for text in (json.loads(kept) if kept else [])]
        going = desk.live.prompt is not None
        if not (going and _decided(request)):
            blocks = content.blocks(
                request.inputs, settings, internal=request.internal, images=desk.live.takes_images
            )
            course.queue.append(content.again(blocks) if request.attempt > 1 else blocks)
        elif desk.leave.heard > 0:
            desk.leave.heard -= 1
        if not going:
            desk.live.send(desk.leave.foreign, course.queue.pop(0))
        if kept:
            await shelf.put(request.session_id, QUEUE, "")

    async def _drive(self, desk: Desk, io: TurnIO, course: Course, signals: "Signals") -> None:
        signs, since = desk.live.signs, signals.now()
        while desk.live.prompt is not None:
            await signals.wait(desk.live.prompt, QUIET if desk.leave.waiting else 1.0)
            if io.stop.is_set():
                course.stopped = True
                await self._halt(desk)
                return
            self._hear(desk, io, course)
            if desk.live.prompt.done() and not self._ended(desk, course):
                return
            if desk.watch.over:
                course.ending = f"It was cut off after {self._settings.context.answer:,} characters."
                await self._halt(desk)
                return
            if signs != desk.live.signs or desk.leave.waiting or desk.live.client.busy:
                quiet = signs == desk.live.signs and not desk.leave.judging
                signs, since = desk.live.signs, signals.now()
                if desk.leave.waiting and quiet and await desk.leave.still_open():
                    course.held = tuple(desk.leave.waiting)
                    return
            elif signals.now() - since > desk.live.silence:
                raise AgentSilent(
                    f"{desk.name} gave no sign of life for {desk.live.silence:g} seconds and was ended.",
                    remedy="/retry tries again.",
                )

    def _hear(self, desk: Desk, io: TurnIO, course: Course) -> None:
        """Take what the person said meanwhile; the agent hears it with its next prompt."""
        for given in io.steering():
            course.late.append(given)
            course.queue.append(
                content.blocks([given], self._settings.context, internal=False, images=desk.live.takes_images)
            )

    def _ended(self, desk: Desk, course: Course) -> bool:
        """Book a prompt that has ended, and begin the next where something waits to be said; tell whether it did."""
        assert desk.live.prompt is not None  # noqa: S101 - the caller has seen it end
        response: PromptResponse = desk.live.prompt.result()
        desk.live.prompt = None
        if (used := desk.watch.used(desk.name, response)) is not None:
            course.usage.append(used)
        course.ending = ENDINGS.get(response.stop_reason, "")
        if not course.queue:
            return False
        desk.live.send(desk.leave.foreign, course.queue.pop(0))
        return True

    async def _halt(self, desk: Desk) -> None:
        """Ask the agent to stop, and end it where it does not."""
        prompt = desk.live.prompt
        if prompt is None:
            return
        await desk.live.cancel(desk.leave.foreign)
        await asyncio.wait((prompt,), timeout=STOPPING)
        if not prompt.done():
            await self.release(desk.leave.request.session_id)
        elif not prompt.cancelled():
            # How it ended does not matter any more: the person stopped it.
            prompt.exception()
        desk.live.prompt = None

    async def _outcome(
        self, desk: Desk, request: TurnRequest, course: Course, failure: AgentError | None
    ) -> TurnOutcome:
        text, notes = desk.watch.leave()
        if failure is not None and not text:
            raise failure
        if course.held and course.queue:
            waiting = json.dumps([content.text(blocks) for blocks in course.queue])
            await self._ports.shelf.put(request.session_id, QUEUE, waiting)
            notes += (f"{desk.name} waits for a decision; it hears what you said after that.",)
        if not course.held and (void := await desk.leave.void()):
            notes += (void,)
        self._rest(desk, request.session_id)
        ending = str(failure) if failure is not None else course.ending
        said = "\n\n".join(part for part in (text, ending) if part)
        unheard = course.queue if not course.held else []
        base = await self._ports.base()
        return TurnOutcome(
            said,
            conversation=await base.noted(request.session_id, [one.text for one in request.inputs], said),
            usage=tuple(course.usage),
            held=course.held,
            consumed=tuple(one.inbox_id for one in course.late[: len(course.late) - len(unheard)]),
            stopped=course.stopped,
            notices=notes,
            failed=failure is not None,
        )

    def _rest(self, desk: Desk, session_id: str) -> None:
        """Let the agent go after a while in which it did nothing; while it waits for a person it stays."""
        if self._desks.get(session_id) is not desk:
            return
        busy = bool(desk.leave.waiting) or desk.live.client.busy

        def over() -> None:
            if busy and (desk.leave.waiting or desk.live.client.busy):
                self._rest(desk, session_id)
            else:
                self._later(self.release(session_id))

        desk.reaper = asyncio.get_running_loop().call_later(desk.live.keep, over)


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


def _decided(request: TurnRequest) -> bool:
    return request.internal and _first(request.inputs).startswith(DECIDED)


def _first(inputs: Sequence[TurnInput]) -> str:
    return inputs[0].text if inputs else ""


def _is_over(desk: Desk, request: TurnRequest) -> bool:
    """Tell whether a decision started this turn that the agent has had already, and nothing is under way."""
    return _decided(request) and desk.live.alive and desk.live.prompt is None and desk.leave.heard > 0
