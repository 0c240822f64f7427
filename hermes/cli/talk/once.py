"""``hermes chat -q``: one question, its answer on standard output."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hermes.cli.talk.client import ChatClient
from hermes.cli.talk.rendering import clean, unframed
from kernel.errors import HermesError

FINAL = {"done", "dead", "cancelled", "ignored"}
# Connections in a row that could not be made, half a second apart, before the question is given up.
MOST_LOST = 120
ANSWERED, FAILED, ASKED = 0, 1, 4
# What the buttons of questions, of requests for an approval and of confirmations begin with.
ASKING = frozenset({"q", "a", "b", "f", "y"})


async def ask(client: ChatClient, text: str, files: Sequence[Path]) -> int:
    """Ask and print the answer; return 0, 1 where it is an error, or 4 where the answer is a question to you."""
    attachments = [await client.upload(path) for path in files]
    since = (await client.history(1))["seq"]
    key = await client.say(text, attachments)
    mine: dict[str, Any] = {}
    lost = 0
    async for frame in client.frames(since):
        lost = lost + 1 if frame.event == "lost" else 0
        if lost > MOST_LOST:
            raise HermesError(
                "The gateway went away.", remedy="What you asked is kept; look for the answer later."
            )
        if frame.event in {"message", "ready", "reset"}:
            mine = await _mine(client, key)
            if mine.get("state") in FINAL:
                break
    return _show(mine, (await client.history(200))["messages"])


async def _mine(client: ChatClient, key: str) -> dict[str, Any]:
    messages = (await client.history(200))["messages"]
    return next((one for one in messages if one["direction"] == "in" and one["message_id"] == key), {})


def _show(mine: dict[str, Any], messages: Sequence[dict[str, Any]]) -> int:
    behind = messages[[one["id"] for one in messages].index(mine["id"]) + 1 :]
    answers = [one for one in behind if one["direction"] == "out" and one["state"] != "cancelled"]
    failed = mine["state"] != "done" or bool(mine["error"])
    for one in answers:
        print(clean(_plain(one)), file=sys.stderr if failed else sys.stdout)
    if failed and not answers:
        print(mine["error"] or mine["sentence"], file=sys.stderr)
    if any(_asks(one) for one in answers):
        print("Answer it on any surface, or with: hermes chat", file=sys.stderr)
        return ASKED
    return FAILED if failed else ANSWERED


def _asks(message: dict[str, Any]) -> bool:
    """Tell whether an answer waits for one; buttons of other kinds only offer something."""
    values = [button["value"] for row in message["buttons"] for button in row]
    return any(value.partition(":")[0] in ASKING for value in values)


def _plain(message: dict[str, Any]) -> str:
    files = [f"[{one['name']}]" for one in message["attachments"]]
    choices = [f"  - {button['label']}" for row in message["buttons"] for button in row]
    return "\n".join(part for part in (unframed(message["text"]), *files, *choices) if part)
