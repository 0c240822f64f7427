"""Runs turns of sessions whose brain is a coding agent; the prompt of a turn may outlive it while a person decides."""

import asyncio
import json

from acp.exceptions import RequestError

from agent.acp import content
from agent.acp.course import Course, Drive
from agent.acp.desks import SESSION, AcpPorts, Desk, Desks
from agent.acp.errors import AgentSilent
from agent.acp.leave import HANDED, keep
from agent.acp.words import TOO_LONG
from agent.settings import AgentSettings
from kernel.approvals import ApprovedCall, CallResult
from kernel.errors import AgentError
from kernel.people import Role
from kernel.turns import TurnIO, TurnOutcome, TurnRequest

QUEUE = "acp.queue"
# The beginning of what a turn is given that a decided request has started.
DECIDED = "[Request "


class AcpRunner:
    """Every session with a coding agent; what waits for a person goes on in the background until it is decided."""

    def __init__(self, settings: AgentSettings, ports: AcpPorts) -> None:
        self._settings = settings
        self._ports = ports
        self._desks = Desks(settings, ports)

    async def run(self, name: str, request: TurnRequest, io: TurnIO) -> TurnOutcome:
        """Carry out one turn with the agent called ``name``; raise AgentError when nothing came of it."""
        if request.principal.role < Role.OPERATOR:
            raise AgentError(f"{name} works for operators and above; you are {request.principal.role.word}.")
        desk = self._desks.find(request.session_id)
        if desk is not None and _is_over(desk, request):
            desk.leave.heard -= 1
            return TurnOutcome("", silent=True)
        notices = await (await self._ports.base()).affordable()
        desk = await self._desks.enter(name, request, io)
        for notice in notices:
            desk.watch.note(notice)
        course = Course()
        failure = await self._work(desk, request, io, course)
        return await self._outcome(desk, request, course, failure)

    def configure(self, settings: AgentSettings) -> None:
        """Use new settings for every agent that is started from now on."""
        self._settings = self._desks.settings = settings

    async def switch(self, session_id: str, mode: str) -> None:
        """Let the agent of a session change its mode where it runs; raise AgentBroke."""
        await self._desks.switch(session_id, mode)

    async def release(self, session_id: str) -> None:
        """End the agent of a session."""
        await self._desks.release(session_id)

    async def close(self) -> None:
        """End every agent."""
        await self._desks.close()

    async def carry_out(self, call: ApprovedCall) -> CallResult:
        """Take a person's yes: the agent that waits goes on, or its resumed session may do exactly this once."""
        desk = self._desks.find(call.session_id)
        if desk is not None and desk.live.alive and call.approval_id in desk.leave.waiting:
            return CallResult(HANDED)
        kept = await self._ports.shelf.get(call.session_id, SESSION)
        return await keep(self._ports.shelf, call, json.loads(kept)["id"] if kept else "")

    async def _work(self, desk: Desk, request: TurnRequest, io: TurnIO, course: Course) -> AgentError | None:
        """Drive a turn; return why it failed, ``None`` where it did not."""

        async def release() -> None:
            await self._desks.release(request.session_id)

        drive = Drive(desk, io, course, self._settings, release)
        try:
            await self._begin(desk, request, course)
            async with asyncio.timeout(self._settings.timeouts.turn):
                await drive.run()
        except TimeoutError:
            course.ending = TOO_LONG
            await drive.halt()
        except RequestError as error:
            return await self._failed(desk, desk.live.refused(error))
        except (ConnectionError, ValueError) as error:
            return await self._failed(desk, await desk.live.broken(error))
        except AgentError as error:
            return await self._failed(desk, error)
        return None

    async def _failed(self, desk: Desk, error: AgentError) -> AgentError:
        if not desk.live.alive or isinstance(error, AgentSilent):
            await self._desks.release(desk.leave.request.session_id)
        desk.live.prompt = None
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

    async def _outcome(
        self, desk: Desk, request: TurnRequest, course: Course, failure: AgentError | None
    ) -> TurnOutcome:
        if desk.leave.waiting and not course.held:
            # It was stopped before the person had decided; the card must not wait for a decision that nobody hears.
            await self._ports.decisions.cancel(request.session_id)
        text, notes = desk.watch.leave()
        await self._desks.leave(desk, request, billed=bool(course.usage))
        if failure is not None and not text:
            raise failure
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
            notices=(*notes, *await self._told(desk, request, course)),
            failed=bool(ending) and not course.stopped,
            cut=ending,
        )

    async def _told(self, desk: Desk, request: TurnRequest, course: Course) -> tuple[str, ...]:
        """Return what the person should know of what waits, and of decisions that became void."""
        if not course.held:
            void = await desk.leave.void()
            return (void,) if void else ()
        if not course.queue:
            return ()
        waiting = json.dumps([content.text(blocks) for blocks in course.queue])
        await self._ports.shelf.put(request.session_id, QUEUE, waiting)
        return (f"{desk.name} waits for a decision; it hears what you said after that.",)


def _decided(request: TurnRequest) -> bool:
    first = request.inputs[0].text if request.inputs else ""
    return request.internal and first.startswith(DECIDED)


def _is_over(desk: Desk, request: TurnRequest) -> bool:
    """Tell whether a decision started this turn that the agent has had already, and nothing is under way."""
    return _decided(request) and desk.live.alive and desk.live.prompt is None and desk.leave.heard > 0
