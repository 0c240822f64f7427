"""The yardstick for Slack: a bot of slack-bolt in Socket Mode."""

import asyncio
import os

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from benchmarks.harness.bare_turns import answer, ready


async def main() -> None:
    """Answer until stopped."""
    url = os.environ["SLACK_URL"] + "/"
    app = AsyncApp(client=AsyncWebClient(os.environ["SLACK_BOT_TOKEN"], base_url=url))

    @app.event("message")
    async def on_message(event: dict[str, str]) -> None:
        if not event.get("bot_id"):
            said = await answer(event["channel"], event.get("text", ""))
            await app.client.chat_postMessage(channel=event["channel"], text=said)

    web = AsyncWebClient(os.environ["SLACK_APP_TOKEN"], base_url=url)
    handler = AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"], web_client=web)
    await handler.connect_async()
    ready()
    await asyncio.Event().wait()


asyncio.run(main())
