"""A gate that keeps the contract of ``kernel.ports.Gate`` and decides as a test says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kernel.approvals import Action, ActionKind
from kernel.errors import AccessDenied
from kernel.specs import Tool
from kernel.turns import Held, ToolContext


def careful(action: Action) -> str:
    """Let only files of the workspace pass; whatever else a test does not expect waits for ever."""
    inside = action.kind is ActionKind.FILE and Path(action.target).is_relative_to(action.workspaces[0])
    return "pass" if inside and Path(action.target).resolve() == Path(action.target) else "hold"


def trusting(_action: Action) -> str:
    """Let everything pass; for tests that know what their tools do."""
    return "pass"


@dataclass
class FakeGate:
    """``verdict`` says ``"pass"``, ``"hold"`` or ``"deny"`` of an action; ``asked`` are calls, ``held`` requests.

    The same call of the same turn is answered in the same way however often it is asked about.
    """

    verdict: Callable[[Action], str] = careful
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    held: dict[tuple[str, str], tuple[str, Action]] = field(default_factory=dict)
    judged: dict[tuple[str, str], str] = field(default_factory=dict)

    async def check(self, context: ToolContext, tool: Tool, arguments: Mapping[str, Any]) -> Action | None:
        self.asked.append((tool.name, dict(arguments)))
        if tool.action is None:
            return None
        action = await tool.action(context, arguments)
        call = (context.request.id, context.call_key)
        verdict = self.judged.setdefault(call, self.verdict(action))
        if verdict == "deny":
            raise AccessDenied("This is never done.")
        if verdict == "hold":
            number, _ = self.held.setdefault(call, (f"a_{len(self.held) + 1}", action))
            raise Held(number, f"A person must approve this first: {action.text}")
        return action
