"""What a coding agent says and does, as the person sees it: text, steps, its plan and what it used."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from acp.schema import (
    AgentMessageChunk,
    AgentPlanUpdate,
    ContentToolCallContent,
    CurrentModeUpdate,
    PromptResponse,
    TextContentBlock,
    ToolCallProgress,
    ToolCallStart,
    ToolCallUpdate,
    UsageUpdate,
)

from agent.acp.judging import Asked, command_of
from kernel.turns import TurnIO, Usage

# Tool calls whose description is remembered; an agent that makes more has forgotten the first ones itself.
REMEMBERED = 500
LABEL = 80
MOST_NOTES = 5
# Steps of a plan that are looked at; an agent that makes up more has no plan.
STEPS = 100
# Characters of a command's output that are looked at, from its end.
OUTPUT = 4000


def _unheard(_tool: str, _arguments: Mapping[str, Any], _result: str) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class Watch:
    """Passes on what one agent says in the running turn; what it says between turns is kept for the next one.

    ``limit`` is the most characters of one answer; ``over`` is set beyond it. ``stirred`` is set by every sign of life.
    ``noted`` hears of its plan and of each command it has run: a tool's name, arguments, result. ``billed`` is what its
    session has cost in US dollars as far as it was booked, ``mode`` the mode that holds, with ``mode_changed`` once the
    agent changed it by itself.
    """

    limit: int
    noted: Callable[[str, Mapping[str, Any], str], None] = _unheard
    io: TurnIO | None = None
    billed: float = 0.0
    mode: str = ""
    mode_changed: bool = False
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False
    notes: list[str] = field(default_factory=list[str])
    _text: list[str] = field(default_factory=list[str])
    _size: int = 0
    _gap: bool = False
    _calls: dict[str, Asked] = field(default_factory=dict[str, Asked])
    _cost: float | None = None

    def enter(self, io: TurnIO) -> None:
        """Show everything on another surface from now on, and there at once what nobody has seen yet."""
        self.io = io
        if self._text:
            io.text("".join(self._text))

    def leave(self) -> tuple[str, tuple[str, ...]]:
        """Return what was said, and the sentences for the person, and begin anew."""
        said, notes = "".join(self._text), tuple(self.notes)
        self._text, self.notes, self._size, self.io = [], [], 0, None
        self.over = self._gap = False
        return said, notes

    def take(self, update: Any) -> None:
        """Show one update; what is not known is only a sign of life."""
        self.stirred.set()
        match update:
            case AgentMessageChunk(content=TextContentBlock(text=text)):
                self._say(text)
            case ToolCallStart() | ToolCallProgress():
                self._step(update)
            case AgentPlanUpdate():
                self._plan(update)
            case UsageUpdate(cost=cost) if cost is not None and cost.currency == "USD":
                self._cost = cost.amount
            case CurrentModeUpdate(current_mode_id=mode) if mode != self.mode:
                self.mode, self.mode_changed = mode, True
                self.note(f"It has changed to its mode {mode}.")
            case _:
                pass

    def _say(self, text: str) -> None:
        if not text or self.over:
            return
        text = f"\n\n{text}" if self._gap and self._text else text
        self._gap = False
        kept = text[: max(0, self.limit - self._size)]
        self.over = len(kept) < len(text)
        self._size += len(kept)
        self._text.append(kept)
        if self.io is not None:
            self.io.text(kept)

    def _step(self, update: ToolCallStart | ToolCallProgress) -> None:
        before = self._calls.get(update.tool_call_id)
        asked = self.call(update)
        self._gap = True
        if len(asked.edits) > len(before.edits if before is not None else ()):
            self.act(_changed(*asked.edits[-1]))
        elif asked.title and (before is None or update.status == "failed"):
            self.act(f"{asked.title}{' failed' if update.status == 'failed' else ''}")
        if update.status == "completed" and (command := command_of(asked.given or {})):
            self.noted("terminal", {"command": command}, _shown(update))

    def _plan(self, plan: AgentPlanUpdate) -> None:
        done = sum(entry.status == "completed" for entry in plan.entries)
        now = next((entry.content for entry in plan.entries if entry.status != "completed"), "")
        self.noted(
            "plan",
            {"todos": [{"content": one.content, "status": one.status} for one in plan.entries[:STEPS]]},
            "",
        )
        self.act(f"plan {done}/{len(plan.entries)} {now}".strip())

    def act(self, label: str) -> None:
        """Say what the agent does now."""
        self.stirred.set()
        if self.io is not None:
            self.io.activity(" ".join(label.split())[:LABEL])

    def note(self, sentence: str) -> None:
        """Keep a sentence for the person; only the first few differ in what they say."""
        if sentence not in self.notes and len(self.notes) < MOST_NOTES:
            self.notes.append(sentence)

    def call(self, update: ToolCallUpdate | ToolCallStart | ToolCallProgress) -> Asked:
        """Return a call with all that was said of it until now."""
        asked = self._calls.pop(update.tool_call_id, Asked()).joined(update)
        self._calls[update.tool_call_id] = asked
        while len(self._calls) > REMEMBERED:
            del self._calls[next(iter(self._calls))]
        return asked

    def used(self, name: str, response: PromptResponse) -> Usage | None:
        """Return what one prompt used, as far as the agent says so."""
        usage = response.usage
        spent = self.costs(name)
        if usage is None and not spent:
            return None
        tokens = (usage.input_tokens, usage.output_tokens) if usage else (0, 0)
        if self._cost is not None:
            self.billed, self._cost = self._cost, None
        return Usage(f"acp:{name}", 1, *tokens, spent[0].cost if spent else None)

    def costs(self, name: str) -> tuple[Usage, ...]:
        """Return what the prompt under way has cost until now; an agent tells the sum of its whole session."""
        if self._cost is None:
            return ()
        more = self._cost - self.billed
        return (Usage(f"acp:{name}", 1, cost=more if more >= 0 else self._cost),)


def _shown(update: ToolCallStart | ToolCallProgress) -> str:
    """Return the text that a call ended with."""
    parts = [one.content for one in update.content or () if isinstance(one, ContentToolCallContent)]
    return "\n".join(part.text for part in parts if isinstance(part, TextContentBlock))[-OUTPUT:]


def _changed(path: str, old: str, new: str) -> str:
    """Return a changed file with the lines that went and came, in a few words."""
    before, after = old.splitlines(), new.splitlines()
    same = sum((Counter(before) & Counter(after)).values())
    return f"editing {Path(path).name} (+{len(after) - same} -{len(before) - same})"
