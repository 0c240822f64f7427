"""The bus: tells the rooms what has just been committed."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable

from kernel.events import Event

Listener = Callable[[Event], None]


class Subscription:
    """A bounded view of the events; a reader that falls behind loses the oldest and is told so by ``dropped``."""

    def __init__(self, limit: int) -> None:
        self._queue: deque[Event] = deque()
        self._limit = limit
        self._ready = asyncio.Event()
        self.dropped = 0

    def put(self, event: Event) -> None:
        """Add one event, dropping the oldest when the reader is ``limit`` events behind."""
        if len(self._queue) >= self._limit:
            self._queue.popleft()
            self.dropped += 1
        self._queue.append(event)
        self._ready.set()

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            await self._ready.wait()
            while self._queue:
                yield self._queue.popleft()
            self._ready.clear()


class Bus:
    """Hands committed events to listeners (called at once, must not block) and to subscriptions."""

    def __init__(self) -> None:
        self._listeners: list[tuple[str, Listener]] = []
        self._subscriptions: set[Subscription] = set()
        self._held: list[Event] | None = None

    def hold(self) -> None:
        """Keep events back until ``release``: those who should hear them do not listen yet."""
        self._held = self._held or []

    def release(self) -> None:
        """Hand on what was kept back, in order, and from now on everything at once."""
        held, self._held = self._held, None
        self.publish(held or ())

    def listen(self, prefix: str, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` for every event whose kind starts with ``prefix``; return the function that ends it."""
        entry = (prefix, listener)
        self._listeners.append(entry)
        return lambda: self._listeners.remove(entry)

    def subscribe(self, limit: int = 1000) -> Subscription:
        """Open a bounded subscription to all events."""
        subscription = Subscription(limit)
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Close a subscription; closing twice is harmless."""
        self._subscriptions.discard(subscription)

    def publish(self, events: Iterable[Event]) -> None:
        """Hand on events that are committed; called on the event loop's thread."""
        if self._held is not None:
            self._held.extend(events)
            return
        for event in events:
            for prefix, listener in tuple(self._listeners):
                if event.kind.startswith(prefix):
                    listener(event)
            for subscription in self._subscriptions:
                subscription.put(event)
