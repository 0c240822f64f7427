"""What the yardsticks for Discord and Slack answer with: pydantic-ai and a history in memory, nothing around them."""

import os

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
