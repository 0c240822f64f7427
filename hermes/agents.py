"""The agent room as the gateway sees it: loaded in a thread with the first turn, because its libraries are heavy."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent.settings import AgentSettings
from agent.tools.terminal.processes import Processes
from gateway.handoff.words import quoted
from gateway.ports import (
    StoredJournal,
    StoredLedger,
    StoredLog,
    StoredNotes,
    StoredOutlet,
    StoredShelf,
)
from gateway.questions import QuestionDesk
from gateway.reading import ChannelReader
from hermes import plugins
from kernel.approvals import ApprovedCall, CallResult
from kernel.clock import Clock
from kernel.people import Principal
from kernel.ports import Gate
from kernel.specs import Tool

log = logging.getLogger(__name__)

Carrier = Callable[[ApprovedCall], Awaitable[CallResult]]


class Agents:
    """Builds the runner once; ``runner`` waits for it, and every later call returns it at once."""

    def __init__(self, settings: AgentSettings, home: Path, clock: Clock) -> None:
        self._settings = settings
        self._home = home
        self._clock = clock
        self._ports: dict[str, Any] = {}
        self._built: asyncio.Future[Any] | None = None
        self._retired: list[Any] = []
        self._gate: Gate | None = None
        self._offered: list[Tool] = []
        self._processes = Processes()
        # What other rooms carry out themselves, by the tool of an approved action.
        self.carriers: dict[str, Carrier] = {}
        # Who hears of approved calls that were carried out: session, tool, arguments (JSON) and result.
        self.watchers: list[Callable[[str, str, str, str], None]] = []

    def connect(
        self,
        log: StoredLog,
        journal: StoredJournal,
        ledger: StoredLedger,
        notes: StoredNotes,
        shelf: StoredShelf,
    ) -> None:
        """Take the ports that do not depend on the gateway."""
        self._ports |= {"log": log, "journal": journal, "ledger": ledger, "notes": notes, "shelf": shelf}

    def connect_chat(self, desk: QuestionDesk, outlet: StoredOutlet, channels: ChannelReader) -> None:
        """Take the ports through which tools speak to a chat and read one."""
        self._ports |= {"questions": desk, "outlet": outlet, "channels": channels}

    def guard(self, gate: Gate) -> None:
        """Take the gate; without one, no tool runs that would have to be judged."""
        self._gate = gate

    def offer(self, tools: Sequence[Tool]) -> None:
        """Take tools of other rooms; they are there from the next build of the runner on."""
        self._offered.extend(tools)

    @property
    def model(self) -> str:
        """The configured model."""
        return self._settings.model

    def configure(self, settings: AgentSettings) -> None:
        """Use new settings from the next turn on."""
        if settings != self._settings:
            self._retired.append(self._loaded())
            self._settings, self._built = settings, None

    async def runner(self) -> Any:
        """Return the runner, building it in a thread on first use; a build that failed is tried again."""
        if self._built is None:
            self._built = asyncio.ensure_future(self._build())  # noqa: TID251 - awaited right below, by every caller
        try:
            return await asyncio.shield(self._built)
        except Exception:
            self._built = None
            raise

    async def preload(self) -> None:
        """Build the runner ahead of its first use; what goes wrong is said when it is used."""
        try:
            await self.runner()
        except Exception:
            # The next use tries again and tells the person.
            log.exception("The agents could not be loaded ahead.")

    async def _build(self) -> Any:
        build = await asyncio.to_thread(plugins.load, plugins.RUNNER)
        ports = plugins.load(plugins.RUNNER_PORTS)(**self._ports)
        built = await asyncio.to_thread(
            build,
            self._settings,
            ports,
            home=self._home,
            clock=self._clock,
            processes=self._processes,
            extra_tools=tuple(self._offered),
            gate=self._gate,
        )
        await self._close_retired()
        return built

    async def _close_retired(self) -> None:
        """Release what runners of earlier settings hold."""
        retired, self._retired = [runner for runner in self._retired if runner is not None], []
        for runner in retired:
            await runner.close()

    async def shaping(self, workspace: Path) -> list[str]:
        """Return the names of the files that shape a conversation; nothing before the first turn."""
        runner = self._loaded()
        return [path.name for path in runner.shaping_files(workspace)] if runner else []

    def background(self, session_id: str) -> list[str]:
        """Return a sentence for every background process that runs for a session."""
        running = self._processes.running(session_id)
        return [f"Process `{each.id}` runs in the background: {quoted(each.text)}" for each in running]

    def facts(self) -> Mapping[str, Any]:
        """Return what a status says about the agent room."""
        runner = self._loaded()
        configured = [
            {"name": name, "state": "stopped", "error": "", "tools": ()} for name in self._settings.mcp
        ]
        known = [asdict(server) for server in runner.mcp_status()] if runner else configured
        servers = [{**server, "sentence": _server_words(server)} for server in known]
        return {"model": self.model, "agent_loaded": runner is not None, "mcp_servers": servers, "skills": []}

    def _loaded(self) -> Any:
        done = self._built is not None and self._built.done() and not self._built.exception()
        return self._built.result() if done and self._built else None

    async def close(self) -> None:
        """End the commands that run, and release what the runner holds."""
        await self._processes.close()
        self._retired.append(self._loaded())
        await self._close_retired()


class Caller:
    """Carries approved calls out (``kernel.ports.ToolCaller``).

    ``principal_of`` returns a person as they are admitted now, ``workspace`` the folder of a session.
    """

    def __init__(
        self, agents: Agents, principal_of: Callable[[str], Principal], workspace: Callable[[str], Path]
    ) -> None:
        self._agents = agents
        self._principal_of = principal_of
        self._workspace = workspace

    async def call(self, call: ApprovedCall) -> CallResult:
        """Run the call's tool with exactly its action."""
        if (carry_out := self._agents.carriers.get(call.action.tool)) is not None:
            return await carry_out(call)
        runner = await self._agents.runner()
        result = await runner.call(call, self._principal_of(call.behalf), self._workspace(call.session_id))
        for watcher in self._agents.watchers:
            watcher(call.session_id, call.action.tool, call.action.arguments, result.text)
        return result


def _server_words(server: Mapping[str, Any]) -> str:
    """Return how an MCP server fares, in a few words."""
    if server["state"] == "stopped":
        return "connects with the first turn"
    offers = f", {len(server['tools'])} tools" if server["state"] == "connected" else ""
    return server["state"] + offers + (f": {server['error']}" if server["error"] else "")
