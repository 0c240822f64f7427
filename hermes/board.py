"""The board, wired: its folders, its way into the conversations, and the tools it gives to agents."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from board import workspaces
from board.crew import plans, profiles
from board.crew_tools import crew_tools
from board.room import Room
from board.service import Board
from board.tools import task_tools
from board.workers.agents import Conduct
from gateway.commands.folders import FolderCommands, Places
from gateway.crew import buttons
from gateway.crew.buttons import CrewButtons
from gateway.crew.cards import ReviewCards
from gateway.crew.commands import CrewCommands
from gateway.crew.triage import TriageDesk
from gateway.gateway import Gateway
from hermes.agents import Agents
from hermes.home import Home
from hermes.schema import Settings
from kernel.bus import Bus
from kernel.people import Principal

# The model that needs no account.
OFFLINE = "offline"


def build(
    gateway: Gateway,
    bus: Bus,
    agents: Agents,
    settings: Settings,
    home: Home,
    *,
    redact: Callable[[str], str],
    coders: Callable[[], Sequence[str]],
) -> Board:
    """Put the board together and give agents its tools."""
    chosen = settings.workspace.path
    room = Room(
        gateway.database,
        bus,
        gateway.clock,
        settings.board,
        home.root / "board",
        Path(chosen).expanduser() if chosen else home.workspace,
        tuple(Path(folder).expanduser() for folder in settings.workspace.projects),
        redact,
        profiles.load(home.root / "crew" / "agents"),
        plans.load(home.root / "crew" / "templates"),
        lambda: agents.model == OFFLINE,
        coders,
    )

    async def cancel(session_id: str, actor: str) -> int:
        return sum([await withdraw(session_id, actor) for withdraw in gateway.cancels])

    board = Board(room, Conduct(gateway.turns.halt, cancel))
    agents.offer((*task_tools(board), *crew_tools(board)))
    return board


async def connect(board: Board, gateway: Gateway, bus: Bus, group: asyncio.TaskGroup) -> None:
    """Let people see the crew and review its work in their chats."""
    reviews = await CrewButtons.load(gateway.database, buttons.REVIEW)
    sorting = await CrewButtons.load(gateway.database, buttons.TRIAGE)
    cards = ReviewCards(gateway.database, bus, board, reviews)
    desk = TriageDesk(gateway.database, bus, board, sorting)
    gateway.control.taps[reviews.tap] = cards.tapped
    gateway.control.taps[sorting.tap] = desk.tapped
    gateway.registry.extend((*CrewCommands(board, reviews).commands(), *desk.commands()))
    cards.open(group)
    desk.open(group)


def offer_folders(
    gateway: Gateway,
    board: Board,
    workspace: Callable[[str], Path],
    choose: Callable[[str, str], Awaitable[None]],
) -> None:
    """Let people choose where a conversation works, among the folders that tasks may name."""

    def check(path: str, principal: Principal) -> str:
        return workspaces.checked(board.room, path, principal)

    gateway.registry.extend(FolderCommands(Places(workspace, check, choose)).commands())
