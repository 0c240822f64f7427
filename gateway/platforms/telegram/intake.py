"""From raw updates to the gateway: converted one by one, committed as a batch, what is malformed quarantined."""

from collections.abc import Sequence
from typing import Any

from telegram import Bot, Update

from gateway.adapter import Link
from gateway.platforms.telegram import convert
from gateway.platforms.telegram.introduction import Introduction
from gateway.transport.storing import bad_key, commit, dump
from kernel.messages import Inbound


class Intake:
    """Turns what Telegram hands over into committed messages."""

    def __init__(self, bot: Bot, introduction: Introduction) -> None:
        self._bot = bot
        self._introduction = introduction

    async def take(self, link: Link, updates: Sequence[Any]) -> None:
        """Commit a batch, in order; return only when all of it is durable.

        Raises StoreError when something could not be committed: then none of the batch may be acknowledged.
        """
        batch: list[Inbound] = []
        for raw in updates:
            try:
                message = await self._convert(raw)
            except Exception as error:  # noqa: BLE001 - a malformed update may break any line, and must break no other
                await link.quarantine(
                    bad_key(raw, update_id(raw)), dump(raw), f"{type(error).__name__} while reading it"
                )
            else:
                if message is not None:
                    batch.append(message)
        if batch:
            await commit(link, batch)

    async def _convert(self, raw: Any) -> Inbound | None:
        if update_id(raw) is None:
            raise TypeError("no update_id")
        update = Update.de_json(raw, self._bot)
        if not self._introduction.me.username and convert.needs_name(update):
            await self._introduction.soon()
        return convert.inbound(update, self._introduction.me)


def update_id(raw: Any) -> int | None:
    """Return an update's number, where it has one."""
    number = raw.get("update_id") if isinstance(raw, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def after(updates: Sequence[Any]) -> int | None:
    """Return the offset that confirms a batch, or ``None`` where no update in it has a number."""
    numbers = [number for raw in updates if (number := update_id(raw)) is not None]
    return max(numbers) + 1 if numbers else None
