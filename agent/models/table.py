"""Models by name: each provider's library is loaded when the first turn needs it."""

from collections.abc import Callable

from pydantic_ai.models import Model

from agent.offline.model import NAME, OfflineModel
from agent.settings import AgentSettings
from kernel.clock import Clock


class ModelTable:
    """Builds models from settings, each once."""

    def __init__(self, settings: AgentSettings, clock: Clock) -> None:
        self._settings = settings
        self._offline = OfflineModel(clock)

    def model(self, name: str, notice: Callable[[str], None]) -> Model:
        """Return the model called ``name``, or the configured one for an empty name."""
        if (name or self._settings.model) == NAME:
            return self._offline
        raise NotImplementedError(name)
