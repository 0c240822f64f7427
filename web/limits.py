"""Counts failures, so that guessing is slow."""

from collections import OrderedDict, deque

from kernel.clock import Clock

REMEMBERED = 1024


class FailureLimit:
    """Allows ``limit`` failures in ``window`` seconds for each source; the sources remembered are bounded."""

    def __init__(self, clock: Clock, limit: int, window: float) -> None:
        self._clock = clock
        self._limit = limit
        self._window = window
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, source: str) -> int:
        """Return how many seconds a source has to wait; 0 when it may try."""
        failures = self._recent(source)
        if len(failures) < self._limit:
            return 0
        return max(1, round(failures[0] + self._window - self._clock.monotonic()))

    def fail(self, source: str) -> None:
        """Count a failure."""
        failures = self._failures.setdefault(source, deque(maxlen=self._limit))
        self._failures.move_to_end(source)
        failures.append(self._clock.monotonic())
        while len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)

    def clear(self, source: str) -> None:
        """Forget a source that has proved itself."""
        self._failures.pop(source, None)

    def _recent(self, source: str) -> deque[float]:
        failures = self._failures.get(source, deque())
        while failures and failures[0] <= self._clock.monotonic() - self._window:
            failures.popleft()
        return failures
