"""Media: attachments are fetched before their turn and kept under the home with safe names."""

import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gateway.adapter import Adapter, Fetches, ability
from gateway.settings import MediaSettings
from kernel.errors import DeliveryError, PlatformError
from kernel.messages import Attachment
from store import inbox
from store.database import Database
from store.inbox import InboxRow

log = logging.getLogger(__name__)

UNSAFE = re.compile(r"[^\w.\- ]+")
NAME_LENGTH = 80
SUFFIX_LENGTH = 10


def safe_name(name: str) -> str:
    """Return a file name without separators, control characters or leading dots; never empty."""
    cleaned = UNSAFE.sub("_", Path(name.replace("\\", "/")).name).strip(" .")
    stem, dot, suffix = cleaned.rpartition(".")
    short = (
        f"{stem[: NAME_LENGTH - len(suffix) - 1]}{dot}{suffix}"
        if stem and len(suffix) < SUFFIX_LENGTH
        else cleaned
    )
    return short[:NAME_LENGTH] or "file"


class Media:
    """Fetches attachments into ``folder`` (``home/media``)."""

    def __init__(
        self,
        database: Database,
        adapters: Mapping[tuple[str, str], Adapter],
        settings: MediaSettings,
        folder: Path,
    ) -> None:
        self._database = database
        self._adapters = adapters
        self._settings = settings
        self._folder = folder

    async def fetch(self, row: InboxRow) -> InboxRow:
        """Return the row with its attachments stored, or with the sentence that says why one is not."""
        todo = [item for item in row.inbound.attachments if not item.path and not item.problem]
        if not todo:
            return row
        done = tuple([await self._fetch_one(row, number) for number in range(len(row.inbound.attachments))])
        await self._database.write(inbox.keep_attachments, row.id, done)
        return replace(row, inbound=replace(row.inbound, attachments=done))

    async def _fetch_one(self, row: InboxRow, number: int) -> Attachment:
        item = row.inbound.attachments[number]
        if item.path or item.problem:
            return item
        address = row.inbound.address
        adapter = self._adapters.get((address.platform, address.account))
        fetches = ability(adapter, Fetches) if adapter else None
        limit = self._settings.limit_mb * 1024 * 1024
        if fetches is None:
            return replace(item, problem="This platform gives no files.")
        if item.size > limit:
            return replace(
                item, problem=f"The file is larger than {self._settings.limit_mb} MB and was not fetched."
            )
        target = (
            self._folder
            / (row.session_id or "none")
            / f"{row.id}-{number}-{safe_name(item.name or item.kind)}"
        )
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            size = await fetches.fetch(item, target, limit)
        except (DeliveryError, PlatformError) as error:
            log.warning("Attachment %s of message %s was not fetched: %s", number, row.id, error)
            return replace(item, problem=f"The file could not be fetched: {error.message}")
        return replace(item, path=str(target), size=size)
