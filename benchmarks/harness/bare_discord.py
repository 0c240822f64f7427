"""The yardstick for Discord: a bot of discord.py."""

import asyncio
import json
import os
from typing import Any

import discord.http
from discord.gateway import DiscordWebSocket
from discord.http import Route

from benchmarks.harness.bare_turns import answer, ready


async def _decoded(response: Any) -> Any:
    text = await response.text()
    return json.loads(text) if text else None


async def main() -> None:
    """Answer until stopped."""
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


asyncio.run(main())
