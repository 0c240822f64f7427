"""``hermes messages`` and ``hermes send``."""

import sys
from typing import Annotated, Any

import typer

from hermes.cli.groups import examples, group
from hermes.cli.remote import required
from hermes.cli.terminal import here, say_json, say_table, when

app = group("Messages of conversations, and those that could not be delivered.")


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="messages")
    root.command(
        epilog=examples(
            'hermes send "the build is green"', "make 2>&1 | tail -5 | hermes send - --to telegram"
        )
    )(send)


def send(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="The message, in Markdown; - reads it from standard input.")],
    to: Annotated[
        str,
        typer.Option(
            help="platform:chat[:thread], a channel's nickname, or a platform's name for its home channel."
        ),
    ] = "",
) -> None:
    """Send a message to the home channel, or to an address."""
    words = sys.stdin.read() if text == "-" else text
    required(here(context).home).post("/send", text=words, to=to)
    print("The message is on its way.")


@app.command(
    "list", epilog=examples("hermes messages list s_8k2m4p6q8r", "hermes messages list s_8k2m4p6q8r --json")
)
def list_(
    context: typer.Context,
    session: Annotated[str, typer.Argument(help="The conversation's id; `hermes sessions list` shows it.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the latest messages of a conversation."""
    found: list[dict[str, Any]] = required(here(context).home).get(f"/sessions/{session}/messages")[
        "messages"
    ]
    if as_json:
        say_json(found)
        return
    for one in found:
        print(f"{when(one['at'])} {'>' if one['direction'] == 'in' else '<'} {one['text']}")


@app.command(epilog=examples("hermes messages dead"))
def dead(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """List the messages that a platform would not take."""
    found: list[dict[str, Any]] = required(here(context).home).get("/messages/dead")["messages"]
    if as_json:
        say_json(found)
        return
    rows = [(one["id"], one["to"], when(one["created_at"]), one["error"], one["text"][:40]) for one in found]
    say_table(("number", "to", "since", "why", "text"), rows, "Every message could be delivered.")


@app.command(epilog=examples("hermes messages revive 42"))
def revive(
    context: typer.Context, number: Annotated[int, typer.Argument(help="The message's number.")]
) -> None:
    """Send a dead letter again."""
    print(required(here(context).home).post(f"/messages/dead/{number}/revive")["message"])
