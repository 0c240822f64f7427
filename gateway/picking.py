"""Picking: which of a session's waiting messages become one turn, and what is waited for first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

from gateway.adapter import Adapter
from gateway.settings import GatewaySettings
from kernel.messages import InboundKind
from store.inbox import InboxRow
from store.outbox import Wait


@dataclass(frozen=True, slots=True)
class Picker:
    """Knows the settings as they are now, and how much a client sends at once on each platform."""

    settings: Callable[[], GatewaySettings]
    adapters: Mapping[tuple[str, str], Adapter]

    def pick(self, rows: Sequence[InboxRow], now: int) -> Sequence[InboxRow] | Wait:
        """Choose what one turn takes; wait for the rest of an album or of a paste the client split."""
        settings = self.settings()
        internal = [row for row in rows if row.inbound.kind is InboundKind.INTERNAL]
        if internal and rows[0].id == internal[0].id:
            return rows[:1]
        waiting = [row for row in rows if row.inbound.kind is not InboundKind.INTERNAL]
        # A turn acts for one person: what somebody else wrote is a turn of its own, with that person's rights.
        first = waiting[0].inbound.sender.id
        people = list(takewhile(lambda row: row.inbound.sender.id == first, waiting))
        last = people[-1]
        left = last.received_at + settings.turns.gather_ms - now
        if left > 0 and self._incomplete(last):
            return Wait(left)
        together = (
            settings.turns.gather_limit if settings.sessions.on_message == "steer" else self._joined(people)
        )
        return people[:together]

    def _incomplete(self, row: InboxRow) -> bool:
        address = row.inbound.address
        adapter = self.adapters.get((address.platform, address.account))
        border = adapter.capabilities.client_split if adapter else 0
        return bool(row.inbound.group) or bool(border and len(row.inbound.text) >= border)

    def _joined(self, rows: Sequence[InboxRow]) -> int:
        """Return how many of the first rows are pieces of one message."""
        count = 1
        for before, row in pairwise(rows):
            same_album = row.inbound.group and row.inbound.group == before.inbound.group
            if not (same_album or (self._incomplete(before) and row.inbound.sender == before.inbound.sender)):
                break
            count += 1
        return count
