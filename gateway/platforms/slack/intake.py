"""From payloads to the gateway: converted one by one, committed as a batch, what is malformed quarantined."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from gateway.adapter import Link
from gateway.platforms.slack import convert
from gateway.platforms.slack.convert import Reading
from gateway.platforms.slack.introduction import Introduction
from gateway.platforms.slack.settings import SlackSettings
from gateway.platforms.slack.web import Api
from kernel.errors import OutcomeUnknown, StoreError
from kernel.messages import Inbound

RAW_LIMIT = 64 * 1024
STORE_SECONDS = (0.2, 1.0, 2.0, 5.0, 10.0)
COMMAND_WORDS = frozenset({"help", "status", "stop", "new", "approve", "deny", "approvals"})


Read = Callable[[Mapping[str, Any], Reading], Inbound | None]


@dataclass(frozen=True, slots=True)
class Parcel:
    """One thing Slack handed over, and how it is read."""

    read: Read
    payload: Any


def unreadable(_payload: Any, _reading: Reading) -> Inbound | None:
    """Raise ValueError: no listener knows such a payload."""
    raise ValueError("nothing of Slack's")


class Intake:
    """Turns what Slack hands over into committed messages, one batch at a time."""

    def __init__(
        self,
        settings: SlackSettings,
        api: Api,
        introduction: Introduction,
    ) -> None:
        self._settings = settings
        self._api = api
        self._introduction = introduction
        self._turn = asyncio.Lock()
        # Until the menu is registered these are known to be commands.
        self.commands = COMMAND_WORDS

    @property
    def reading(self) -> Reading:
        """How things are read now."""
        return Reading(
            self._introduction.me,
            self._settings.reply_in_thread,
            self.commands,
            self._introduction.name,
        )

    async def take(self, link: Link, parcels: Sequence[Parcel]) -> None:
        """Commit a batch, in order; return only when all of it is durable.

        Raises StoreError when something could not be committed: then none of the batch may be acknowledged.
        """
        async with self._turn:
            await self._introduction.meet(self._api, (_writer(parcel) for parcel in parcels))
            batch: list[Inbound] = []
            for parcel in parcels:
                try:
                    message = parcel.read(parcel.payload, self.reading)
                except Exception as error:  # noqa: BLE001 - a malformed payload may break any line, and must break no other
                    await link.quarantine(
                        bad_key(parcel.payload),
                        dump(parcel.payload),
                        f"{type(error).__name__} while reading it",
                    )
                else:
                    if message is not None:
                        batch.append(message)
            if batch:
                await self._commit(link, batch)

    async def _commit(self, link: Link, batch: list[Inbound]) -> None:
        try:
            await link.receive(batch)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever one message breaks must not hold up the others for ever
            if len(batch) == 1:
                reason = f"{type(error).__name__} while committing it"
                await link.quarantine(f"x:{batch[0].key}", batch[0].text[:RAW_LIMIT], reason)
                return
            for message in batch:
                await self._commit(link, [message])

    async def insist(self, link: Link, parcels: Sequence[Parcel]) -> None:
        """Commit a batch, trying again for a while where the store has trouble; raise StoreError after that."""
        for attempt in count():
            try:
                await self.take(link, parcels)
            except OutcomeUnknown:
                raise
            except StoreError as error:
                if attempt == len(STORE_SECONDS):
                    raise
                link.degraded(f"Messages wait at Slack: {error}")
                await asyncio.sleep(STORE_SECONDS[attempt])
            else:
                if attempt:
                    link.connected()
                return


def _writer(parcel: Parcel) -> str:
    return convert.people(parcel.payload) if isinstance(parcel.payload, dict) else ""


def dump(raw: Any) -> str:
    """Return what came over the wire as text of bounded length."""
    return json.dumps(raw, ensure_ascii=True, default=str)[:RAW_LIMIT]


def bad_key(payload: Any) -> str:
    """Return a key that is the same whenever the same malformed payload comes again."""
    id = payload.get("event_id") if isinstance(payload, dict) else None
    digest = hashlib.sha256(dump(payload).encode()).hexdigest()[:16]
    return f"u:{id}:{digest}" if isinstance(id, str) else f"u:{digest}"
