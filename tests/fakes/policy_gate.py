"""A gate that judges with the real policy and, where a person would be asked, only keeps what would be asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from approvals.policy import Assessed, Policy
from kernel.approvals import Action
from kernel.errors import AccessDenied
from kernel.risk import Tier
from kernel.specs import Tool
from kernel.turns import Held, ToolContext


@dataclass
class PolicyGate:
    """``asked`` are the verdicts on what was not let pass."""

    policy: Policy
    asked: list[Assessed] = field(default_factory=list)

    async def check(self, context: ToolContext, tool: Tool, arguments: Mapping[str, Any]) -> Action | None:
        if tool.action is None:
            return None
        assessed = self.policy.assess(await tool.action(context, arguments))
        if assessed.tier is Tier.NONE:
            return assessed.action
        if assessed.tier is Tier.DENY:
            raise AccessDenied(f"Refused: {assessed.classification.reasons[0].why}")
        self.asked.append(assessed)
        raise Held(f"a_{len(self.asked)}", "A person was asked.")
