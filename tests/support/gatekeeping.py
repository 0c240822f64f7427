"""The whole gate over scripted chats: real gateway, store, policy and cards; the agent and its tools are scripted."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Never
from zoneinfo import ZoneInfo

from agent.settings import AgentSettings
from approvals.service import ApprovalService
from approvals.settings import ApprovalSettings
from hermes.agents import Agents
from hermes.gate import Gatekeeping
from hermes.redaction import Redactor
from hermes.schema import Settings
from kernel.approvals import Action, ActionKind, Approval, ApprovedCall, CallResult, arguments_text
from kernel.clock import Clock
from kernel.errors import HermesError
from kernel.messages import OutboundKind
from kernel.people import Principal
from kernel.specs import Tool
from kernel.turns import Held, ToolContext, TurnIO, TurnOutcome, TurnRequest
from store import approvals
from tests.fakes.adapter import SHOWY, ScriptedAdapter, Sent
from tests.fakes.turn_runner import ScriptedRunner
from tests.support.gateway import Rig, running
from web.settings import WebSettings

SECRET = "s3cret-of-the-house"


class ScriptedAgents(Agents):
    """Agents whose tools write down what they would do; ``gate`` holds them back."""

    def __init__(self, home: Path, clock: Clock) -> None:
        super().__init__(AgentSettings(), home, clock)
        self.calls: list[ApprovedCall] = []
        self.result = CallResult("all well", 0)

    async def runner(self) -> Any:
        """Return itself."""
        return self

    async def call(self, call: ApprovedCall, _principal: Principal, _workspace: Path) -> CallResult:
        """Note a call."""
        self.calls.append(call)
        return self.result

    @property
    def ran(self) -> list[str]:
        """The texts of what was carried out."""
        return [call.action.text for call in self.calls]


@dataclass
class Gated:
    """A gateway with its gate; whoever says ``run COMMAND`` has an agent that tries it at once."""

    rig: Rig
    keeping: Gatekeeping
    agents: ScriptedAgents

    @property
    def service(self) -> ApprovalService:
        """The gate."""
        return self.keeping.service

    @property
    def adapter(self) -> ScriptedAdapter:
        """The first platform."""
        return self.rig.adapter

    async def settled(self) -> None:
        """Wait until nothing is under way, the gate's own work included."""
        for _ in range(4):
            await self.rig.settled()
            for _ in range(20):
                await asyncio.sleep(0)
            # The writer is a thread, which tells the loop only of what it has done.
            while self.rig.database.depth:  # noqa: ASYNC110
                await asyncio.sleep(0)

    async def ask(self, command: str, *, adapter: ScriptedAdapter | None = None, **fields: Any) -> Approval:
        """Have a person's agent try a command that is asked about; return the request."""
        known = {row["id"] for row in await self.rig.rows("SELECT id FROM approval")}
        await (adapter or self.adapter).say(f"run {command}", **fields)
        await self.settled()
        found = [
            row["id"] for row in await self.rig.rows("SELECT id FROM approval") if row["id"] not in known
        ]
        assert len(found) == 1, self.adapter.texts()
        return await self.get(found[0])

    async def get(self, id: str) -> Approval:
        """Return a request as it is now."""
        return await self.rig.database.read(approvals.get, id)

    def card(self, approval: Approval, adapter: ScriptedAdapter | None = None) -> Sent:
        """Return the message that carries a request's buttons as it is shown now."""
        return self.cards(approval, adapter)[-1]

    def cards(self, approval: Approval, adapter: ScriptedAdapter | None = None) -> list[Sent]:
        """Return every message with buttons of a request, and every edit of one, in order."""
        sent = (adapter or self.adapter).sent
        return [
            item
            for item in sent
            if any(approval.id in button.value for row in item.message.buttons for button in row)
        ]

    async def tap(
        self, sent: Sent, label: str, *, adapter: ScriptedAdapter | None = None, **fields: Any
    ) -> str:
        """Have a person press a button; return what they are told."""
        here = adapter or self.adapter
        await here.tap(sent, label, **fields)
        await self.settled()
        return list(here.seen.told.values())[-1]

    async def says(self, text: str, **fields: Any) -> str:
        """Have a person write something; return what a command answered, or the last thing said."""
        before = len(self.adapter.sent)
        await self.adapter.say(text, **fields)
        await self.settled()
        new = [sent for sent in self.adapter.sent[before:] if sent.message.kind is not OutboundKind.EDIT]
        answers = [sent.text for sent in new if sent.message.nonce.startswith("command:")]
        return (answers or [sent.text for sent in new])[-1]


