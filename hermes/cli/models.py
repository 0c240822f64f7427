"""``hermes model`` and ``hermes tools``."""

from typing import Annotated

import typer

from agent.models import names
from hermes import edit, plugins
from hermes.cli.groups import examples
from hermes.cli.remote import running
from hermes.cli.terminal import Terminal, here, say_table
from kernel.errors import InvalidInput


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=examples("hermes model", "hermes model openai:gpt-5.2", "hermes model offline"))(model)
    app.command(epilog=examples("hermes tools"))(tools)


def model(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="provider:name, or offline; without it, the model in use is shown.")
    ] = "",
) -> None:
    """Show the model that agents use, or choose another one."""
    terminal = here(context)
    if name:
        _choose(terminal, name)
    else:
        _show(terminal)


def _choose(terminal: Terminal, name: str) -> None:
    if problem := names.trouble(name, terminal.settings.agent.base_url):
        raise InvalidInput(problem)
    terminal.home.prepare()
    overruled = terminal.overruled("agent.model", edit.change(terminal.home, "agent.model", name))
    note = " `hermes config reload` makes the running gateway use it." if running(terminal.home) else ""
    print(f"agent.model is {name} now. {overruled}" if overruled else f"Agents use {name} from now on.{note}")


def _show(terminal: Terminal) -> None:
    agent = terminal.settings.agent
    print(f"model      {agent.model}")
    if agent.base_url:
        print(f"server     {agent.base_url}")
    print(f"fallback   {', '.join(one.model for one in agent.fallback) or 'none'}")
    keys = sorted(name for name, key in agent.provider_keys.items() if key.get_secret_value())
    print(f"keys       {', '.join(keys) or 'none'}")
    if agent.model == "offline":
        print(
            "No language model is configured: the built-in operator answers a small command language (/help)."
        )


def tools(context: typer.Context) -> None:
    """List the tools that agents are offered."""
    agent = here(context).settings.agent
    # The tools are only described here, so that the rooms behind their ports are not needed.
    offered = plugins.load(plugins.AGENT_TOOLS)(agent, None, None, None)
    rows = [(tool.name, (tool.run.__doc__ or "").strip().partition("\n")[0]) for tool in offered]
    say_table(("tool", "what it does"), rows, "There are none.")
    for name, server in agent.mcp.items():
        place = server.url or server.command
        safe = ", ".join(f"{name}_{tool}" for tool in server.safe_tools) or "none is listed as safe"
        print(f"\nMCP server {name} ({place}): {safe}.")
