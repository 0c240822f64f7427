"""What turns use, and the limits the owner set for a day and a turn."""

from collections.abc import Iterable

from pydantic_ai.messages import ModelMessage, ModelResponse

from agent.settings import BudgetSettings
from kernel.errors import BudgetSpent
from kernel.ports import Ledger
from kernel.turns import Persona, Usage

# A day's budget is announced once this much of it is used.
NEARLY = 0.9


def usage_of(messages: Iterable[ModelMessage]) -> tuple[Usage, ...]:
    """Return what the answers among ``messages`` used, one entry per model."""
    by_model: dict[str, Usage] = {}
    for message in messages:
        if isinstance(message, ModelResponse):
            name = message.model_name or "unknown"
            by_model[name] = _plus(by_model.get(name) or Usage(name), message)
    return tuple(by_model.values())


def _plus(usage: Usage, response: ModelResponse) -> Usage:
    """Add one answer; a cost is known only while every answer's is."""
    cost = None if response.usage.cost is None else float(response.usage.cost)
    known = cost is not None and (usage.cost is not None or usage.requests == 0)
    return Usage(
        model=usage.model,
        requests=usage.requests + 1,
        input_tokens=usage.input_tokens + response.usage.input_tokens,
        output_tokens=usage.output_tokens + response.usage.output_tokens,
        cost=(usage.cost or 0.0) + (cost or 0.0) if known else None,
    )


def over_turn(used: Iterable[Usage], budget: BudgetSettings) -> str:
    """Return the sentence that ends a turn which used more than one turn may, empty while it may go on."""
    used = tuple(used)
    tokens = sum(usage.input_tokens + usage.output_tokens for usage in used)
    money = sum(usage.cost or 0.0 for usage in used)
    if budget.tokens is not None and tokens >= budget.tokens:
        return f"I stopped: this turn has used {tokens:,} tokens of the {budget.tokens:,} it may use."
    if budget.money is not None and money >= budget.money:
        return f"I stopped: this turn has cost ${money:.2f} of the ${budget.money:.2f} it may cost."
    return ""


def over_task(used: Iterable[Usage], persona: Persona | None) -> str:
    """Return the sentence that ends a turn which used up what was left of its task's budget, else nothing."""
    if persona is None:
        return ""
    used = tuple(used)
    tokens = sum(usage.input_tokens + usage.output_tokens for usage in used)
    money = sum(usage.cost or 0.0 for usage in used)
    if persona.tokens is not None and tokens >= persona.tokens:
        return f"I stopped: this turn has used {tokens:,} tokens, and the task had {persona.tokens:,} left."
    if persona.money is not None and money >= persona.money:
        return f"I stopped: this turn has cost ${money:.2f}, and the task had ${persona.money:.2f} left."
    return ""


async def check_day(ledger: Ledger, budget: BudgetSettings) -> tuple[str, ...]:
    """Return what the person should know about today's spending; raise BudgetSpent when it is used up."""
    if budget.day_money is None and budget.day_tokens is None:
        return ()
    spent = await ledger.today()
    money = _share(spent.cost, budget.day_money, f"${spent.cost:.2f} of ${budget.day_money or 0:.2f}")
    tokens = _share(spent.tokens, budget.day_tokens, f"{spent.tokens:,} of {budget.day_tokens or 0:,} tokens")
    return tuple(notice for notice in (money, tokens) if notice)


def _share(used: float, limit: float | None, figures: str) -> str:
    if limit is None:
        return ""
    if used >= limit:
        raise BudgetSpent(
            f"Today's budget is used up ({figures}); I go on at midnight.",
            remedy="The owner can raise agent.budget.day_money or agent.budget.day_tokens.",
        )
    return f"Today's budget is nearly used up: {figures}." if used >= limit * NEARLY else ""
