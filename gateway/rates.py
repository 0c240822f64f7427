"""Rate limits: one gate per bot, shared by everybody who sends through it."""

import asyncio
from collections import OrderedDict

from gateway.adapter import Capabilities
from gateway.settings import DeliverySettings, Rates
from kernel.clock import Clock
from kernel.messages import Address, Priority

CHATS_KEPT = 10_000
BURST_PER_CHAT = 3.0
# The share of a bucket that is left to what is more important.
RESERVE = {Priority.PROGRESS: 0.5, Priority.NOTICE: 0.1, Priority.REPLY: 0.05, Priority.QUESTION: 0.0}


class Bucket:
    """A token bucket; ``rate`` is tokens a second, ``size`` how many it holds."""

    def __init__(self, rate: float, size: float, now: float) -> None:
        self._rate, self._size = rate, size
        self._tokens, self._at = size, now

    def wait(self, now: float, reserve: float = 0.0) -> float:
        """Return the seconds until a token can be taken with a share ``reserve`` of the bucket left over."""
        self._tokens = min(self._size, self._tokens + (now - self._at) * self._rate)
        self._at = now
        missing = 1.0 + reserve * (self._size - 1.0) - self._tokens
        return max(0.0, missing / self._rate)

    def take(self) -> None:
        """Take a token."""
        self._tokens -= 1.0

    def give_back(self) -> None:
        """Return a token that was not needed."""
        self._tokens += 1.0


class Gate:
    """Lets messages out at the rate a platform allows; the less important wait longer or are dropped.

    ``pause`` closes it, for one chat or for all, as long as the platform asked; ``failed`` and ``worked`` feed a
    circuit breaker that closes it after repeated failures.
    """

    def __init__(
        self, capabilities: Capabilities, settings: DeliverySettings, rates: Rates, clock: Clock
    ) -> None:
        self._clock = clock
        self._settings = settings
        per_second = rates.per_second or capabilities.per_second
        self._bot = Bucket(per_second, max(1.0, per_second), clock.monotonic())
        self._per_chat = rates.per_chat or capabilities.per_chat
        self._per_group = (rates.per_group_minute or capabilities.per_group_minute) / 60.0
        self._chats: OrderedDict[str, Bucket] = OrderedDict()
        self._paused: dict[str, float] = {}
        self._failures = 0

    def _chat(self, address: Address, *, group: bool) -> Bucket:
        bucket = self._chats.get(address.chat)
        if bucket is None:
            rate = min(self._per_chat, self._per_group) if group else self._per_chat
            size = max(BURST_PER_CHAT, self._per_group * 60.0 if group else self._per_chat)
            bucket = self._chats[address.chat] = Bucket(rate, size, self._clock.monotonic())
            if len(self._chats) > CHATS_KEPT:
                self._chats.popitem(last=False)
        self._chats.move_to_end(address.chat)
        return bucket

    def _delay(self, address: Address, priority: Priority, *, group: bool) -> float:
        now = self._clock.monotonic()
        paused = max(self._paused.get("", 0.0), self._paused.get(address.chat, 0.0)) - now
        chat = self._chat(address, group=group)
        # In one chat only progress steps back: what is owed there keeps its order anyway.
        reserve = RESERVE[priority] if priority is Priority.PROGRESS else 0.0
        return max(paused, self._bot.wait(now, RESERVE[priority]), chat.wait(now, reserve))

    def _take(self, address: Address, *, group: bool) -> None:
        self._bot.take()
        self._chat(address, group=group).take()

    def give_back(self, address: Address, *, group: bool = False) -> None:
        """Return what was acquired for a message that does not go out."""
        self._bot.give_back()
        self._chat(address, group=group).give_back()

    async def acquire(self, address: Address, priority: Priority, *, group: bool = False) -> None:
        """Wait until a message may go out, and count it."""
        while (delay := self._delay(address, priority, group=group)) > 0:  # noqa: ASYNC110 - it waits for time, not an event
            await asyncio.sleep(delay)
        self._take(address, group=group)

    def try_acquire(
        self, address: Address, priority: Priority = Priority.PROGRESS, *, group: bool = False
    ) -> bool:
        """Tell whether a message may go out now, and count it if so; what is transient is dropped if not."""
        if self._delay(address, priority, group=group) > 0:
            return False
        self._take(address, group=group)
        return True

    def pause(self, seconds: float, chat: str = "") -> None:
        """Let nothing out for a while, to one chat or (``""``) to any."""
        now = self._clock.monotonic()
        self._paused = {key: until for key, until in self._paused.items() if until > now}
        self._paused[chat] = max(self._paused.get(chat, 0.0), now + seconds)

    def failed(self) -> None:
        """Count a failure of the platform itself; after several in a row everything waits, longer each time."""
        self._failures += 1
        over = self._failures - self._settings.breaker_failures
        if over >= 0:
            self.pause(min(self._settings.breaker_seconds, 2.0 ** min(over, 10)))

    def worked(self) -> None:
        """Count a success: the breaker forgets the failures before it."""
        self._failures = 0
