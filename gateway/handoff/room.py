"""The room of handoffs: its parts, wired to the gateway that they work in."""

import asyncio
from collections.abc import Callable, Sequence

from gateway.chats import Chats
from gateway.departures import Departures
from gateway.front import Front
from gateway.handoff import words
from gateway.handoff.commands import HandoffCommands
from gateway.handoff.service import Handoffs, Moves
from gateway.handoff.targets import Asker, Surfaces, Targets
from gateway.handoff.times import Times
from gateway.handoff.travel import QuestionMoves
from gateway.handoff.watcher import Watcher
from gateway.questions import QuestionDesk
from gateway.turns import Turns
from kernel.bus import Bus
from kernel.errors import NotFound
from kernel.people import Principal
from kernel.specs import Command
from store.inbox import InboxRow

TAP = "h"


class HandoffRoom:
    """Requests, the watcher that carries them out, and the button that takes a conversation back."""

    def __init__(self, front: Front, chats: Chats, turns: Turns, desk: QuestionDesk) -> None:
        self._database = front.database
        self._departures: Departures = front.departures
        surfaces = Surfaces(front.adapters, front.connections, chats.is_group, front.departures.shared)
        self.moves = Moves([QuestionMoves(desk)], [desk.open.load])
        targets = Targets(front.database, front.access, surfaces)
        times = Times(lambda: front.settings.handoff)
        self.service = Handoffs(front.database, targets, surfaces, self.moves, times)
        self.watcher = Watcher(front.database, front.clock, surfaces, turns, self.moves, times)

    def commands(self) -> Sequence[Command]:
        """Return the room's commands."""
        return HandoffCommands(self.service).commands()

    def listen(self, bus: Bus) -> list[Callable[[], None]]:
        """Hear of requests, moves and what they wait for; return the functions that end it."""
        on = bus.listen
        return [
            on("handoff.request", self.watcher.asked),
            on("handoff.", self.service.heard),
            on("outbox.confirm", self.watcher.heard),
            on("outbox.reject", self.watcher.heard),
            on("turn.", self.watcher.heard),
        ]

    def open(self, group: asyncio.TaskGroup) -> None:
        """Begin to carry handoffs out."""
        self.watcher.open(group)

    def close(self) -> None:
        """Take nothing up any more."""
        self.watcher.close()

    async def tapped(self, row: InboxRow, principal: Principal) -> str:
        """Take the conversation back that has left the place of a tap."""
        inbound = row.inbound
        told = f"taken:{row.id}"
        if await self.service.done(told):
            return "It is back."
        session = await self._departures.session(inbound)
        if session is None:
            raise NotFound("There is nothing to take back: this place has a conversation.")
        asker = Asker(principal, inbound.address)
        self.service.may(principal, session)
        await self.service.pull(asker, session, inbound.sender.id, private=inbound.private, told=told)
        return f"{words.name_of(session)} is back."
