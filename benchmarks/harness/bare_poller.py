"""The yardstick of a cold start: python-telegram-bot alone, polling."""

import asyncio
import os

from telegram.ext import Application


async def main() -> None:
    """Poll until stopped."""
    token, base = os.environ["TELEGRAM_BOT_TOKEN"], os.environ["TELEGRAM_BASE"] + "/bot"
    application = Application.builder().token(token).base_url(base).build()
    assert application.updater is not None
    async with application:
        await application.start()
        await application.updater.start_polling()
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
