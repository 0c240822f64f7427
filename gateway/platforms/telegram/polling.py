"""Long polling: what a poll brought is committed before the next poll confirms it."""

import asyncio
from functools import partial
from typing import Any

from telegram.error import Conflict, TelegramError

from gateway.adapter import Link
from gateway.platforms.telegram import intake
from gateway.platforms.telegram.failures import platform_error, says
from gateway.platforms.telegram.introduction import Introduction
from gateway.platforms.telegram.request import ApiBot, ApiRequest, connect
from gateway.platforms.telegram.settings import TelegramSettings
from gateway.transport.storing import until_stored
from kernel.errors import PlatformUnavailable

# An answer that is so late between two of its bytes, or twice as late as a whole, will not come.
SLACK_SECONDS = 8.0


class Polling:
    """Receives by ``getUpdates`` on a connection of its own."""

    def __init__(
        self, settings: TelegramSettings, introduction: Introduction, *, slack: float = SLACK_SECONDS
    ) -> None:
        self._settings = settings
        self._introduction = introduction
        self._slack = slack
        self._offset = 0

    async def run(self, link: Link, sender: ApiBot) -> None:
        """Poll until cancelled; ``sender`` makes the calls that are no polls.

        Raises PlatformUnavailable, PlatformConflict or PlatformUnauthorised.
        """
        request = ApiRequest(self._settings, 1, self._settings.poll_seconds + self._slack)
        bot = connect(self._settings, request)
        entry = intake.Intake(bot, self._introduction)
        try:
            # The first poll returns at once, and so tells that the platform answers.
            await self._once(link, bot, entry, 0, sender)
            while True:
                await self._once(link, bot, entry, self._settings.poll_seconds, sender)
        finally:
            await request.shutdown()

    async def _once(
        self, link: Link, bot: ApiBot, entry: intake.Intake, seconds: int, sender: ApiBot
    ) -> None:
        try:
            updates = await self._poll(bot, seconds)
        except Conflict as error:
            await self._settle(error, sender)
            return
        except TelegramError as error:
            raise platform_error(error) from None
        if not seconds:
            link.connected()
            self._introduction.begin(sender)
        link.progress()
        await self._commit(link, entry, updates)

    async def _poll(self, bot: ApiBot, seconds: int) -> list[Any]:
        try:
            async with asyncio.timeout(seconds + 2 * self._slack):
                return await bot.raw_updates(
                    self._offset, seconds, self._settings.allowed_updates, self._slack
                )
        except TimeoutError:
            raise PlatformUnavailable("Telegram's answer to a poll never ended.") from None

    async def _commit(self, link: Link, entry: intake.Intake, updates: list[Any]) -> None:
        if not updates:
            # All before the offset is confirmed now; after a quiet week Telegram starts its numbers anew, lower.
            self._offset = 0
            return
        await until_stored(link, "Telegram", partial(entry.take, link, updates), link.connected)
        offset = intake.after(updates)
        if offset is None:
            raise PlatformUnavailable("Telegram sent updates without numbers, which cannot be confirmed.")
        self._offset = offset

    async def _settle(self, conflict: Conflict, sender: ApiBot) -> None:
        """Remove a webhook that is ours to remove; raise PlatformConflict for any other conflict."""
        if not says(conflict, "webhook"):
            raise platform_error(conflict) from None
        try:
            found = await sender.get_webhook_info()
            if not self._settings.take_over and found.url != self._settings.webhook.url:
                raise platform_error(conflict) from None
            await sender.delete_webhook(drop_pending_updates=False)
        except TelegramError as error:
            raise platform_error(error) from None
