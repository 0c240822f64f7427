"""What the commands work with."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from gateway.access import Access
from gateway.directory import Directory
from gateway.handoff.service import Handoffs
from gateway.questions import QuestionDesk
from gateway.settings import GatewaySettings
from gateway.supervisor import Connection
from gateway.switches import Switches
from gateway.turns import Turns
from kernel.clock import Clock
from store.database import Database


class Conversations(Protocol):
    """What the agent room can do to a conversation between turns."""

    async def compact(self, session_id: str, model: str = "") -> str:
        """Replace the older part of a conversation by a summary; return a sentence about it."""
        ...

    async def undo(self, session_id: str, turns: int = 1, *, said: str = "") -> str:
        """Take back the last turns, or with ``said`` the last one only if it answered those words.

        Returns a sentence about it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a command may use.

    ``cancel(session_id, actor)`` withdraws what waits for a decision in a session and returns how much that was;
    ``conversations()`` loads the agent room on first use; ``status()`` are the lines of ``/status``; ``model`` is the
    configured model; ``restart(actor)`` ends the daemon so that its supervisor starts it again; ``media`` is the folder
    of received files; ``directory`` knows chats by name, ``switches`` pause and resume platforms.
    """

    database: Database
    access: Access
    settings: GatewaySettings
    clock: Clock
    zone: ZoneInfo
    turns: Turns
    desk: QuestionDesk
    cancel: Callable[[str, str], Awaitable[int]]
    connections: Callable[[], Mapping[str, Connection]]
    conversations: Callable[[], Awaitable[Conversations]]
    status: Callable[[], Awaitable[Mapping[str, Any]]]
    model: Callable[[], str]
    shaping: Callable[[Path], Awaitable[list[str]]]
    workspace: Callable[[str], Path]
    today: Callable[[], str]
    restart: Callable[[str], None]
    media: Path
    directory: Directory
    switches: Switches
    handoffs: Handoffs
