"""Recipes as runs: found by name, given their settings, their cursor and what they may use."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cron.ending import Ended
from cron.fetching import Fetching
from cron.recipe import House, Recipe, RecipeContext, RecipeFailed, RecipeSettings
from cron.recipes import RECIPES
from cron.room import Room
from kernel.errors import InvalidInput
from kernel.late import load
from kernel.plain import predicate
from kernel.schedules import Fire, Schedule
from store import fires


def find(name: str) -> Recipe:
    """Return a recipe by its name, loading it; raise InvalidInput where there is none."""
    spec = RECIPES.get(name)
    if spec is None:
        there = ", ".join(RECIPES) or "none yet"
        raise InvalidInput(f"There is no recipe {name!r}.", remedy=f"There are: {there}.")
    return load(spec)


def settings_of(recipe: Recipe, options: dict[str, Any]) -> RecipeSettings:
    """Return a recipe's settings; raise InvalidInput with the first thing that is wrong with them."""
    try:
        return recipe.settings.model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or recipe.name
        wrong = predicate(first["type"], first.get("ctx", {}), first["msg"])
        raise InvalidInput(
            f"{recipe.name}: {where} {wrong}.", remedy="`hermes cron recipes` lists the settings."
        ) from None


async def run(room: Room, http: Fetching, schedule: Schedule, fire: Fire) -> Ended:
    """Run a schedule's recipe and return how that ended."""
    recipe = await asyncio.to_thread(find, schedule.job.recipe)
    context = await _context(room, http, schedule, fire, settings_of(recipe, dict(schedule.job.options)))
    result = await recipe.run(context)
    said = result.changed
    return Ended(
        "finish",
        result.text.strip() if said else "",
        files=tuple(str(path) for path in result.files) if said else (),
        cursor=result.cursor,
    )


async def _context(
    room: Room, http: Fetching, schedule: Schedule, fire: Fire, settings: RecipeSettings
) -> RecipeContext[Any]:
    folder = room.home / "jobs" / str(schedule.id)
    await asyncio.to_thread(partial(folder.mkdir, parents=True, exist_ok=True, mode=0o700))
    last_good = await room.database.read(fires.last_good, schedule.id)
    return RecipeContext(
        settings,
        schedule.cursor,
        fire.instant,
        last_good,
        room.zone,
        folder,
        room.root,
        http,
        _house(room),
        partial(_secret, room),
        room.ports.summarise,
    )


def _house(room: Room) -> House:
    if room.ports.house is None:
        raise RecipeFailed("This daemon does not tell about itself.")
    return room.ports.house


def _secret(room: Room, name: str) -> str:
    value = room.settings.secrets.get(name)
    if value is None:
        raise RecipeFailed(
            f"There is no secret {name!r}.",
            remedy=f"Set cron.secrets.{name} (HERMES_CRON__SECRETS__{name.upper()}).",
        )
    return value.get_secret_value()


def folder_of(room: Room, schedule: Schedule) -> Path:
    """Return the folder that is a job's own."""
    return room.home / "jobs" / str(schedule.id)
