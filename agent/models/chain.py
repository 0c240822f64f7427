"""The models of one turn, in order: whom to ask again, after how long, and who steps in."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic_ai.models import Model

from agent.models.table import Candidate
from agent.models.verdict import ModelSilent, Verdict, judge
from agent.settings import RetrySettings
from kernel.errors import ModelUnavailable
from kernel.ids import jitter

# A silent model is asked twice at most: every attempt costs the person the whole timeout.
SILENT_ATTEMPTS = 2


@dataclass(slots=True)
class Chain:
    """Hands out models: the first that can be built, then, after failures, the next.

    ``notices`` collects what the person is told; ``stop`` ends waiting early.
    """

    candidates: Sequence[Candidate]
    retries: RetrySettings
    stop: asyncio.Event
    notices: list[str]
    _place: int = 0
    _failures: int = 0
    _said: list[str] = field(default_factory=list[str])

    @property
    def current(self) -> Candidate:
        """The model that is being asked."""
        return self.candidates[self._place]

    async def first(self) -> Model:
        """Return the first model that can be built; raise ModelUnavailable when none can."""
        while True:
            try:
                return await self.current.model()
            except ModelUnavailable as error:
                self._next(error)

    async def after(self, error: Exception) -> Model:
        """Return the model to ask after a failure, having waited where that helps; raise what cannot be helped."""
        verdict = judge(error)
        if verdict is None:
            raise error
        self._failures += 1
        if (wait := self._wait(error, verdict)) is not None:
            await self._sleep(wait)
            return await self.current.model()
        self.current.failed()
        self._next(error)
        return await self.first()

    def _wait(self, error: Exception, verdict: Verdict) -> float | None:
        """Return the seconds before the same model is asked again, ``None`` when it is not."""
        silent = isinstance(error, ModelSilent)
        attempts = min(self.retries.attempts, SILENT_ATTEMPTS) if silent else self.retries.attempts
        if not verdict.again or self._failures >= attempts or (silent and not self._is_last()):
            return None
        if verdict.wait is not None and verdict.wait > self.retries.longest_wait:
            return None
        doubled = self.retries.first_wait * 2 ** (self._failures - 1) * (1 + jitter() / 4)
        return min(max(doubled, verdict.wait or 0.0), self.retries.longest_wait)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.stop.wait()
        except TimeoutError:
            # Nobody said stop; the wait is over.
            return

    def _is_last(self) -> bool:
        return self._place == len(self.candidates) - 1

    def _next(self, error: Exception) -> None:
        """Move on to the next model and tell the person; raise ModelUnavailable behind the last one."""
        verdict = judge(error) or Verdict("failed")
        self._said.append(f"{self.current.name} {verdict.sentence}")
        if self._is_last():
            raise ModelUnavailable(_sentence("; ".join(self._said)), remedy=verdict.remedy) from error
        self._place += 1
        self._failures = 0
        self.notices.append(f"{self._said[-1]}; {self.current.name} answers instead.")


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
