"""``hermes tokens`` and ``hermes login``."""

import asyncio
from typing import Annotated, Any

import typer

from hermes import plugins
from hermes.cli.groups import RoleName, examples, group
from hermes.cli.local import OPERATOR, opened
from hermes.cli.remote import required, running
from hermes.cli.terminal import Terminal, here, say_json, say_table, when
from kernel.clock import SystemClock
from kernel.people import Scope

app = group("Make, list and revoke tokens for programs that use the API or MCP.")


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="tokens")
    root.command(epilog=examples("hermes login", 'xdg-open "$(hermes login)"'))(login)


def login(context: typer.Context) -> None:
    """Print an address that logs a browser in, once."""
    print(required(here(context).home).post("/logins")["url"])


SCOPES = ", ".join(scope.value for scope in Scope)


@app.command(
    epilog=examples(
        "hermes tokens create editor --scope read --scope chat",
        "hermes tokens create ci --scope send --days 30",
    )
)
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What the token is for.")],
    scope: Annotated[
        list[str] | None, typer.Option(help=f"What it may be used for: {SCOPES}. Default read.")
    ] = None,
    role: Annotated[RoleName, typer.Option(help="What its holder may do.")] = RoleName.USER,
    days: Annotated[
        int | None, typer.Option(help="Days until it expires; without it, it does not.", min=1)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a token; it is shown this once."""
    asked = {"name": name, "scopes": scope or ["read"], "role": role.value, "days": days}
    made = _do(here(context), "create", asked)
    if as_json:
        say_json(made)
    else:
        print(made["secret"])


@app.command("list", epilog=examples("hermes tokens list", "hermes tokens list --json"))
def list_(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """List the live tokens, without their secrets."""
    found = _do(here(context), "list", {})["tokens"]
    if as_json:
        say_json(found)
        return
    rows = [
        (
            one["id"],
            one["name"],
            one["kind"],
            one["role"],
            " ".join(one["scopes"]),
            when(one["expires_at"]),
            when(one["used_at"]),
        )
        for one in found
    ]
    say_table(("id", "name", "kind", "role", "scopes", "expires", "last used"), rows, "There are no tokens.")


@app.command(epilog=examples("hermes tokens revoke tok_7kq2m9xwab"))
def revoke(
    context: typer.Context,
    token: Annotated[str, typer.Argument(help="The token's id, as the list shows it.")],
) -> None:
    """End a token at once."""
    _do(here(context), "revoke", {"id": token})
    print(f"{token} is revoked.")


def _do(terminal: Terminal, verb: str, asked: dict[str, Any]) -> Any:
    """Carry an operation out: by the daemon, or on the store where none runs."""
    remote = running(terminal.home)
    if remote is None:
        return asyncio.run(_locally(terminal, verb, asked))
    if verb == "create":
        return remote.post("/tokens", **asked)
    return remote.get("/tokens") if verb == "list" else remote.delete("/tokens", asked["id"])


async def _locally(terminal: Terminal, verb: str, asked: dict[str, Any]) -> Any:
    make, room = plugins.load(plugins.OPERATIONS_ON_TOKENS), plugins.load(plugins.ROOM_OF_TOKENS)
    async with opened(terminal.home) as database:
        # Without a page there is no address to log in at; only tokens are made here.
        found = make(room(database, SystemClock(), str, 1))
        operation = next(one for one in found if one.name == f"tokens.{verb}")
        result = await operation.run(OPERATOR, operation.input.model_validate(asked))
    return result.model_dump(mode="json")
