"""Where requests appear: the chats, the owner's clock and page, and the folder for what is too long for messages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.adapter import Adapter
from kernel.messages import Address


@dataclass(frozen=True, slots=True)
class Scenery:
    """Where cards appear: the adapters, the owner's timezone, the page's public address (may be empty).

    ``redact`` takes secrets out of what is shown. In ``folder`` are the files that show actions too long for messages;
    old ones are removed with the files that people sent.
    """

    adapters: Mapping[tuple[str, str], Adapter]
    zone: ZoneInfo
    public_url: str
    redact: Callable[[str], str] = str
    folder: Path | None = None

    def adapter(self, place: Address) -> Adapter | None:
        """Return what sends to a place, ``None`` where nothing does now."""
        return self.adapters.get((place.platform, place.account))
