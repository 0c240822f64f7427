"""What a room offers: operations for programs, commands for people in chats, tools for agents."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kernel.approvals import Action, CallResult
from kernel.messages import Address, Button, Outbound
from kernel.people import Principal, Role, Scope
from kernel.turns import ToolContext


@dataclass(frozen=True, slots=True)
class Operation:
    """A public function, declared once and projected to REST, MCP and the CLI.

    ``name`` is ``"noun.verb"``; ``input`` and ``output`` are pydantic models or dataclasses; ``run(principal, input)``
    carries it out. ``method`` and ``path`` (below ``/api/hermes``) are its REST form, path parameters are fields of
    the input. ``mcp`` says whether it is projected to MCP; deciding, granting and configuring never are.
    """

    name: str
    summary: str
    scope: Scope
    input: type[Any]
    output: type[Any]
    run: Callable[[Principal, Any], Awaitable[Any]]
    method: str
    path: str
    mcp: bool = True


@dataclass(frozen=True, slots=True)
class CommandCall:
    """A slash command as somebody sent it: ``args`` is the text after the name, ``inbox_id`` its row."""

    principal: Principal
    address: Address
    session_id: str
    args: str
    inbox_id: int
    private: bool
    sender_id: str


@dataclass(frozen=True, slots=True)
class CommandReply:
    """What a command answers: Markdown and rows of buttons; an empty text means that nothing is said.

    ``confirms`` says that it asks for a yes or no first. ``before`` are whole messages that stand above the text, such
    as a file; they are ready to be sent where the command was written.
    """

    text: str
    buttons: tuple[tuple[Button, ...], ...] = ()
    confirms: bool = False
    before: tuple[Outbound, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command, the same on every surface; ``confirm`` is the question that is asked before it destroys."""

    name: str
    summary: str
    run: Callable[[CommandCall], Awaitable[CommandReply]]
    usage: str = ""
    aliases: tuple[str, ...] = ()
    role: Role = Role.USER
    confirm: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function an agent may call.

    ``run`` is ``async (context: ToolContext, **arguments)`` and returns a text, or a CallResult where there is an exit
    code; its annotations give the parameters and its docstring the description. ``idempotent`` says that running it
    twice is the same as once. ``label`` makes the few words a person sees while it runs, from the arguments.
    ``action(context, arguments)`` says exactly what a call would do, for the gate to judge; ``None`` is for what never
    needs it: reading in the workspace, notes, questions. ``role`` is the least that the person of the turn must be.
    ``keeps_time`` says that a call ends by itself in the time it is given, so that no other limit has to end it.
    """

    name: str
    run: Callable[..., Awaitable[str | CallResult]]
    idempotent: bool
    label: Callable[[dict[str, Any]], str] = field(default=lambda _: "")
    action: Callable[[ToolContext, Mapping[str, Any]], Awaitable[Action]] | None = None
    role: Role = Role.USER
    keeps_time: bool = False
