"""The contract suite runs once for every adapter; what a platform cannot be made to do is not asked of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.discord import DiscordHarness
from tests.contract.harness import Harness
from tests.contract.local import LocalHarness
from tests.contract.slack import GridHarness, SlackHarness
from tests.contract.telegram import TelegramHarness

HARNESSES: dict[str, type[Harness]] = {
    "telegram": TelegramHarness,
    "local": LocalHarness,
    "discord": DiscordHarness,
    "slack": SlackHarness,
    "slack-grid": GridHarness,
}


def pytest_configure(config: pytest.Config) -> None:
    """Register the suite's markers."""
    config.addinivalue_line("markers", "needs(*kinds): abilities or harness traits a test asks of a platform")


def can(harness: Harness, kind: type) -> bool:
    """Tell whether a platform has an ability or its harness a trait."""
    return isinstance(harness, kind) or kind in harness.adapter.capabilities.abilities


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test for every platform that has what it needs."""
    if "harness" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("needs")
    kinds = marker.args if marker else ()
    names = [name for name, made in HARNESSES.items() if all(can(made(Path()), kind) for kind in kinds)]
    metafunc.parametrize("harness", names, indirect=True)


@pytest.fixture
async def harness(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Harness]:
    """Run one platform with its adapter."""
    harness = HARNESSES[request.param](tmp_path)
    await harness.start()
    yield harness
    await harness.stop()
