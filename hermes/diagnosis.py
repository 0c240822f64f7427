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
    terminal = settings.agent.tools.terminal
    runner = TestRunner(surroundings.pinned(terminal), Sandbox(terminal, home.root).wrapped)
    room = DiagnosisRoom(gateway, board, sources, runner, gate)
    room.configure(settings.diagnosis)
    agents.offer(room.tools)
    return room
