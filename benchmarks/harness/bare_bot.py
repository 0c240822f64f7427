"""The yardstick: a bot of python-telegram-bot and pydantic-ai with nothing around them; no store, no gate."""

import asyncio
import os

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from telegram import Bot, Message


async def main() -> None:
    """Poll, ask the model with the chat's history, reply."""
    provider = OpenAIProvider(base_url=os.environ["LLM_BASE"], api_key="bench")
    agent = Agent(OpenAIChatModel(os.environ["MODEL"], provider=provider))
    history: dict[int, list[ModelMessage]] = {}
    bot = Bot(os.environ["TELEGRAM_BOT_TOKEN"], base_url=os.environ["TELEGRAM_BASE"] + "/bot")
    await bot.initialize()

    async def turn(message: Message) -> None:
        chat = message.chat.id
        result = await agent.run(message.text or "", message_history=history.get(chat))
        history[chat] = result.all_messages()
        await bot.send_message(chat, str(result.output))

    offset = 0
    async with asyncio.TaskGroup() as turns:
        while True:
            for update in await bot.get_updates(offset=offset, timeout=30):
                offset = update.update_id + 1
                if update.message:
                    turns.create_task(turn(update.message))


asyncio.run(main())
