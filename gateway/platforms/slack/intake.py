"""From payloads to the gateway: converted one by one, committed as a batch, what is malformed quarantined."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway.adapter import Link
from gateway.platforms.slack import convert
from gateway.platforms.slack.convert import Reading
from gateway.platforms.slack.introduction import Introduction
from gateway.platforms.slack.settings import SlackSettings
from gateway.platforms.slack.web import Api
from gateway.transport.storing import bad_key, commit, dump, until_stored
from kernel.messages import Inbound

# After so many tries the connection ends; what was not acknowledged Slack sends again.
TRIES = 6
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
                    reason = f"{type(error).__name__} while reading it"
                    await link.quarantine(key_of(parcel.payload), dump(parcel.payload), reason)
                else:
                    if message is not None:
                        batch.append(message)
            if batch:
                await commit(link, batch)

    async def insist(self, link: Link, parcels: Sequence[Parcel]) -> None:
        """Commit a batch, trying again for a while where the store has trouble; raise StoreError after that."""
        await until_stored(link, "Slack", partial(self.take, link, parcels), link.connected, TRIES)


def _writer(parcel: Parcel) -> str:
    return convert.people(parcel.payload) if isinstance(parcel.payload, dict) else ""


def key_of(payload: Any) -> str:
    """Return the key of a malformed payload."""
    id = payload.get("event_id") if isinstance(payload, dict) else None
    return bad_key(payload, id if isinstance(id, str) else None)
