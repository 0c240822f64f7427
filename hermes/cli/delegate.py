"""``hermes delegate``: hand a job over and walk away."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from hermes.cli.groups import examples
from hermes.cli.remote import required
from hermes.cli.terminal import here, say_json
from kernel.errors import InvalidInput


def register(root: typer.Typer) -> None:
    """Add the command."""
    root.command(
        epilog=examples(
            'hermes delegate "refactor the importer" --repo . --ping 10m',
            'git log -5 | hermes delegate "write release notes from these commits"',
        )
    )(delegate)


def delegate(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="What is to be done; what is piped in follows it.")] = "",
    *,
    background: Annotated[
        bool, typer.Option("--background", help="No card and no pings: only the end is told.")
    ] = False,
    walkaway: Annotated[
        bool, typer.Option("--walkaway", help="A card and pings in a thread of its own (so it is).")
    ] = False,
    agent: Annotated[str, typer.Option(help="Who does it; one of board.agents or board.programs.")] = "",
    repo: Annotated[
        Path | None, typer.Option(help="The folder it is about; a git repository gets a worktree.")
    ] = None,
    ping: Annotated[str, typer.Option(help="What rings: milestone, done, or a time such as 10m.")] = "",
    to: Annotated[str, typer.Option(help="Where it is talked about: me, a platform, or platform:chat.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Hand a job over; it pings your phone, listens there, and ends with a summary."""
    if background and walkaway:
        raise InvalidInput("A job is either --background or --walkaway.")
    piped = "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()
    whole = "\n\n".join(part.strip() for part in (text, piped) if part.strip())
    if not whole:
        raise InvalidInput("Say what is to be done.", remedy='hermes delegate "WHAT"')
    found = required(here(context).home).post(
        "/delegate",
        text=whole,
        mode="background" if background else "walkaway",
        agent=agent,
        repo=str(repo.expanduser().absolute()) if repo else "",
        ping=ping,
        to=to,
    )
    if as_json:
        say_json(found)
        return
    print(f"Task {found['task']} is under way; it talks at {found['place']}.")
    print(f"hermes tasks show {found['task']} shows it, hermes tasks say {found['task']} … speaks to it.")
