"""Times: how long a handoff may take, in the milliseconds that the store counts in."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.settings import HandoffSettings


@dataclass(frozen=True, slots=True)
class Times:
    """The settings as they are now; a handoff that has begun keeps the ones it began with."""

    settings: Callable[[], HandoffSettings]

    def take_up(self, *, when_idle: bool) -> int:
        """Return how long somebody has to take a request up; one that waits for the agent may wait long."""
        now = self.settings()
        return int(1000 * (60 * now.when_idle_minutes if when_idle else now.take_up_seconds))

    @property
    def deadline(self) -> int:
        """How long it may take once it is taken up."""
        return int(1000 * self.settings().deadline_seconds)

    @property
    def lease(self) -> int:
        """For how long whoever carries it out is believed to be alive."""
        return int(1000 * self.settings().lease_seconds)
