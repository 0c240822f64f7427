"""The jobs that the page on recipes and the example configuration propose can be made as they stand there."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from cron.kinds.recipes import find, settings_of
from cron.recipes import RECIPES
from cron.seeds import SEEDS
from cron.settings import SeedSettings
from cron.words import Moment, read
from tests.docs.pages import ROOT, blocks
from tests.support.recipes import NOW

PAGE = ROOT / "docs/how-to/recipes.md"


def proposed() -> dict[str, Mapping[str, Any]]:
    """Return all seeds of the page, by name."""
    found: dict[str, Mapping[str, Any]] = {}
    for text in blocks(PAGE, "yaml"):
        found |= yaml.safe_load(text)["cron"].get("seeds", {})
    return found


@pytest.mark.parametrize("name", [*proposed(), *(f"example {name}" for name in SEEDS)])
def test_a_proposed_job_has_a_time_and_settings_that_are_understood(name: str) -> None:
    values = SEEDS[name.removeprefix("example ")] if name.startswith("example ") else proposed()[name]
    seed = SeedSettings.model_validate(values)
    read(seed.schedule, Moment(NOW, ZoneInfo("UTC")))
    settings_of(find(seed.recipe), seed.options)


def test_the_page_has_an_example_of_every_recipe() -> None:
    assert {seed["recipe"] for seed in proposed().values()} == set(RECIPES)


def test_the_example_configuration_proposes_five_jobs_and_starts_none() -> None:
    times = {name: seed["schedule"] for name, seed in SEEDS.items() if not seed["enabled"]}
    assert times == {
        "inbox_summary": "0 8 * * *",
        "ai_news": "30 7 * * 1-5",
        "git_backup": "0 2 * * *",
        "comment_monitor": "0 */4 * * *",
        "health_check": "*/30 * * * *",
    }


@pytest.mark.parametrize("name", RECIPES)
def test_every_setting_of_a_recipe_is_described(name: str) -> None:
    recipe = find(name)
    assert recipe.name == name
    assert recipe.summary.endswith(".")
    schema = recipe.settings.model_json_schema()
    models = [schema, *schema.get("$defs", {}).values()]
    bare = [
        field
        for model in models
        for field, info in model.get("properties", {}).items()
        if "description" not in info
    ]
    assert not bare
