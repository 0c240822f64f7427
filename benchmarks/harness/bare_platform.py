"""The yardsticks for Discord and Slack: each its usual library with pydantic-ai, nothing around them."""

import asyncio
import json
import os
import sys
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

provider = OpenAIProvider(base_url=os.environ["LLM_BASE"], api_key=os.environ["LLM_KEY"])
agent = Agent(OpenAIChatModel(os.environ["MODEL"], provider=provider))
history: dict[str, list[ModelMessage]] = {}


async def answer(chat: str, text: str) -> str:
    """Ask the model with the chat's history."""
    result = await agent.run(text, message_history=history.get(chat))
    history[chat] = result.all_messages()
    return str(result.output)


def ready() -> None:
    """Say that the bot is connected."""
    print("ready", flush=True)


async def _decoded(response: Any) -> Any:
    text = await response.text()
    return json.loads(text) if text else None


async def discord_bot() -> None:
    """Run a bot of discord.py."""
    import discord.http  # noqa: PLC0415 - only the library that is measured is loaded
    from discord.gateway import DiscordWebSocket  # noqa: PLC0415
    from discord.http import Route  # noqa: PLC0415

    given = json.loads(os.environ["DISCORD"])
    Route.BASE = given["api_base"]
    DiscordWebSocket.DEFAULT_GATEWAY = type(DiscordWebSocket.DEFAULT_GATEWAY)(given["gateway_url"])
    # The library knows JSON by the bare type alone; other servers name the character set as well.
    discord.http.json_or_text = _decoded
    intents = discord.Intents.default()
    intents.message_content = True
    client = discord.Client(intents=intents, max_messages=None)

    @client.event
    async def on_ready() -> None:
        ready()

    @client.event
    async def on_message(message: discord.Message) -> None:
        if not message.author.bot:
            await message.channel.send(await answer(str(message.channel.id), message.content))

    await client.start(given["token"])


async def slack_bot() -> None:
    """Run a bot of slack-bolt in Socket Mode."""
    from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler  # noqa: PLC0415
    from slack_bolt.async_app import AsyncApp  # noqa: PLC0415
    from slack_sdk.web.async_client import AsyncWebClient  # noqa: PLC0415

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


if __name__ == "__main__":
    asyncio.run({"discord": discord_bot, "slack": slack_bot}[os.environ["BOT"]]())
    sys.exit(0)
