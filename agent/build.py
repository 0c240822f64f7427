"""Builds the runner from settings and ports; importing this module loads the model library (1 s, 70 MiB)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from agent.runner import AgentRunner
from agent.settings import AgentSettings
from agent.toolbox import Toolbox
from agent.tools import harmless
from agent.tools.channels import channel_tools
from agent.tools.notes import note_tools
from agent.tools.people import people_tools
from agent.tools.terminal.processes import Processes
from agent.tools.terminal.sandbox import Sandbox
from agent.tools.terminal.tool import Terminal, terminal_tools
from agent.tools.web import web_tools
from agent.tools.workspace import workspace_tools
from kernel.clock import Clock
from kernel.ports import Channels, ConversationLog, Gate, Journal, Ledger, Notes, Outlet, Questions, Shelf
from kernel.specs import Tool


def tools(
    settings: AgentSettings,
    notes: Notes,
    questions: Questions,
    outlet: Outlet,
    terminal: Terminal | None = None,
    channels: Channels | None = None,
) -> list[Tool]:
    """Return the built-in tools; a list that is only read needs nothing that runs them."""
    return [
        *workspace_tools(settings.tools, terminal.media if terminal is not None else None),
        *web_tools(settings.fetch, settings.tools.output),
        *note_tools(notes),
        *people_tools(settings.tools, questions, outlet),
        *channel_tools(settings.tools, cast("Channels", channels)),
        *terminal_tools(settings.tools.terminal, cast("Terminal", terminal)),
    ]


@dataclass(frozen=True, slots=True)
class AgentPorts:
    """What the agent room needs from the rooms it may not import."""

    log: ConversationLog
    journal: Journal
    ledger: Ledger
    notes: Notes
    questions: Questions
    outlet: Outlet
    shelf: Shelf
    channels: Channels


def build_runner(
    settings: AgentSettings,
    ports: AgentPorts,
    *,
    home: Path,
    clock: Clock,
    processes: Processes,
    extra_tools: Sequence[Tool] = (),
    gate: Gate | None = None,
) -> AgentRunner:
    """Return the runner; the composition root calls this in a thread, before the first turn.

    ``processes`` holds what the terminal runs; it may be shared by runners and is closed by whoever made it.
    """
    limits = settings.tools
    harmless.check(extra_tools)
    terminal = Terminal(limits, ports.shelf, processes, Sandbox(limits.terminal, home), home / "media")
    offered = [
        *tools(settings, ports.notes, ports.questions, ports.outlet, terminal, ports.channels),
        *extra_tools,
    ]
    runner = AgentRunner(
        settings,
        log=ports.log,
        ledger=ports.ledger,
        toolbox=Toolbox(offered, ports.journal, settings, gate),
        home=home,
        clock=clock,
    )
    runner.load()
    return runner
