"""``hermes status``."""

from typing import Annotated

import typer

from hermes.cli.groups import examples
from hermes.cli.remote import running
from hermes.cli.terminal import here, say_json
from hermes.version import VERSION

NOT_RUNNING = 3


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=examples("hermes status", "hermes status --json | jq .connections"))(status)


def status(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Tell how the gateway is; the exit code is 0 while it runs and 3 while it does not."""
    home = here(context).home
    remote = running(home)
    if remote is None:
        nothing = {"running": False, "version": VERSION, "home": str(home.root)}
        say_json(nothing) if as_json else print(f"No gateway runs in {home.root}. Start it: hermes gateway")
        raise typer.Exit(NOT_RUNNING)
    found = remote.get("/status")
    if as_json:
        say_json({"running": True, **found})
        return
    print(
        f"Hermes {found['version']} runs at {remote.info.url} (process {remote.info.pid}) for {found['uptime']}."
    )
    if found["state"] != "ok":
        print(f"State: {found['state']}")
    print(f"Model: {found['model']}")
    for one in found["connections"]:
        print(f"{one['name']}: {one['sentence']}")
    for one in found["facts"].get("mcp_servers", ()):
        print(f"MCP server {one['name']}: {one['sentence']}")
    if asked := found["facts"].get("approvals_pending", 0) + found["facts"].get("approvals_held", 0):
        print(f"Approvals: {asked} waiting for a decision; hermes approvals list")
    for warning in found["warnings"]:
        print(f"! {warning}")
    waiting = {name: count for name, count in found["queues"].items() if count}
    print(
        "Open: "
        + (", ".join(f"{count} {name.replace('_', ' ')}" for name, count in waiting.items()) or "nothing")
    )
