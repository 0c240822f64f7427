"""Runs of recipes with real fetching on loopback, a clock that stands, and a model that says what it is told to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cron.fetching import Fetching
from cron.kinds.recipes import find, settings_of
from cron.recipe import RecipeContext, RecipeFailed, RecipeResult

# 21 November 2026, 12:00 UTC.
NOW = 1_795_262_400_000
MINUTE = 60_000
HOUR = 60 * MINUTE
LOOPBACK = ("127.0.0.0/8", "::1/128")


@dataclass(slots=True)
class FakeHouse:
    """A daemon as recipes see it."""

    told: dict[str, Any] = field(default_factory=lambda: {"state": "ok", "warnings": []})
    digested: dict[str, Any] = field(default_factory=dict)
    since: list[int] = field(default_factory=list)

    async def status(self) -> Mapping[str, Any]:
        """Return the status."""
        return self.told

    async def digest(self, since: int) -> Mapping[str, Any]:
        """Return what happened."""
        self.since.append(since)
        return self.digested


@dataclass(slots=True)
class Bench:
    """Where a recipe is run again and again: it keeps the cursor as the scheduler does."""

    recipe: str
    folder: Path
    options: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    now: int = NOW
    cursor: str = ""
    last_run: int = 0
    summary: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    house: FakeHouse = field(default_factory=FakeHouse)
    allowed: tuple[str, ...] = LOOPBACK

    async def run(self, **options: Any) -> RecipeResult:
        """Run once; what it returns counts for the next run, a failure does not."""
        recipe = find(self.recipe)
        self.options |= options
        result = await recipe.run(self.context(settings_of(recipe, self.options)))
        self.cursor, self.last_run = result.cursor, self.now
        return result

    def context(self, settings: Any) -> RecipeContext[Any]:
        """Return what a run is given."""
        home = self.folder / "home"
        own = home / "cron" / "jobs" / "1"
        own.mkdir(parents=True, exist_ok=True)
        return RecipeContext(
            settings,
            self.cursor,
            self.now,
            self.last_run,
            ZoneInfo("UTC"),
            own,
            home,
            Fetching(lambda: self.allowed, seconds=20),
            self.house,
            self._secret,
            self._summarise,
        )

    def _secret(self, name: str) -> str:
        if name not in self.secrets:
            raise RecipeFailed(f"There is no secret {name!r}.")
        return self.secrets[name]

    async def _summarise(self, instruction: str, material: str) -> str:
        self.asked.append((instruction, material))
        return self.summary
