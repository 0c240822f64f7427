"""What every handler of this room shares, and how a public function is declared."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.adapter import MenuEntry
from gateway.local import LocalAdapter
from kernel.bus import Bus
from kernel.clock import Clock
from kernel.people import Scope
from kernel.specs import Operation
from store.database import Database
from web.auth import Visitor
from web.settings import WebSettings


@dataclass(frozen=True, slots=True)
class Parts:
    """What the composition root hands to this room.

    ``local`` are the adapters by platform. ``health`` returns at least ``"alive"``, ``metrics`` Prometheus's text.
    """

    settings: WebSettings
    operations: Sequence[Operation]
    local: Mapping[str, LocalAdapter]
    database: Database
    bus: Bus
    clock: Clock
    home: Path
    health: Callable[[], Mapping[str, Any]]
    metrics: Callable[[], str]
    commands: Callable[[], Sequence[MenuEntry]]

    @property
    def incoming(self) -> Path:
        """Where uploads wait for the message that names them."""
        return self.home / "media" / "incoming"


@dataclass(frozen=True, slots=True)
class Call:
    """One request by somebody who may make it."""

    request: Request
    visitor: Visitor


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of the API; ``input`` is what its body or query holds, ``body`` the media type it takes.

    ``media`` is the type of its answer and ``output`` its shape where that is JSON.
    """

    method: str
    path: str
    name: str
    summary: str
    scope: Scope
    run: Callable[[Call], Awaitable[Response]]
    input: type[Any] | None = None
    output: type[Any] | None = None
    status: int = 200
    body: str = "application/json"
    media: str = "application/json"
    tag: str = "operations"
