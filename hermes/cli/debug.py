"""``hermes debug``: what testers and maintainers ask for."""

import asyncio

import typer

from hermes.cli.groups import examples, group
from hermes.cli.local import opened
from hermes.cli.terminal import Terminal, here, say_table
from kernel.crashpoints import CRASHPOINTS

app = group("For testers and maintainers.")


@app.command(epilog=examples("hermes debug crashpoints"))
def crashpoints() -> None:
    """List the points at which a test can kill the daemon (HERMES_TEST=1 HERMES_CRASHPOINT=name[:count])."""
    say_table(("name", "what is true there"), list(CRASHPOINTS.items()), "There are none.")


@app.command(epilog=examples("hermes debug migrate"))
def migrate(context: typer.Context) -> None:
    """Bring the database to this version, as every start does; nobody may be using it."""
    asyncio.run(_migrate(here(context)))
    print("The database is up to date.")


async def _migrate(terminal: Terminal) -> None:
    async with opened(terminal.home):
        pass
