"""An event loop whose clock jumps to the next timer whenever nothing else is left to do.

Seconds of waiting cost nothing, and their order is the same as in real time. Work takes no time at all on this clock:
as long as ``busy`` counts something under way in a thread (the store's), the loop waits for it and the clock stands.
"""

import asyncio
import selectors
from typing import Any

START = 1_800_000_000_000
REAL_SLICE = 0.002
# What one round of the loop takes: without it, waiting for less than a float can hold would last for ever.
TICK = 1e-6


class _Jumping:
    """A selector that moves the loop's clock instead of waiting."""

    def __init__(self, loop: "VirtualTimeLoop") -> None:
        self._real = selectors.DefaultSelector()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        """Return what is ready; with nothing to do and a timer ahead, let its time come."""
        self._loop.jump(TICK)
        ready = self._real.select(0 if timeout is None or timeout > 0 else timeout)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None or self._loop.busy:
            return self._real.select()
        ready = self._real.select(min(timeout, REAL_SLICE))
        if not ready:
            self._loop.jump(timeout)
        return ready

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The loop; ``busy`` is how much work in threads it has to wait for."""

    def __init__(self) -> None:
        self.busy = 0
        self._now = 0.0
        super().__init__(_Jumping(self))  # pyright: ignore[reportArgumentType] - a selector by its methods

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:
        """Run work in a thread; the clock stands until it has ended."""
        self.busy += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._ended)
        return future

    def _ended(self, _: asyncio.Future[Any]) -> None:
        self.busy -= 1

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._now

    def jump(self, seconds: float) -> None:
        """Move the clock."""
        self._now += seconds


class VirtualClock:
    """The kernel's Clock on a virtual loop; ``set_back`` moves the wall clock alone."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._shift = 0

    def monotonic(self) -> float:
        """Return the loop's time."""
        return self._loop.time()

    def now(self) -> int:
        """Return the wall time in milliseconds since the epoch."""
        return START + self._shift + int(self._loop.time() * 1000)

    def shift(self, seconds: float) -> None:
        """Move the wall clock, as a person or a time server does."""
        self._shift += int(seconds * 1000)
