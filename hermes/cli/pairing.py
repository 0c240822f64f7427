"""``hermes pairing``: who asks to be admitted, and who is."""

import asyncio
from typing import Annotated, Any

import typer

from gateway.access import Access
from hermes.cli.groups import RoleName, examples, group
from hermes.cli.local import OPERATOR, opened
from hermes.cli.remote import running
from hermes.cli.terminal import Terminal, here, say_json, say_table
from kernel.clock import SystemClock
from kernel.people import Role
from store import people

app = group("Admit people who wrote to the bot, and see who is admitted.")

Rows = list[dict[str, Any]]


@app.command("list", epilog=examples("hermes pairing list"))
def list_(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """List who waits to be admitted and who is; owners named in the settings are not among them."""
    terminal = here(context)
    remote = running(terminal.home)
    found: Rows = remote.get("/people")["people"] if remote else asyncio.run(_list(terminal))
    if as_json:
        say_json(found)
        return
    rows = [(one["id"], one["name"], one["role"] or "–", one["state"]) for one in found]
    say_table(("person", "name", "role", "state"), rows, "Nobody waits, and nobody was admitted by pairing.")


@app.command(
    epilog=examples("hermes pairing approve 7KQ2M9XW", "hermes pairing approve 7KQ2M9XW --role operator")
)
def approve(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="The code that the bot gave to them.")],
    role: Annotated[
        RoleName, typer.Option(help="What they may do; an operator may approve.")
    ] = RoleName.USER,
) -> None:
    """Admit the person who was given a code."""
    terminal = here(context)
    remote = running(terminal.home)
    if remote:
        print(remote.post("/people/pair", code=code, role=role.value)["message"])
    else:
        print(asyncio.run(_approve(terminal, code, role)))


@app.command(epilog=examples("hermes pairing revoke telegram:123456789"))
def revoke(
    context: typer.Context, person: Annotated[str, typer.Argument(help="Who, as platform:id.")]
) -> None:
    """Withdraw an admission."""
    terminal = here(context)
    remote = running(terminal.home)
    if remote:
        remote.post("/people/revoke", id=person)
    else:
        asyncio.run(_revoke(terminal, person))
    print(f"{person} is no longer admitted.")


async def _list(terminal: Terminal) -> Rows:
    async with opened(terminal.home) as database:
        admitted = await database.read(people.everyone)
        waiting = await database.read(people.pairings, SystemClock().now())
    known = [(f"{one.platform}:{one.id}", one.name, one.role.word, "admitted") for one in admitted]
    asking = [(f"{one.platform}:{one.id}", one.name, "", "waiting") for one in waiting]
    return [dict(zip(("id", "name", "role", "state"), row, strict=True)) for row in (*known, *asking)]


async def _approve(terminal: Terminal, code: str, role: RoleName) -> str:
    async with opened(terminal.home) as database:
        access = Access(terminal.settings.access, database, SystemClock(), frozenset())
        person = await access.approve(code, Role[role.name], actor=OPERATOR.id)
    return f"{person.name or person.id} ({person.platform}) is admitted as {role.value}."


async def _revoke(terminal: Terminal, person: str) -> None:
    async with opened(terminal.home) as database:
        access = Access(terminal.settings.access, database, SystemClock(), frozenset())
        await access.revoke(person, actor=OPERATOR.id)
