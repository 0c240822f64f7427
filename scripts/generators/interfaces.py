"""What people, programs and agents can call: commands, operations, tools."""

import dataclasses
import inspect
from collections.abc import Iterable, Sequence
from typing import Any, cast

from pydantic import BaseModel, TypeAdapter

from agent.build import tools as agent_tools
from agent.settings import AgentSettings
from approvals.operations import operations as approval_operations
from board.crew_operations import operations as crew_operations
from board.crew_tools import crew_tools
from board.diagnosis.tools import diagnosis_tools
from board.operations import operations as board_operations
from board.tools import task_tools
from cron.commands import CronCommands
from cron.operations import operations as cron_operations
from cron.tools import cron_tools
from gateway.approvals.commands import ApprovalCommands
from gateway.commands.brains import BrainCommands
from gateway.commands.conversation import ConversationCommands
from gateway.commands.daemon import DaemonCommands
from gateway.commands.folders import FolderCommands
from gateway.crew.commands import CrewCommands
from gateway.crew.triage import TriageDesk
from gateway.diagnosis.commands import DiagnosisCommands
from gateway.handoff.commands import HandoffCommands
from gateway.operations import operations as gateway_operations
from gateway.walkaway.commands import JobCommands
from gateway.walkaway.operations import operations as walkaway_operations
from hermes.operations import operations as hermes_operations
from kernel.people import Role
from kernel.specs import Command, Operation, Tool
from scripts.generators.tables import first_sentence, table
from web.operations import operations as web_operations

COMMANDS = """\
# Slash commands

Made from the commands themselves by `scripts/generate`. They are the same in every chat, and they are carried out at
once, also while an agent is at work. `/help` shows those that your role may use, `/help NAME` explains one. Where it
says *asks first*, a button confirms before anything is destroyed. An unknown command is answered with the nearest one.
"""

OPERATIONS = """\
# Operations

Made from the declarations by `scripts/generate`. Each function is declared once and reaches programs in two ways: as a
REST call under `/api/hermes`, and, where it says so, as an MCP tool at `/mcp` on the same port. Both need
`Authorization: Bearer TOKEN`; `hermes tokens create NAME --scope SCOPE` makes one. `GET /api/openapi.json` describes
the REST form to programs. Whatever decides, grants or configures is never offered over MCP.

Every failure has one shape, `{"error": {"code", "message", "remedy"}}`; [the codes](errors.md).
"""

TOOLS = """\
# Tools

Made from the tools themselves by `scripts/generate`: what an agent is offered, in the words that it reads. *Repeatable*
says that a call whose result was lost in a crash simply runs again; any other is reported to the owner as unknown and
does not run twice. Tools of [MCP servers](configuration.md) come to these; those that the settings do not list as safe
wait for an [approval](../explanation/approvals.md).
"""


class _Nothing:
    """Stands in for what a declaration holds but does not touch while it is only read."""

    def __getattr__(self, name: str) -> "_Nothing":
        return self

    def __call__(self, *_: object) -> "_Nothing":
        return self


NOTHING: Any = _Nothing()
DIAGNOSES = DiagnosisCommands(NOTHING, NOTHING, NOTHING, NOTHING, NOTHING)


def all_commands() -> Sequence[Command]:
    """Return every slash command, in the order of the help."""
    return (
        *ConversationCommands(NOTHING).commands(),
        *HandoffCommands(NOTHING).commands(),
        *ApprovalCommands(NOTHING).commands(),
        *BrainCommands(NOTHING).commands(),
        *FolderCommands(NOTHING).commands(),
        *DaemonCommands(NOTHING, NOTHING).commands(),
        *CrewCommands(NOTHING, NOTHING).commands(),
        *TriageDesk(NOTHING, NOTHING, NOTHING, NOTHING).commands(),
        *JobCommands(NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING).commands(),
        *DIAGNOSES.commands(),
        *CronCommands(NOTHING).commands(),
    )


def all_operations() -> Sequence[Operation]:
    """Return every operation."""
    return (
        *gateway_operations(NOTHING),
        *approval_operations(NOTHING, NOTHING, NOTHING),
        *board_operations(NOTHING),
        *walkaway_operations(NOTHING),
        *crew_operations(NOTHING),
        *cron_operations(NOTHING),
        *web_operations(NOTHING),
        *hermes_operations(NOTHING),
    )


def all_tools() -> Sequence[Tool]:
    """Return every built-in tool."""
    return (
        *agent_tools(AgentSettings(), NOTHING, NOTHING, NOTHING),
        *task_tools(NOTHING),
        *crew_tools(NOTHING),
        *cron_tools(NOTHING),
        *DIAGNOSES.tools(),
        *diagnosis_tools(NOTHING, NOTHING),
    )


def commands() -> str:
    """Return ``docs/reference/commands.md``."""
    return COMMANDS + "\n" + table(("command", "what it does", "for"), map(_command, all_commands())) + "\n"


def _command(command: Command) -> tuple[str, str, str]:
    shown = f"`/{command.name}{' ' + command.usage if command.usage else ''}`"
    also = f" ({', '.join(f'`/{alias}`' for alias in command.aliases)})" if command.aliases else ""
    asks = " *Asks first.*" if command.confirm else ""
    people = "everybody" if command.role is Role.USER else f"{command.role.word}s"
    return shown + also, command.summary + asks, people


def operations() -> str:
    """Return ``docs/reference/operations.md``."""
    overview = table(("operation", "what it does", "scope", "REST", "MCP"), map(_operation, all_operations()))
    return "\n".join((OPERATIONS, overview, "", *(_inputs(one) for one in all_operations())))


def _operation(operation: Operation) -> tuple[str, str, str, str, str]:
    return (
        f"[`{operation.name}`](#{operation.name.replace('.', '')})",
        operation.summary,
        f"`{operation.scope}`",
        f"`{operation.method} {operation.path}`",
        "yes" if operation.mcp else "no",
    )


def _inputs(operation: Operation) -> str:
    given = _fields(operation.input) or ["Nothing is asked."]
    gives = ", ".join(f"`{name}`" for name in _names(operation.output))
    described = "\n".join(given)
    return (
        f"## {operation.name}\n\n{operation.summary}\n\n{described}\n\nGives {gives}. "
        f"{first_sentence(operation.output.__doc__)}\n"
    )


def _fields(model: type[BaseModel]) -> list[str]:
    schema = TypeAdapter(model).json_schema()
    required = set(schema.get("required", ()))
    return [_field(name, facts, name in required) for name, facts in schema.get("properties", {}).items()]


def _field(name: str, facts: dict[str, Any], required: bool) -> str:
    default = facts.get("default")
    rest = "required" if required else f"default `{default}`" if default not in ("", None) else "optional"
    return f"- `{name}` ({rest}): {facts.get('description', 'which one')}".replace("..", ".")


def _names(output: type[Any]) -> Iterable[str]:
    if dataclasses.is_dataclass(output):
        return [field.name for field in dataclasses.fields(output)]
    return list(cast(type[BaseModel], output).model_fields)


def tools() -> str:
    """Return ``docs/reference/tools.md``."""
    return "\n".join((TOOLS, *(_tool(tool) for tool in all_tools())))


def _tool(tool: Tool) -> str:
    names = [name for name in inspect.signature(tool.run).parameters if name != "context"]
    takes = f"Takes {', '.join(f'`{name}`' for name in names)}." if names else "Takes nothing."
    repeatable = " Repeatable." if tool.idempotent else ""
    return f"## {tool.name}\n\n{first_sentence(tool.run.__doc__)}\n\n{takes}{repeatable}\n"
