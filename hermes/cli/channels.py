"""``hermes channels``: which chats and channels are known, what they are called, what was said there."""

from typing import Annotated, Any

import typer

from hermes.cli.groups import examples, group
from hermes.cli.remote import required
from hermes.cli.terminal import here, say_json, say_table, when

app = group("Chats and channels that Hermes knows, and names for them.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="channels")


@app.command("list", epilog=examples("hermes channels list", "hermes channels list --platform slack"))
def list_(
    context: typer.Context,
    platform: Annotated[str, typer.Option(help="Only those of one platform.")] = "",
    as_json: AsJson = False,
) -> None:
    """List known chats and channels; 🏠 marks where a platform's notices go."""
    found: list[dict[str, Any]] = required(here(context).home).get("/channels", platform=platform)["channels"]
    if as_json:
        say_json(found)
        return
    rows = [
        (
            f"{one['address']}{' 🏠' if one['home'] else ''}",
            one["nickname"],
            one["title"],
            when(one["seen_at"]) if one["seen_at"] else "",
        )
        for one in found
    ]
    say_table(("address", "name", "called there", "last seen"), rows, "No chat is known yet.")


@app.command(epilog=examples("hermes channels name slack:C0123456 team", 'hermes send "done" --to team'))
def name(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="platform:chat[:thread], or its present name.")],
    called: Annotated[str, typer.Argument(metavar="NAME", help="Up to 32 of a-z 0-9 . _ -.")],
) -> None:
    """Call a channel by a name, which works wherever an address does."""
    print(required(here(context).home).post("/channels/names", address=address, name=called)["message"])


@app.command(epilog=examples("hermes channels forget team"))
def forget(
    context: typer.Context, called: Annotated[str, typer.Argument(metavar="NAME", help="The name.")]
) -> None:
    """Forget a channel's name."""
    print(required(here(context).home).post(f"/channels/names/{called}/forget")["message"])


@app.command(
    epilog=examples(
        "hermes channels read team --since 2h", "hermes channels read slack:C0123456 --words deploy"
    )
)
def read(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="platform:chat[:thread], or a name.")],
    since: Annotated[str, typer.Option(help="A span such as 2h or 3d, or an ISO 8601 time.")] = "",
    limit: Annotated[int, typer.Option(help="At most this many, the latest.", min=1, max=200)] = 50,
    words: Annotated[str, typer.Option(help="Only messages that have all these words.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show what was said in a channel: from the platform where it keeps it, else what Hermes saw."""
    asked = {"address": address, "since": since, "limit": limit, "query": words}
    found: list[dict[str, Any]] = required(here(context).home).get("/channels/read", **asked)["messages"]
    if as_json:
        say_json(found)
        return
    for one in found:
        print(f"{when(one['at'])} {one['author'] or 'Hermes'}: {one['text']}")
