"""``hermes backup``, ``hermes restore`` and ``hermes update``."""

from pathlib import Path
from typing import Annotated

import typer

from hermes import update as updating
from hermes.audit import database_of
from hermes.cli.groups import examples
from hermes.cli.remote import running
from hermes.cli.terminal import Terminal, here, interactive
from hermes.home import Home
from hermes.service import UNIT, Kind, Manager
from hermes.settings import load_or_last_good
from kernel.clock import SystemClock, at
from kernel.errors import InvalidInput
from store.backup import Proof
from store.backup import backup as copy_database
from store.backup import restore as put_back
from store.lock import HomeLock

PATTERN = "hermes-*.db"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=examples("hermes backup", "hermes backup --to /mnt/usb/hermes.db"))(backup)
    app.command(epilog=examples("hermes restore ~/.hermes-gateway/backups/hermes-20261121-0815.db"))(restore)
    app.command(epilog=examples("hermes update", "hermes update --no-fetch    (the program is new already)"))(
        update
    )


def backup(
    context: typer.Context,
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The copy; by default a file in HOME/backups.")
    ] = None,
) -> None:
    """Copy the database, also while the gateway runs, and prove the copy by opening it.

    Settings, secrets and media are files of the home directory: copy those as files.
    """
    terminal = here(context)
    proof = _copy(terminal.home, to)
    if to is None:
        _thin_out(terminal)
    print(f"{proof.path} is sound: {proof.size:,} bytes, events up to {proof.anchor.seq}.")


def _copy(home: Home, to: Path | None = None, *, newer: bool = False) -> Proof:
    stamp = at(SystemClock().now()).strftime("%Y%m%d-%H%M%S")
    target = to.expanduser().absolute() if to else home.backups / f"hermes-{stamp}.db"
    return copy_database(database_of(home), target, newer=newer)


def _thin_out(terminal: Terminal) -> None:
    """Keep as many copies as the settings say; only those with the names that are given here."""
    keep = load_or_last_good(terminal.home, environ=terminal.environ).settings.store.backups
    for path in sorted(terminal.home.backups.glob(PATTERN))[:-keep]:
        path.unlink()


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A copy that `hermes backup` made.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Put a copy in the place of the database; the present one is kept beside it."""
    home = here(context).home
    if not yes and not (interactive() and typer.confirm(f"Put {file} in the place of {home.database}?")):
        raise InvalidInput("Nothing was changed.", remedy="Say yes, or add --yes.")
    home.prepare()
    with HomeLock.acquire(home.root, "embedded"):
        aside = put_back(file.expanduser(), home.database, clock=SystemClock())
    print(f"{file} is the database now." + (f" The one before is {aside}." if aside else ""))


def update(
    context: typer.Context,
    fetch: Annotated[bool, typer.Option(help="Fetch and install the newest version first.")] = True,
) -> None:
    """Bring Hermes up to date: copy the database, install, migrate, start the service again."""
    terminal = here(context)
    copy = _copy(terminal.home, newer=True).path if terminal.home.database.exists() else None
    if copy:
        # What the programs below print comes after it, also into a pipe.
        print(f"The database is copied to {copy}.", flush=True)
    if fetch:
        updating.fetch()
    manager = Manager.of(Kind.USER, terminal.environ)
    if manager.installed() and manager.ask("is-active", UNIT) == "active":
        manager.control("stop", UNIT)
        updating.migrate(terminal.home, copy)
        manager.control("start", UNIT)
        print("The service runs the new version.")
    elif running(terminal.home):
        print("Restart the gateway that runs now: it migrates the database when it starts.")
    else:
        updating.migrate(terminal.home, copy)
        print("Hermes is up to date.")
