"""Tools for notes that outlive a session."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from kernel.errors import InvalidInput
from kernel.ports import Notes
from kernel.specs import Tool
from kernel.turns import ToolContext

LONGEST_NOTE = 4000


def note_tools(notes: Notes) -> Sequence[Tool]:
    """Return ``remember`` and ``recall``."""

    async def remember(context: ToolContext, text: Annotated[str, Field(description="One fact.")]) -> str:
        """Keep a note about this person for later conversations."""
        if not 0 < len(text.strip()) <= LONGEST_NOTE:
            raise InvalidInput(f"A note has 1 to {LONGEST_NOTE:,} characters.")
        number = await notes.remember(context.request.principal.id, text.strip())
        return f"Kept as note #{number}."

    async def recall(
        context: ToolContext,
        words: Annotated[str, Field(description="Words to look for; empty for the newest.")] = "",
    ) -> str:
        """Find notes that were kept about this person."""
        found = await notes.recall(context.request.principal.id, words.strip())
        return "\n".join(found) or "There is no such note."

    return (
        Tool("remember", remember, idempotent=False, label=lambda _: "taking a note"),
        Tool("recall", recall, idempotent=True, label=lambda _: "looking through notes"),
    )
