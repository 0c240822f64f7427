"""Tools as a model sees them: schemas from signatures, every call journalled, every failure explained."""

import asyncio
import inspect
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NotRequired, Required, cast, get_type_hints

from pydantic import TypeAdapter
from pydantic_ai import RunContext
from pydantic_ai.messages import ToolReturn
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets import AbstractToolset, ToolsetTool
from typing_extensions import TypedDict

from agent.settings import AgentSettings
from kernel.approvals import CallResult
from kernel.crashpoints import crashpoint
from kernel.errors import AccessDenied, HermesError
from kernel.ports import Gate, Journal
from kernel.specs import Tool
from kernel.turns import Held, ToolContext, TurnIO, TurnRequest

log = logging.getLogger("hermes.agent")

# Keys in the metadata of a result: the question that holds its call, and a turn that ended behind it.
HELD = "held"
ENDED = "ended"


@dataclass(slots=True)
class TurnState:
    """What the tools of one turn share with its runner."""

    request: TurnRequest
    io: TurnIO
    response_id: str = ""
    calls: int = 0
    calls_in_step: int = 0
    held: list[Held] = field(default_factory=list[Held])


@dataclass(frozen=True, slots=True)
class Offered:
    """A tool whose description and arguments are known from elsewhere; ``schema`` is a JSON schema."""

    tool: Tool
    description: str
    schema: dict[str, Any]


class Toolbox(AbstractToolset[TurnState]):
    """The built-in tools and those that rooms above contribute."""

    def __init__(
        self, tools: Sequence[Tool], journal: Journal, settings: AgentSettings, gate: Gate | None = None
    ) -> None:
        self._journal = journal
        self._settings = settings
        self._gate = gate
        self._groups: dict[str, dict[str, ToolsetTool[TurnState]]] = {}
        self._own = {tool.name: _offer(self, tool) for tool in tools}
        self._tools = {tool.name: tool for tool in tools}
        self._offered = self._own

    @property
    def id(self) -> str:
        """The name of this set."""
        return "hermes"

    @property
    def names(self) -> list[str]:
        """The names of the tools on offer."""
        return list(self._offered)

    def tool(self, name: str) -> Tool:
        """Return a tool by its name; raise KeyError when there is none."""
        return self._tools[name]

    def publish(self, group: str, offered: Sequence[Offered]) -> None:
        """Replace what a foreign source offers; a name that is taken stays with whom it belongs to."""
        fresh = {
            each.tool.name: _offer_foreign(self, each) for each in offered if each.tool.name not in self._own
        }
        self._groups[group] = fresh
        self._tools.update((each.tool.name, each.tool) for each in offered if each.tool.name in fresh)
        self._offered = {
            name: tool for known in (*self._groups.values(), self._own) for name, tool in known.items()
        }

    async def get_tools(self, ctx: RunContext[TurnState]) -> dict[str, ToolsetTool[TurnState]]:
        """Return every tool, or those of the persona that works; the schemas were made once."""
        persona = ctx.deps.request.persona
        if persona is None or not persona.tools:
            return self._offered
        return {name: tool for name, tool in self._offered.items() if name in persona.tools}

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[TurnState], tool: ToolsetTool[TurnState]
    ) -> ToolReturn[str]:
        """Run one call: over budget it is refused, held it names what it waits for."""
        del tool
        state = ctx.deps
        if refusal := self._over_budget(state):
            return ToolReturn(refusal)
        key = f"{state.response_id}:{ctx.tool_call_id}"
        try:
            context = ToolContext(state.request, key, state.io)
            return ToolReturn(await self.carry_out(self._tools[name], tool_args, context))
        except Held as held:
            state.held.append(held)
            return ToolReturn(held.text, metadata={HELD: held.id})

    def _over_budget(self, state: TurnState) -> str:
        budget = self._settings.budget
        state.calls += 1
        state.calls_in_step += 1
        if state.calls_in_step > budget.calls_at_once:
            return (
                f"Not run: at most {budget.calls_at_once} calls are accepted at once. Ask again with fewer."
            )
        if state.calls > budget.calls:
            return f"Not run: this turn has used its {budget.calls} tool calls. Answer with what you have."
        return ""

    async def carry_out(self, tool: Tool, arguments: dict[str, Any], context: ToolContext) -> str:
        """Ask the gate, journal and run one call; raise Held when it waits for a person.

        What the gate refuses or holds has not begun: it is not in the journal. A question to a person stays begun
        there, so that after a crash it runs again and is held again.
        """
        try:
            context = await self._admitted(tool, arguments, context)
        except HermesError as error:
            return f"Failed: {error}"
        except (OSError, ValueError) as error:
            return f"Failed: {tool.name} cannot be judged: {error}"
        dumped = json.dumps(arguments, ensure_ascii=False, sort_keys=True, default=str)
        begun = await self._journal.begin(
            context.request, context.call_key, tool.name, dumped, idempotent=tool.idempotent
        )
        if begun.replay:
            return begun.result
        crashpoint("tool.after_intent")
        result = await self._result(tool, arguments, context)
        crashpoint("tool.after_run")
        await self._journal.finish(context.request, context.call_key, result.text)
        crashpoint("tool.after_done")
        return result.text

    async def carry_out_approved(
        self, tool: Tool, arguments: dict[str, Any], context: ToolContext
    ) -> CallResult:
        """Run one call that was approved, exactly as ``context.approved`` says: no gate, no journal."""
        _check_role(tool, context)
        return await self._result(tool, arguments, context)

    async def _admitted(self, tool: Tool, arguments: dict[str, Any], context: ToolContext) -> ToolContext:
        """Return the context with the action the gate has let pass; what has an action never runs without a gate."""
        _check_role(tool, context)
        action = await self._gate.check(context, tool, arguments) if self._gate is not None else None
        if tool.action is not None and action is None:
            raise AccessDenied(f"{tool.name} does not run without the approval gate.")
        return replace(context, approved=action)

    async def _result(self, tool: Tool, arguments: dict[str, Any], context: ToolContext) -> CallResult:
        """Run a call and return its output or, where it failed, a sentence that says why."""
        context.io.activity(tool.label(arguments) or tool.name.replace("_", " "))
        limit = None if tool.keeps_time else self._settings.tools.timeout
        try:
            async with asyncio.timeout(limit):
                result = await tool.run(context, **arguments)
        except Held:
            raise
        except TimeoutError:
            return CallResult(f"Failed: {tool.name} took longer than {limit or 0:g} seconds.")
        except (HermesError, OSError, ValueError) as error:
            return CallResult(f"Failed: {error}")
        except Exception as error:
            # A bug in one tool must not end the turn: the model hears of it and goes on.
            log.exception("tool %s failed", tool.name)
            return CallResult(f"Failed: {tool.name} broke ({type(error).__name__}).")
        given = CallResult(result) if isinstance(result, str) else result
        return replace(given, text=capped(given.text, self._settings.tools.output))


