"""Discord's rate limits: which calls share a bucket is learnt from its answers.

See https://discord.com/developers/docs/topics/rate-limits: a route belongs to a bucket that the server names, with one
set of tokens for each channel, guild or webhook; beside these there is a limit over all calls.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

BUCKETS_KEPT = 5_000


@dataclass(slots=True)
class _Window:
    """The calls left until ``ends``, on a monotonic clock in seconds."""

    left: int
    ends: float


class Buckets:
    """Knows how long a call has to wait; ``now`` is a monotonic clock's time in seconds."""

    def __init__(self) -> None:
        self._names: OrderedDict[str, str] = OrderedDict()
        self._windows: OrderedDict[tuple[str, str], _Window] = OrderedDict()
        self._all_wait_until = 0.0

    def take(self, route: str, major: str, now: float) -> float:
        """Count a call and return 0, or return the seconds it has to wait and count nothing."""
        if now < self._all_wait_until:
            return self._all_wait_until - now
        window = self._windows.get(self._key(route, major))
        if window is None or now >= window.ends:
            return 0.0
        if window.left <= 0:
            return window.ends - now
        window.left -= 1
        return 0.0

    def learn(self, route: str, major: str, headers: Mapping[str, str], now: float) -> None:
        """Take up what an answer says about its bucket; headers that make no sense change nothing."""
        try:
            left = int(headers["X-RateLimit-Remaining"])
            seconds = float(headers["X-RateLimit-Reset-After"])
        except (KeyError, ValueError):
            return
        if name := headers.get("X-RateLimit-Bucket"):
            self._names[route] = name
            _bound(self._names)
        key = self._key(route, major)
        known = self._windows.get(key)
        if known is not None and now < known.ends:
            # Answers overtake one another: within one window the least number is the latest.
            left = min(left, known.left)
        self._windows[key] = _Window(left, now + seconds)
        self._windows.move_to_end(key)
        _bound(self._windows)

    def hold(self, route: str, major: str, until: float, *, everything: bool) -> None:
        """Let a route, or everything, wait until a time."""
        if everything:
            self._all_wait_until = max(self._all_wait_until, until)
        else:
            self._windows[self._key(route, major)] = _Window(0, until)

    def _key(self, route: str, major: str) -> tuple[str, str]:
        return self._names.get(route, route), major


def _bound(kept: "OrderedDict[str, str] | OrderedDict[tuple[str, str], _Window]") -> None:
    while len(kept) > BUCKETS_KEPT:
        kept.popitem(last=False)
