"""The tests of the whole gateway run on a virtual clock: minutes of waiting cost nothing."""

from collections.abc import Callable, Mapping

import pytest

from tests.support.virtual_time import VirtualTimeLoop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], VirtualTimeLoop]]:
    """Give every test a virtual loop."""
    return {"virtual": VirtualTimeLoop}