def _check_role(tool: Tool, context: ToolContext) -> None:
    if context.request.principal.role < tool.role:
        raise AccessDenied(f"{tool.name} is for {tool.role.word}s and above.")


def capped(text: str, limit: int) -> str:
    """Return at most ``limit`` characters, and say how many are missing."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n[{len(text) - limit} more characters left out]"


def _offer(toolset: Toolbox, tool: Tool) -> ToolsetTool[TurnState]:
    arguments = _arguments(tool)
    return ToolsetTool(
        toolset=toolset,
        tool_def=ToolDefinition(
            name=tool.name,
            description=inspect.getdoc(tool.run) or "",
            parameters_json_schema=arguments.json_schema(),
            metadata={"idempotent": tool.idempotent},
            # Else every run would make a copy of each definition to add it.
            toolset_id=toolset.id,
        ),
        max_retries=3,
        args_validator=arguments.validator,  # pyright: ignore[reportArgumentType] - a protocol with other names
    )


_ANY_ARGUMENTS = TypeAdapter(dict[str, Any])


def _offer_foreign(toolset: Toolbox, offered: Offered) -> ToolsetTool[TurnState]:
    """Offer a tool whose arguments its own server checks."""
    return ToolsetTool(
        toolset=toolset,
        tool_def=ToolDefinition(
            name=offered.tool.name,
            description=offered.description,
            parameters_json_schema=offered.schema,
            toolset_id=toolset.id,
        ),
        max_retries=3,
        args_validator=_ANY_ARGUMENTS.validator,  # pyright: ignore[reportArgumentType] - a protocol with other names
    )


def _arguments(tool: Tool) -> TypeAdapter[dict[str, Any]]:
    """Return the type of a tool's arguments: everything in its signature but the context."""
    hints = get_type_hints(tool.run, include_extras=True)
    parameters = list(inspect.signature(tool.run).parameters.values())[1:]
    fields = {
        parameter.name: (Required if parameter.default is parameter.empty else NotRequired)[
            hints[parameter.name]
        ]
        for parameter in parameters
    }
    return TypeAdapter(cast("type[dict[str, Any]]", TypedDict(tool.name, fields)))  # pyright: ignore[reportArgumentType]
