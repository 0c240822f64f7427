"""The end of a gateway: adapters release what they hold, and one that cannot does not keep the others."""

from pathlib import Path

from gateway.adapter import Closes
from tests.fakes.adapter import ScriptedAdapter
from tests.support.gateway import running


class Holding(ScriptedAdapter):
    """A platform with connections of its own."""

    def __init__(self, name: str, trouble: Exception | None = None) -> None:
        super().__init__(name, abilities=frozenset({Closes}))
        self.closed = 0
        self._trouble = trouble

    async def close(self) -> None:
        self.closed += 1
        if self._trouble is not None:
            raise self._trouble


async def test_every_adapter_that_holds_something_is_closed(tmp_path: Path) -> None:
    broken, sound = Holding("fake", OSError("gone")), Holding("other")
    async with running(tmp_path, broken, sound) as rig:
        await rig.settled()
        assert (broken.closed, sound.closed) == (0, 0)
        await rig.front.disconnect()
        await rig.front.close()
    assert (broken.closed, sound.closed) == (1, 1)
