"""``hermes service``: the gateway as a systemd service."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from hermes.cli.groups import examples, group
from hermes.cli.terminal import Terminal, here
from hermes.service import Kind, Manager, Unit, create_user, program
from kernel.errors import InvalidInput

app = group("Run the gateway as a systemd service: your own by default, the system's with --system.")

System = Annotated[
    bool, typer.Option("--system", help="The system's service with its own user, instead of yours.")
]
Tenant = Annotated[str, typer.Option(metavar="NAME", help="One of several tenants: hermes@NAME.service.")]


def _unit(terminal: Terminal, *, system: bool, tenant: str) -> Unit:
    kind = Kind.TENANT if tenant else Kind.SYSTEM if system else Kind.USER
    if tenant and not (tenant.isascii() and tenant.isalnum() and tenant.islower()):
        raise InvalidInput(f"{tenant!r} is no tenant's name.", remedy="Use small letters and digits only.")
    projects = [Path(path).expanduser() for path in terminal.settings.workspace.projects]
    return Unit(kind, program(), terminal.home.root if kind is Kind.USER else None, projects, tenant=tenant)


@app.command(
    epilog=examples(
        "hermes service install", "hermes service install --dry-run", "sudo hermes service install --system",
        "sudo hermes service install --tenant anna",
    )
)  # fmt: skip
def install(
    context: typer.Context,
    system: System = False,
    tenant: Tenant = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the unit and change nothing.")] = False,
    start: Annotated[bool, typer.Option(help="Start it now and at every boot.")] = True,
) -> None:
    """Write the unit with this machine's paths, and start it now and at every boot."""
    terminal = here(context)
    unit = _unit(terminal, system=system, tenant=tenant)
    if dry_run:
        print(unit.text(), end="")
        return
    manager = Manager.of(unit.kind, terminal.environ)
    if unit.kind is not Kind.USER:
        create_user(unit.user, Path("/var/lib/hermes") / tenant)
    for path in manager.install(unit):
        print(f"Wrote {path}.")
    if start:
        manager.control("enable", "--now", unit.instance)
        print(
            f"{unit.instance} runs. `hermes service status` tells how it is; `hermes logs -f` follows its log."
        )
    if unit.kind is Kind.USER and not _lingers(terminal):
        print("It stops when you log out; `loginctl enable-linger` lets it run without you.")


def _lingers(terminal: Terminal) -> bool:
    user = terminal.environ.get("USER") or str(os.getuid())
    return (Path("/var/lib/systemd/linger") / user).exists()


@app.command(epilog=examples("hermes service uninstall"))
def uninstall(context: typer.Context, system: System = False, tenant: Tenant = "") -> None:
    """Stop the service and remove its unit; the home directory stays."""
    terminal = here(context)
    unit = _unit(terminal, system=system, tenant=tenant)
    manager = Manager.of(unit.kind, terminal.environ)
    manager.ask("disable", "--now", unit.instance)
    gone = manager.uninstall(unit)
    print("\n".join(f"Removed {path}." for path in gone) or "There was no unit to remove.")


def _verb(name: str, sentence: str) -> Callable[..., None]:
    def verb(context: typer.Context, system: System = False, tenant: Tenant = "") -> None:
        terminal = here(context)
        unit = _unit(terminal, system=system, tenant=tenant)
        Manager.of(unit.kind, terminal.environ).control(name, unit.instance)
        print(f"{unit.instance}: {name} done.")

    verb.__doc__ = sentence
    return verb


app.command("start", epilog=examples("hermes service start"))(_verb("start", "Start the service."))
app.command("stop", epilog=examples("hermes service stop"))(
    _verb("stop", "Stop the service; what is under way settles first.")
)
app.command("restart", epilog=examples("hermes service restart"))(
    _verb("restart", "Stop the service and start it again.")
)


@app.command(epilog=examples("hermes service status"))
def status(context: typer.Context, system: System = False, tenant: Tenant = "") -> None:
    """Show what systemd says about the service; the exit code is 0 while it runs."""
    terminal = here(context)
    unit = _unit(terminal, system=system, tenant=tenant)
    manager = Manager.of(unit.kind, terminal.environ)
    print(
        manager.ask("status", "--no-pager", "--lines=5", unit.instance)
        or f"{unit.instance} is not installed."
    )
    if manager.ask("is-active", unit.instance) != "active":
        raise typer.Exit(3)
