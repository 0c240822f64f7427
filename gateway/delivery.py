"""Delivery: takes what is owed from the outbox and hands it to the platforms, per chat in order."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from gateway.adapter import Adapter
from gateway.lanes import Lanes
from gateway.pieces import pieces
from gateway.rates import Gate
from gateway.settings import DeliverySettings
from kernel.clock import Clock
from kernel.crashpoints import crashpoint
from kernel.errors import DeliveryDeferred, DeliveryRejected, DeliveryUncertain
from kernel.events import Event
from kernel.messages import Address, Outbound, OutboundKind, Priority, Receipt
from store import outbox
from store.database import Database
from store.outbox import OutboxRow, Owed, Wait
from store.units import Unit

log = logging.getLogger(__name__)

DOUBT_MS = 2_000
LONGEST_WAIT_MS = 6 * 3600 * 1000


class Delivery:
    """Sends owed messages; one lane per chat keeps their order.

    ``adapters`` maps a platform and account to what sends there, ``gates`` to the gate of that bot; ``ready(address)``
    tells whether the connection takes messages now and ``group(address)`` whether several people read the chat;
    ``limited(address, seconds, reason)`` hears of a platform's wish to wait.
    """

    def __init__(
        self,
        database: Database,
        adapters: Mapping[tuple[str, str], Adapter],
        gates: Mapping[tuple[str, str], Gate],
        settings: DeliverySettings,
        clock: Clock,
        *,
        ready: Callable[[Address], bool],
        group: Callable[[Address], bool],
        limited: Callable[[Address, float, str], None] | None = None,
    ) -> None:
        self._database = database
        self._adapters = adapters
        self._gates = gates
        self._settings = settings
        self._clock = clock
        self._ready = ready
        self._group = group
        self._limited = limited
        self._woken: dict[Address, asyncio.Event] = {}
        self.lanes: Lanes[Address] = Lanes("delivery", self.work)
        self.sent = 0

    def added(self, event: Event) -> None:
        """Hear of a newly owed message."""
        body = event.body
        chat = Address(str(body["platform"]), str(body["account"]), str(body["chat"]))
        self.notify(chat)

    def notify(self, chat: Address) -> None:
        """Look at a chat's outbox now."""
        key = Address(*chat[:3])
        if woken := self._woken.get(key):
            woken.set()
        self.lanes.notify(key)

    async def work(self, chat: Address) -> None:
        """Send what a chat is owed until nothing is left or its platform takes nothing."""
        adapter = self._adapters.get((chat.platform, chat.account))
        if adapter is None:
            return
        gate = self._gates[chat.platform, chat.account]
        while self._ready(chat) and (head := await self._next(gate, chat)) is not None:
            if isinstance(head, Wait):
                await self._sleep(chat, head.delay)
            else:
                await self._send(adapter, gate, head)

    async def _next(self, gate: Gate, chat: Address) -> OutboxRow | Wait | None:
        """Take the chat's next message once the gate lets it out; where it is open already, with no second look."""
        group = self._group(chat)
        if not gate.try_acquire(chat, Priority.REPLY, group=group):
            head = await self._database.read(outbox.peek, chat, self._clock.now())
            if head is None or isinstance(head, Wait):
                return head
            await gate.acquire(chat, head, group=group)
        row = await self._database.write_urgent(outbox.claim, chat)
        if not isinstance(row, OutboxRow):
            gate.give_back(chat, group=group)
        return row

    async def _sleep(self, chat: Address, delay: int) -> None:
        woken = self._woken[chat] = asyncio.Event()
        try:
            async with asyncio.timeout(min(delay, LONGEST_WAIT_MS) / 1000):
                await woken.wait()
        except TimeoutError:
            return
        finally:
            del self._woken[chat]

    async def _send(self, adapter: Adapter, gate: Gate, row: OutboxRow) -> None:
        crashpoint("outbox.after_claim")
        try:
            receipt = await adapter.send(row.message)
        except DeliveryDeferred as error:
            await self._defer(gate, row, error)
        except DeliveryUncertain as error:
            await self._doubt(adapter, row, error)
        except DeliveryRejected as error:
            await self._reject(row, str(error))
        except Exception as error:
            # An adapter's bug must not block the chat for ever: the letter is dead and visible.
            log.exception("Sending %s failed in a way nobody foresaw.", row.key)
            await self._reject(row, f"{type(error).__name__}: {error}")
        else:
            gate.worked()
            await self._confirm(row, receipt)

    async def _confirm(self, row: OutboxRow, receipt: Receipt) -> None:
        crashpoint("outbox.after_send")
        await self._database.write_urgent(outbox.confirm, row.id, receipt)
        self.sent += 1
        crashpoint("outbox.after_receipt")

    async def _defer(self, gate: Gate, row: OutboxRow, error: DeliveryDeferred) -> None:
        gate.failed()
        if row.attempts >= self._settings.attempts:
            await self._reject(row, f"Given up after {row.attempts} attempts: {error.message}")
            return
        delay = max(0.2, error.retry_after)
        log.info("%s waits %.1f s: %s", row.key, delay, error.message)
        if self._limited is not None and error.retry_after:
            self._limited(row.message.address, delay, error.message)
        await self._database.write(outbox.defer, row.id, int(delay * 1000), error.message)

    async def _doubt(self, adapter: Adapter, row: OutboxRow, error: DeliveryUncertain) -> None:
        """Send an uncertain message once more, marked; an adapter that reconciles may try as often as it needs."""
        if row.resent and not adapter.capabilities.reconciles:
            await self._reject(row, f"Sent twice without a receipt: {error.message}")
            return
        log.warning("%s was handed over without a receipt: %s", row.key, error.message)
        await self._database.write(outbox.doubt, row.id, DOUBT_MS, error.message)

    async def _reject(self, row: OutboxRow, reason: str) -> None:
        log.warning("%s is a dead letter: %s", row.key, reason)
        instead = self._in_words(row, reason) if row.message.kind is OutboundKind.FILE else []
        await self._database.write(_bury, row.id, reason, instead)

    def _in_words(self, row: OutboxRow, reason: str) -> list[Owed]:
        """Return what is said in place of a file that cannot be sent: its name, why, and the words beside it."""
        address = row.message.address
        told = f"⚠️ {row.message.file_name or 'A file'} could not be sent: {reason}"
        if row.message.text:
            told = f"{told}\n\n{row.message.text}"
        parts = pieces(told, self._adapters.get((address.platform, address.account)))
        return [
            Owed(f"{row.key}:lost:{number}", Outbound(address, part), Priority.NOTICE, row.session_id)
            for number, part in enumerate(parts)
        ]


def _bury(tx: Unit, id: int, reason: str, instead: Sequence[Owed]) -> None:
    outbox.reject(tx, id, reason)
    outbox.add_all(tx, instead)
