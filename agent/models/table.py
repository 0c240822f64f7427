"""Models by name: built once, when they are first needed, and left alone for a while after they failed."""

import asyncio
from collections.abc import Callable, Sequence

from pydantic_ai.models import Model

from agent.models import names
from agent.models.providers import Built, build
from agent.offline.model import NAME, OfflineModel
from agent.settings import AgentSettings, ModelSettings
from kernel.clock import Clock

# For so long a model that failed is asked last, so that not every turn waits for it.
REST_SECONDS = 60.0


class Candidate:
    """A model that may answer; ``name`` is what people call it."""

    def __init__(self, name: str, make: Callable[[], Built], clock: Clock) -> None:
        self.name = name
        self._make = make
        self._clock = clock
        self._made: Built | None = None
        self._lock = asyncio.Lock()
        self._rests_until = 0.0

    async def model(self) -> Model:
        """Return the model, built in a thread the first time; raise ModelUnavailable where it cannot be."""
        if self._made is None:
            async with self._lock:
                self._made = self._made or await asyncio.to_thread(self._make)
        return self._made.model

    def build_now(self) -> None:
        """Build the model in the calling thread."""
        self._made = self._made or self._make()

    async def close(self) -> None:
        """Close the model's connections."""
        if self._made is not None and self._made.client is not None:
            await self._made.client.aclose()

    def failed(self) -> None:
        """Note that the model failed just now."""
        self._rests_until = self._clock.monotonic() + REST_SECONDS

    @property
    def rests(self) -> bool:
        """Whether the model failed a short time ago."""
        return self._clock.monotonic() < self._rests_until


class ModelTable:
    """The configured models and those that sessions have chosen."""

    def __init__(self, settings: AgentSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._known: dict[str, Candidate] = {}
        self._configured = [self._made_once(spec) for spec in (settings, *settings.fallback)]

    @property
    def names(self) -> list[str]:
        """The configured models, the first choice first."""
        return [candidate.name for candidate in self._configured]

    def load(self) -> None:
        """Import the library of the first configured model; the error, if any, belongs to the turn that needs it."""
        self._configured[0].build_now()

    async def close(self) -> None:
        """Close all connections."""
        for candidate in self._known.values():
            await candidate.close()

    def candidates(self, name: str = "") -> Sequence[Candidate]:
        """Return whom to ask, in order: the named model or the configured one, then the fallbacks.

        Models that failed a short time ago come last, where there are others.
        """
        first = self.candidate(name)
        rest = [candidate for candidate in self._configured[1:] if candidate is not first]
        return sorted([first, *rest], key=lambda candidate: candidate.rests)

    def candidate(self, name: str = "") -> Candidate:
        """Return the named model, or the configured one for an empty name."""
        return self._chosen(name) if name else self._configured[0]

    def _chosen(self, name: str) -> Candidate:
        """Return the model a session chose; a bare name means the configured provider."""
        full = names.full(name, self._settings.model)
        if full in self._known:
            return self._known[full]
        provider, colon, _ = self._settings.model.partition(":")
        shares = bool(colon) and full.partition(":")[0] == provider
        spec = ModelSettings(
            model=full,
            base_url=self._settings.base_url if shares else "",
            api_key=self._settings.api_key if shares else ModelSettings().api_key,
        )
        return self._made_once(spec)

    def _made_once(self, spec: ModelSettings) -> Candidate:
        if spec.model not in self._known:
            self._known[spec.model] = Candidate(spec.model, lambda: self._build(spec), self._clock)
        return self._known[spec.model]

    def _build(self, spec: ModelSettings) -> Built:
        return Built(OfflineModel(self._clock)) if spec.model == NAME else build(spec, self._settings)
