"""``hermes sessions`` and ``hermes handoff``."""

import asyncio
from typing import Annotated, Any

import typer

from hermes.cli import chat as talking
from hermes.cli.groups import examples, group
from hermes.cli.handing import hand_over, told
from hermes.cli.remote import required
from hermes.cli.terminal import here, interactive, say_json, say_table, when
from kernel.errors import InvalidInput

LAST = "last"
FAILED = 1

app = group("Conversations that Hermes remembers, wherever they are.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Reference = Annotated[
    str, typer.Argument(help="The conversation's id, its place as platform:chat[:thread], or last.")
]
Note = Annotated[str, typer.Option(help="A sentence for whoever continues.")]
WhenIdle = Annotated[bool, typer.Option("--when-idle", help="Wait for the agent where it is at work.")]


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="sessions")
    root.command(
        epilog=examples("hermes handoff --last telegram", 'hermes handoff me --note "back at nine"')
    )(handoff)


@app.command("list", epilog=examples("hermes sessions list"))
def list_(
    context: typer.Context,
    words: Annotated[str, typer.Option(help="Only those that mention these words.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the conversations, the latest first, with the one place where each goes on."""
    _listed(context, words, as_json=as_json)


@app.command(epilog=examples('hermes sessions search "holiday plans"'))
def search(
    context: typer.Context,
    words: Annotated[str, typer.Argument(help="What was said in it, or its title.")],
    as_json: AsJson = False,
) -> None:
    """Find conversations by their title or by what people said in them."""
    _listed(context, words, as_json=as_json)


def _listed(context: typer.Context, words: str, *, as_json: bool) -> None:
    asked = {"words": words} if words else {}
    found: list[dict[str, Any]] = required(here(context).home).get("/sessions", **asked)["sessions"]
    if as_json:
        say_json(found)
        return
    rows = [(one["id"], one["title"] or "untitled", _where(one), when(one["active_at"])) for one in found]
    nothing = "No conversation mentions that." if words else "There are no conversations yet."
    say_table(("id", "title", "where", "last active"), rows, nothing)


def _where(one: dict[str, Any]) -> str:
    moving = " (being handed over)" if one["handoff"] in ("pending", "running") else ""
    return f"{one['address']}{moving}" if not one["closed"] else f"kept, last at {one['address']}"


@app.command(epilog=examples("hermes sessions show last", "hermes sessions show s_k2m"))
def show(context: typer.Context, session: Reference, as_json: AsJson = False) -> None:
    """Show one conversation."""
    found: dict[str, Any] = required(here(context).home).get(f"/sessions/{session}")
    if as_json:
        say_json(found)
        return
    for name in ("id", "title", "owner", "model", "turns"):
        print(f"{name}: {found[name] or '–'}")
    print(f"where: {_where(found)}")
    print(f"begun: {when(found['created_at'])}, last active: {when(found['active_at'])}")


@app.command(epilog=examples("hermes sessions export last > talk.md", "hermes sessions export s_k2m --json"))
def export(context: typer.Context, session: Reference, as_json: AsJson = False) -> None:
    """Print all messages of a conversation, oldest first."""
    found: dict[str, Any] = required(here(context).home).get(f"/sessions/{session}/export")
    if as_json:
        say_json(found)
        return
    print(f"# {found['session']['title'] or found['session']['id']}")
    for line in found["messages"]:
        who = "You" if line["direction"] == "in" else "Hermes"
        print(f"\n## {who}, {when(line['at'])}\n\n{line['text']}")


@app.command(epilog=examples("hermes sessions resume last"))
def resume(
    context: typer.Context,
    session: Reference,
    name: Annotated[str, typer.Option("--chat", metavar="NAME", help="The chat to continue in.")] = "main",
) -> None:
    """Pull a conversation into this terminal and go on there."""
    if not interactive():
        raise InvalidInput("This is no terminal to converse in.")
    asyncio.run(talking.converse(here(context), name, take=session))


@app.command("handoff", epilog=examples("hermes sessions handoff s_k2m telegram"))
def handoff_one(
    context: typer.Context,
    session: Reference,
    to: Annotated[str, typer.Argument(help="A platform, platform:chat[:thread], or me.")],
    note: Note = "",
    when_idle: WhenIdle = False,
) -> None:
    """Hand a conversation over to another place, and wait until it has arrived."""
    _hand_over(context, session, to, note, when_idle=when_idle)


def handoff(
    context: typer.Context,
    to: Annotated[str, typer.Argument(help="A platform, platform:chat[:thread], or me.")],
    session: Annotated[str, typer.Option(help="Which conversation, by its id or place.")] = "",
    last: Annotated[
        bool,
        typer.Option("--last", help="The conversation that was active last; so it is without --session."),
    ] = False,
    note: Note = "",
    when_idle: WhenIdle = False,
) -> None:
    """Hand a conversation over to another place: from any shell, also when its terminal has died."""
    if session and last:
        raise InvalidInput("Either --session or --last.")
    _hand_over(context, session or LAST, to, note, when_idle=when_idle)


def _hand_over(context: typer.Context, session: str, to: str, note: str, *, when_idle: bool) -> None:
    found = hand_over(required(here(context).home), session, to, note, when_idle=when_idle)
    print(told(found))
    if found["state"] != "completed":
        raise typer.Exit(FAILED)
