"""Builds the runner from settings and ports; importing this module loads the model library (1 s, 70 MiB)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.runner import AgentRunner
from agent.settings import AgentSettings
from agent.tools.notes import note_tools
from agent.tools.people import people_tools
from agent.tools.web import web_tools
from agent.tools.workspace import workspace_tools
from kernel.clock import Clock
from kernel.ports import ConversationLog, Gate, Journal, Ledger, Notes, Outlet, Questions
from kernel.specs import Tool


def tools(settings: AgentSettings, notes: Notes, questions: Questions, outlet: Outlet) -> list[Tool]:
    """Return the built-in tools."""
    return [
        *workspace_tools(settings.tools),
        *web_tools(settings.fetch, settings.tools.output),
        *note_tools(notes),
        *people_tools(settings.tools, questions, outlet),
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


def build_runner(
    settings: AgentSettings,
    ports: AgentPorts,
    *,
    home: Path,
    clock: Clock,
    extra_tools: Sequence[Tool] = (),
    gate: Gate | None = None,
) -> AgentRunner:
    """Return the runner; the composition root calls this in a thread, before the first turn."""
    runner = AgentRunner(
        settings,
        log=ports.log,
        journal=ports.journal,
        ledger=ports.ledger,
        tools=[*tools(settings, ports.notes, ports.questions, ports.outlet), *extra_tools],
        home=home,
        clock=clock,
        gate=gate,
    )
    runner.load()
    return runner
