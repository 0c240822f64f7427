"""The operation that only the composition root can carry out: reading the settings again."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from kernel.people import Principal, Scope
from kernel.specs import Operation


class Nothing(BaseModel):
    """No input."""

    model_config = ConfigDict(extra="forbid")


class Done(BaseModel):
    """A sentence about what was done."""

    message: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """Carries the operation out; ``read_again`` returns a sentence, or raises ConfigError and keeps what there is."""

    read_again: Callable[[], Awaitable[str]]

    async def reload(self, _principal: Principal, _asked: Nothing) -> Done:
        """Read the settings again."""
        return Done(message=await self.read_again())


def operations(read_again: Callable[[], Awaitable[str]]) -> Sequence[Operation]:
    """Return this room's operations; configuring is never projected to MCP."""
    reload = Configuration(read_again).reload
    return (
        Operation(
            "settings.reload", "Read the settings again.", Scope.ADMIN, Nothing, Done, reload,
            "POST", "/settings/reload", mcp=False,
        ),
    )  # fmt: skip
