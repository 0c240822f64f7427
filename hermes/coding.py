"""Coding agents, wired: who answers in a session, and the gate behind what a coding agent wants to do."""

import asyncio
from typing import Any

from agent.acp import modes
from agent.acp.profiles import BRAIN, profiles
from agent.settings import AgentSettings
from approvals.service import ApprovalService
from gateway.commands.brains import BrainCommands, Brains
from gateway.gateway import Gateway
from hermes import plugins
from hermes.agents import Agents
from kernel.approvals import Action, Approval, ApprovedCall, CallResult
from kernel.ports import Shelf
from kernel.turns import TurnIO, TurnOutcome, TurnRequest

TOOL = "acp:"


class Decided:
    """The requests that people decide (``agent.acp.ports.Decisions``)."""

    def __init__(self, service: ApprovalService) -> None:
        self._service = service

    async def wait(self, id: str, seconds: float) -> Approval:
        """Return a request once nothing is left to happen to it, or as it is when time is up."""
        return await self._service.wait(id, seconds, over=True)

    async def bind(self, action: Action) -> Action:
        """Return an action bound to all that its effect depends on now."""
        return (await self._service.assess(action)).action

    async def cancel(self, session_id: str) -> None:
        """Withdraw what waits for a decision in a session."""
        await self._service.cancel(session_id, "system")


class Coding:
    """Runs every turn (``kernel.turns.TurnRunner``): with a coding agent where the session has one."""

    def __init__(self, agents: Agents, shelf: Shelf, settings: AgentSettings) -> None:
        self._agents = agents
        self._shelf = shelf
        self._settings = settings
        self._service: ApprovalService | None = None
        self._built: Any = None
        self._building = asyncio.Lock()
        self._carry()

    def _carry(self) -> None:
        self._agents.carriers |= {TOOL + name: self._carry_out for name in profiles(self._settings.acp)}

    def connect(self, gateway: Gateway) -> None:
        """Give chats the command that chooses who answers."""

        async def change(session_id: str, actor: str) -> None:
            gateway.turns.halt(session_id, "/agent")
            for withdraw in gateway.cancels:
                await withdraw(session_id, actor)
            if self._built is not None and session_id not in gateway.turns.running:
                await self._built.release(session_id)

        async def offered(session_id: str, agent: str) -> modes.Modes:
            return await modes.offered(self._shelf, session_id, agent)

        async def switch(session_id: str, agent: str, mode: str) -> None:
            await modes.wish(self._shelf, session_id, agent, mode)
            if self._built is not None:
                await self._built.switch(session_id, mode)

        brains = Brains(self._shelf, self.names, change, offered, switch)
        gateway.registry.extend(BrainCommands(brains).commands())

    def names(self) -> list[str]:
        """Return the coding agents there are."""
        return list(profiles(self._settings.acp))

    def guard(self, service: ApprovalService) -> None:
        """Take the gate."""
        self._service = service

    async def runner(self) -> "Coding":
        """Return itself: which brain a turn needs is found out with the turn."""
        return self

    async def run(self, request: TurnRequest, io: TurnIO) -> TurnOutcome:
        """Carry out one turn with the session's brain."""
        if name := await self._shelf.get(request.session_id, BRAIN):
            return await (await self._coders()).run(name, request, io)
        return await (await self._agents.runner()).run(request, io)

    async def _coders(self) -> Any:
        """Return what drives coding agents, loaded on first use."""
        async with self._building:
            if self._built is None:
                assert self._service is not None  # noqa: S101 - nothing runs before the gate is there
                build = await asyncio.to_thread(plugins.load, plugins.CODING)
                ports = plugins.load(plugins.CODING_PORTS)
                given = ports(
                    self._service, self._shelf, Decided(self._service), self._agents.runner, self._noted
                )
                self._built = build(self._settings, given)
        return self._built

    def _noted(self, session_id: str, tool: str, arguments: str, result: str) -> None:
        for watcher in self._agents.watchers:
            watcher(session_id, tool, arguments, result)

    async def _carry_out(self, call: ApprovedCall) -> CallResult:
        return await (await self._coders()).carry_out(call)

    def configure(self, settings: AgentSettings) -> None:
        """Use new settings for every agent that is started from now on."""
        self._settings = settings
        self._carry()
        if self._built is not None:
            self._built.configure(settings)

    async def close(self) -> None:
        """End every coding agent."""
        if self._built is not None:
            await self._built.close()
