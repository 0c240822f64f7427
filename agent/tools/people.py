"""Tools that reach the people of the chat: a question with options, a file."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from agent.settings import ToolSettings
from agent.tools.places import inside
from kernel.errors import InvalidInput
from kernel.ports import Outlet, Questions
from kernel.specs import Tool
from kernel.turns import Held, ToolContext

MOST_OPTIONS = 8


def people_tools(settings: ToolSettings, questions: Questions, outlet: Outlet) -> Sequence[Tool]:
    """Return ``ask_person`` and ``send_file``."""

    async def ask_person(
        context: ToolContext,
        question: Annotated[str, Field(description="One question, complete in itself.")],
        options: Annotated[
            list[str], Field(description="Up to 8 answers to choose from; empty for free text.")
        ] = [],  # noqa: B006 - never changed
    ) -> str:
        """Ask the people of this chat something that only they can decide; the turn waits for the answer."""
        if not question.strip():
            raise InvalidInput("The question is empty.")
        if len(options) > MOST_OPTIONS:
            raise InvalidInput(f"A question has at most {MOST_OPTIONS} options.")
        asked = await questions.ask(context.request, question.strip(), options, context.call_key)
        raise Held(asked, f"The question was put to the person and is not answered yet: {question.strip()}")

    async def send_file(
        context: ToolContext,
        path: Annotated[str, Field(description="Path of a file in the workspace.")],
        caption: Annotated[str, Field(description="A line of text under the file.")] = "",
    ) -> str:
        """Send a file of the workspace to this chat."""
        file = inside(context.request.workspace, path)
        if not file.is_file():
            raise InvalidInput(f"{path} is no file.")
        if file.stat().st_size > settings.send_file:
            raise InvalidInput(f"{path} is larger than {settings.send_file:,} bytes.")
        await outlet.send_file(context.request, file, caption, context.call_key)
        return f"{path} is on its way."

    return (
        Tool("ask_person", ask_person, idempotent=True, label=lambda _: "asking you"),
        Tool(
            "send_file",
            send_file,
            idempotent=True,
            label=lambda arguments: f"sending {arguments.get('path', '')}",
        ),
    )
