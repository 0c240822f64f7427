"""A turn's bubble: the one message that shows its progress, and of which none may be left standing by accident."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from gateway.adapter import Adapter, Bubbles, Streaming, ability
from kernel.clock import Clock
from kernel.errors import DeliveryDeferred, DeliveryRejected, DeliveryUncertain, HermesError
from kernel.messages import Address, Outbound

log = logging.getLogger(__name__)

REPLACE_WITHIN_SECONDS = 45.0
# As long as this the end of a turn waits for a bubble that is on its way, and for the platform's word on a lost one.
SETTLE_SECONDS = 15.0
LOOK_AGAIN_SECONDS = 0.5
BURSTS = 3
# What is stored in place of a bubble's id before it is made: whoever finds it knows that there may be one.
UNDER_WAY = "?"
# Below every platform's limit, so that it is one message.
FIRST_LENGTH = 1_500


@dataclass(frozen=True, slots=True)
class Keeper:
    """Whose bubble it is: the turn's id, what the store knows of its bubble, and how that is written."""

    turn_id: str
    known: str
    keep: Callable[[str], Awaitable[None]]


class Bubble:
    """Shows progress in one edited message.

    Where the platform can tell whether an uncertain message arrived, the bubble is made like an owed message, under a
    nonce: a receipt that was lost is asked for before the turn ends, and after a crash. Elsewhere it begins without a
    word of the answer, and after a lost receipt there is no second one.
    """

    def __init__(self, address: Address, adapter: Adapter, keeper: Keeper, clock: Clock) -> None:
        self._address = address
        self._adapter = adapter
        self._keeper = keeper
        self._clock = clock
        self._traced = adapter.capabilities.reconciles and adapter.capabilities.streaming is Streaming.EDIT
        self._id = "" if keeper.known == UNDER_WAY else keeper.known
        self._carried = bool(keeper.known)
        self._made_at = 0.0
        self._lost = self._seed("⚙️ …") if keeper.known == UNDER_WAY and self._traced else None
        self._blind = keeper.known == UNDER_WAY and not self._traced
        self._busy = asyncio.Lock()
        self._settled = False

    def _seed(self, text: str) -> Outbound:
        nonce = f"bubble:{self._keeper.turn_id}"
        return Outbound(self._address, text, silent=True, nonce=nonce, transient=True)

    async def show(self, text: str, opening: str) -> str:
        """Make or edit the bubble and return what it says now, an empty string where there is none.

        ``opening`` says what is done without a word of the answer. Raises HermesError.
        """
        bubbles = ability(self._adapter, Bubbles)
        if bubbles is None or self._blind:
            return ""
        async with self._busy:
            if self._settled:
                return ""
            if self._id:
                return await self._edit(bubbles, text)
            if self._lost is not None:
                return await self._find(self._lost)
            return await self._make(bubbles, text if self._traced else opening)

    async def _make(self, bubbles: Bubbles, text: str) -> str:
        await self._keeper.keep(UNDER_WAY)
        try:
            await self._made(await self._create(bubbles, text))
        except DeliveryUncertain:
            self._blind = not self._traced
            raise
        except (DeliveryDeferred, DeliveryRejected):
            self._lost = None
            raise
        return text

    async def _create(self, bubbles: Bubbles, text: str) -> str:
        if not self._traced:
            return await bubbles.bubble(self._address, "", text)
        # Until the receipt is here it counts as lost, whatever ends the waiting for it.
        self._lost = self._seed(text[-FIRST_LENGTH:])
        return (await self._adapter.send(self._lost)).message_ids[0]

    async def _find(self, lost: Outbound) -> str:
        """Ask for what may have arrived; where it did not, this makes it."""
        receipt = await self._adapter.send(replace(lost, resend=True))
        await self._made(receipt.message_ids[0])
        return lost.text

    async def _edit(self, bubbles: Bubbles, text: str) -> str:
        id = await bubbles.bubble(self._address, self._id, text)
        if id != self._id:
            await self._made(id)
        return text

    async def _made(self, id: str) -> None:
        self._id, self._lost = id, None
        self._made_at = self._clock.monotonic()
        await self._keeper.keep(id)

    async def settle(self) -> None:
        """Show no more; wait for what is on its way, and find the bubble whose receipt was lost."""
        try:
            async with asyncio.timeout(SETTLE_SECONDS), self._busy:
                self._settled = True
                while self._lost is not None:
                    await self._look(self._lost)
        except TimeoutError:
            log.warning("The progress shown in %s may stay there: its receipt was lost.", self._address)

    async def _look(self, lost: Outbound) -> None:
        try:
            await self._find(lost)
        except DeliveryRejected as error:
            log.debug("The bubble cannot be asked for: %s", error)
            self._lost = None
        except HermesError as error:
            wait = error.retry_after if isinstance(error, DeliveryDeferred) else 0.0
            await asyncio.sleep(max(LOOK_AGAIN_SECONDS, wait))

    def replaced(self) -> str:
        """Return the id of the bubble that the final text replaces, or an empty string where a new message rings."""
        recent = self._clock.monotonic() - self._made_at < REPLACE_WITHIN_SECONDS
        return self._id if self._id and (self._carried or recent) else ""

    async def burst(self, replaced: str) -> None:
        """Remove the bubble, unless it is what the final text replaced."""
        bubbles = ability(self._adapter, Bubbles)
        if not self._id or self._id == replaced or bubbles is None:
            return
        for attempt in range(1, BURSTS + 1):
            try:
                await bubbles.burst(self._address, self._id)
            except HermesError as error:
                log.debug("A status line still stands: %s", error)
            else:
                return
            await asyncio.sleep(LOOK_AGAIN_SECONDS * attempt)
