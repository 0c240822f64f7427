"""Diagnoses, wired: what git and tests are given, and the room that leads from a report to a pushed fix."""

from collections.abc import Callable

from agent.tools.terminal import surroundings
from agent.tools.terminal.sandbox import Sandbox
from approvals.service import ApprovalService
from board.diagnosis.running import TestRunner
from board.diagnosis.sources import Sources
from board.service import Board
from gateway.diagnosis.room import DiagnosisRoom
from gateway.gateway import Gateway
from hermes.agents import Agents
from hermes.home import Home
from hermes.schema import Settings


def sources(settings: Settings) -> Sources:
    """Return what asks git, with the environment that agents' commands have and nothing of the daemon's own."""
    return Sources(surroundings.pinned(settings.agent.tools.terminal))


def build(
    gateway: Gateway,
    agents: Agents,
    board: Board,
    settings: Settings,
    home: Home,
    sources: Sources,
    gate: Callable[[], ApprovalService],
) -> DiagnosisRoom:
    """Put the room together and give agents its tools."""
    room = DiagnosisRoom(gateway, board, sources, _runner(settings, home), gate)
    configure(room, settings, home)
    agents.offer(room.tools)
    return room


def configure(room: DiagnosisRoom, settings: Settings, home: Home) -> None:
    """Let the room use new settings."""
    room.configure(settings.diagnosis, _runner(settings, home))


def _runner(settings: Settings, home: Home) -> TestRunner:
    terminal = settings.agent.tools.terminal
    return TestRunner(surroundings.pinned(terminal), Sandbox(terminal, home.root).wrapped)
