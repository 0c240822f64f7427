"""Sessions whose brain is a real agent process, with a gate and decisions that a test makes."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agent.acp.brain import AcpRunner
from agent.acp.desks import AcpPorts
from agent.runner import AgentRunner
from agent.settings import AcpAgentSettings, AgentSettings, BudgetSettings, TimeoutSettings
from kernel.approvals import Action, Approval, ApprovedCall, Runs
from kernel.messages import Address
from kernel.risk import Tier
from kernel.states import ApprovalState
from kernel.turns import TurnOutcome
from tests.fakes import acp_agent
from tests.fakes.agent_ports import Ports, Surface, runner_on, turn_request

NAME = "fake"
ORIGIN = Address("fake", "bot", "42")
PATIENCE = 30.0


@dataclass
class Desk:
    """The requests of a FakeGate, decided by a test."""

    ports: Ports
    decided: dict[str, ApprovalState] = field(default_factory=dict[str, ApprovalState])
    results: dict[str, str] = field(default_factory=dict[str, str])
    noted: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, dict[str, Any]]])
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def wait(self, id: str, seconds: float) -> Approval:
        if seconds:
            async with self.changed:
                await self.changed.wait_for(lambda: id in self.decided)
        return self.approval(id)

    async def bind(self, action: Action) -> Action:
        return action

    async def cancel(self, session_id: str) -> None:
        assert session_id
        for id in set(self.held()) - set(self.decided):
            await self.decide(id, ApprovalState.CANCELLED)

    def held(self) -> dict[str, Action]:
        """Return every request that was made, by its id."""
        return dict(self.ports.gate.held.values())

    def approval(self, id: str) -> Approval:
        action = self.held()[id]
        state = self.decided.get(id, ApprovalState.PENDING)
        return Approval(
            id=id,
            short=id,
            state=state,
            requester="agent:s_1",
            behalf="fake:42",
            origin=ORIGIN,
            session_id="s_1",
            turn_id="t_1",
            call_key="k",
            action=action,
            digest="",
            tier=Tier.MEDIUM,
            reasons=(),
            consequence="",
            runs=Runs.HERE,
            created_at=0,
            expires_at=0,
            result=self.results.get(id, ""),
        )

    async def decide(self, id: str, state: ApprovalState) -> None:
        async with self.changed:
            self.decided[id] = state
            self.changed.notify_all()


@dataclass
class Coding:
    """A session with the fake agent."""

    folder: Path
    ports: Ports
    base: AgentRunner
    settings: AgentSettings
    desk: Desk
    runner: AcpRunner
    turns: int = 0
    surface: Surface = field(default_factory=Surface)

    async def send(
        self, text: str, *, internal: bool = False, attempt: int = 1, **changed: Any
    ) -> TurnOutcome:
        """Run one turn to its end, which may be that it waits for a person."""
        self.turns += attempt == 1
        self.surface = Surface()
        request = turn_request(
            text,
            self.folder,
            turn=f"t_{self.turns}",
            inbox=self.turns,
            internal=internal,
            attempt=attempt,
        )
        async with asyncio.timeout(PATIENCE):
            outcome = await self.runner.run(NAME, replace(request, **changed), self.surface)
        await self.ports.commit(outcome)
        return outcome

    async def asked(self, count: int) -> list[str]:
        """Wait until so many requests were made, and return them."""
        async with asyncio.timeout(PATIENCE):
            while len(self.desk.held()) < count:  # noqa: ASYNC110 - they come from another process
                await asyncio.sleep(0.05)
        return list(self.desk.held())

    async def approve(self, id: str) -> str:
        """Decide as the gate does: the action is carried out, and its result starts an internal turn."""
        action = self.desk.held()[id]
        call = ApprovedCall(id, action, "t_1", "s_1", "k", ORIGIN, "fake:42")
        if action.tool == f"acp:{NAME}":
            result = await self.runner.carry_out(call)
        else:
            result = await self.base.call(call, turn_request("", self.folder).principal, self.folder)
        self.desk.results[id] = result.text
        await self.desk.decide(id, ApprovalState.DONE)
        return result.text

    async def told(self, id: str, then: str = "") -> TurnOutcome:
        """Run the turn that a decided request starts; ``then`` is what an agent makes of it that has to begin anew."""
        return await self.send(f"[Request {id}: acp:{NAME}]\nApproved.\n{then}\n", internal=True)

    async def restart(self) -> None:
        """Lose every process and everything in memory."""
        await self.runner.close()
        self.runner = _runner(self.settings, self.ports, self.desk, self.base)


def agent_settings(folder: Path, **environment: str) -> AcpAgentSettings:
    """Return the profile of the fake agent."""
    return AcpAgentSettings.model_validate(
        {
            "command": sys.executable,
            "args": [str(Path(acp_agent.__file__)), str(folder / "agent-state.json")],
            "environment": environment,
            "install": "pip install fake",
            "login": "fake login",
        }
    )


def _runner(settings: AgentSettings, ports: Ports, desk: Desk, base: AgentRunner) -> AcpRunner:
    async def given() -> AgentRunner:
        return base

    def noted(_session_id: str, tool: str, arguments: str, _result: str) -> None:
        desk.noted.append((tool, json.loads(arguments)))

    return AcpRunner(settings, AcpPorts(ports.gate, ports.shelf, desk, given, noted))


@asynccontextmanager
async def coding(
    tmp_path: Path,
    *,
    verdict: Callable[[Action], str] | None = None,
    environment: dict[str, str] | None = None,
    turn: float = 1800.0,
    day_money: float | None = None,
    **profile: Any,
) -> AsyncGenerator[Coding]:
    """Open a session with the fake agent."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    given = {**agent_settings(tmp_path, **(environment or {})).model_dump(), **profile}
    settings = AgentSettings(
        acp={NAME: AcpAgentSettings.model_validate(given)},
        timeouts=TimeoutSettings(turn=turn),
        budget=BudgetSettings(day_money=day_money),
    )
    ports = Ports()
    if verdict is not None:
        ports.gate.verdict = verdict
    base = runner_on(ports, tmp_path / "home", settings)
    desk = Desk(ports)
    made = Coding(folder, ports, base, settings, desk, _runner(settings, ports, desk, base))
    try:
        yield made
    finally:
        await made.runner.close()
        await ports.processes.close()
        await base.close()
