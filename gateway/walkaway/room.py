"""The room of jobs that somebody walks away from: its parts, wired to the gateway and the board."""

import asyncio
from collections.abc import Callable
from zoneinfo import ZoneInfo

from board.service import Board
from gateway.adapter import Adapter
from gateway.gateway import Gateway
from gateway.handoff.targets import Surfaces, Targets
from gateway.walkaway import buttons
from gateway.walkaway.buttons import Buttons
from gateway.walkaway.commands import JobCommands
from gateway.walkaway.deriving import Deriver, dumped
from gateway.walkaway.leaving import Leaving
from gateway.walkaway.service import Delegation, Steering
from gateway.walkaway.settings import WalkawaySettings
from gateway.walkaway.telling import Scenery, Teller
from gateway.walkaway.watcher import Watcher
from kernel.messages import Address


class WalkawayRoom:
    """Cards, pings, derived milestones, and what is said to jobs."""

    def __init__(
        self,
        gateway: Gateway,
        board: Board,
        settings: WalkawaySettings,
        zone: ZoneInfo,
        redact: Callable[[str], str],
    ) -> None:
        front = gateway.front
        self._bus, self._database = front.bus, front.database
        keys = self._keys = Buttons()

        def adapter(place: Address) -> Adapter | None:
            return gateway.adapters.get((place.platform, place.account))

        surfaces = Surfaces(
            front.adapters, front.connections, gateway.chats.is_group, front.departures.shared
        )
        targets = Targets(front.database, front.access, surfaces)
        teller = Teller(Scenery(keys, zone, redact, adapter, lambda: self.delegation.settings))
        self.watcher = Watcher(board, teller, front.jobs)
        leaving = Leaving(surfaces, gateway.handoff.moves)
        self.delegation = Delegation(board, teller, self.watcher, surfaces, targets, leaving)
        self.delegation.settings = settings
        self.deriver = Deriver(board)
        steering = Steering(board, front.jobs, self.delegation)
        commands = JobCommands(board, self.delegation, steering, teller, keys, gateway.turns.halt)
        gateway.registry.extend(commands.commands())
        gateway.control.taps[buttons.TAP] = commands.tapped
        gateway.control.claims.append(commands.replied)
        gateway.handoff.moves.travels.append(self.watcher.travelled)
        self._unlisten: list[Callable[[], None]] = []

    def noted(self, session_id: str, tool: str, arguments: str, result: str) -> None:
        """Hear that a tool call ended."""
        self.deriver.noted(session_id, tool, dumped(arguments), result)

    def configure(self, settings: WalkawaySettings) -> None:
        """Use new settings."""
        self.delegation.settings = settings

    async def prepare(self) -> None:
        """Learn the key of this home, before anything is shown."""
        await self._keys.load(self._database)

    def open(self, group: asyncio.TaskGroup) -> None:
        """Begin to watch jobs."""
        self._unlisten = [
            *self.watcher.listen(self._bus),
            self._bus.listen("attempt.", self.deriver.heard),
        ]
        group.create_task(self.watcher.run(), name="jobs")
        group.create_task(self.deriver.run(), name="derived milestones")

    def close(self) -> None:
        """Hear of nothing more."""
        for unlisten in self._unlisten:
            unlisten()
        self._unlisten = []
