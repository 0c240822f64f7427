"""From the messages of a turn to the blocks of a prompt."""

import base64
from collections.abc import Sequence
from typing import Any

from acp.schema import ImageContentBlock, TextContentBlock
from pydantic_ai.messages import BinaryContent

from agent.prompt import prompt
from agent.settings import ContextSettings
from kernel.turns import TurnInput

AGAIN = (
    "[Hermes was interrupted while you worked on this. Look at what is done already before you go on; ask again for"
    " whatever needs a permission.]"
)


def blocks(
    inputs: Sequence[TurnInput], settings: ContextSettings, *, internal: bool, images: bool
) -> list[Any]:
    """Return the blocks of one prompt; images only for an agent that takes them."""
    made: list[Any] = []
    for item in prompt(inputs, settings, internal=internal):
        if isinstance(item, str):
            made += plain(item)
        elif isinstance(item, BinaryContent) and images:
            data = base64.b64encode(item.data).decode()
            made.append(ImageContentBlock(type="image", data=data, mime_type=item.media_type))
    return made


def plain(words: str) -> list[Any]:
    """Return a text as a prompt."""
    return [TextContentBlock(type="text", text=words)]


def again(given: list[Any]) -> list[Any]:
    """Return a prompt that was perhaps given before, and says so."""
    return [*plain(AGAIN), *given]


def text(given: Sequence[Any]) -> str:
    """Return the text of a prompt."""
    return "\n".join(block.text for block in given if isinstance(block, TextContentBlock))