def labels(sent: Sent) -> list[str]:
    """Return what is written on a message's buttons."""
    return [button.label for row in sent.message.buttons for button in row]


async def _never(context: ToolContext, command: str) -> str:
    raise AssertionError(f"{command} ran outside the gate in {context.call_key}")


class Operator:
    """Tries what a person asks for: ``run COMMAND`` is a terminal call that the gate judges."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.service: ApprovalService | None = None
        self.told: list[str] = []

    async def __call__(self, request: TurnRequest, io: TurnIO) -> TurnOutcome:
        """Run one turn."""
        del io
        text = request.inputs[-1].text
        if not text.startswith("run "):
            self.told.append(text)
            return TurnOutcome("Noted.")
        assert self.service is not None
        context = ToolContext(request, "call-1", None)  # pyright: ignore[reportArgumentType] - shows nothing
        tool = Tool("terminal", _never, idempotent=False, action=self._action)
        try:
            await self.service.check(context, tool, {"command": text.removeprefix("run ")})
        except Held as held:
            return TurnOutcome("I wait.", held=(held.id,))
        except HermesError as error:
            return TurnOutcome(str(error))
        return TurnOutcome("It passed.")

    async def _action(self, context: ToolContext, arguments: Mapping[str, Any]) -> Action:
        command = str(arguments["command"])
        return Action(
            ActionKind.TERMINAL,
            "terminal",
            arguments_text({"command": command}),
            command,
            cwd=str(self.workspace),
            workspaces=(str(self.workspace),),
            host="box",
            editable="command",
        )


@asynccontextmanager
async def gated(
    folder: Path,
    *adapters: ScriptedAdapter,
    approvals: Mapping[str, Any] | None = None,
    public_url: str = "",
    **settings: Any,
) -> AsyncGenerator[Gated]:
    """Run a gateway with its gate on ``folder``."""
    workspace = folder / "workspace"
    workspace.mkdir(exist_ok=True)
    operator = Operator(workspace)
    runner = ScriptedRunner(*[operator] * 500)
    chosen = Settings().model_copy(
        update={
            "approvals": ApprovalSettings.model_validate(dict(approvals or {})),
            "web": WebSettings(public_url=public_url),
        }
    )
    async with running(folder, *(adapters or [ScriptedAdapter(**SHOWY)]), runner=runner, **settings) as rig:
        agents = ScriptedAgents(folder, rig.clock)
        keeping = await Gatekeeping.build(
            rig.gateway,
            rig.bus,
            agents,
            chosen,
            home=folder / "hermes",
            zone=ZoneInfo("UTC"),
            redact=Redactor([SECRET]),
            workspace=lambda _: workspace,
            port=8420,
        )
        operator.service = keeping.service
        here = Gated(rig, keeping, agents)
        failure: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                await keeping.open(group)
                await here.says("hello")
                try:
                    yield here
                except Exception as error:  # noqa: BLE001 - raised again below, outside of the group that would wrap it
                    failure = error
                await keeping.service.drain(1)
                _end()
        except* _End:
            pass
        if failure is not None:
            raise failure


class _End(Exception):
    """Ends the tasks of a gate."""


def _end() -> Never:
    raise _End
