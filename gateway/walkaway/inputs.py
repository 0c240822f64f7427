"""What can be asked for when a job is delegated, and how it is read from a command line."""

import re
import shlex
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from kernel.errors import InvalidInput

MINUTE_MS = 60_000
UNITS = {"m": MINUTE_MS, "min": MINUTE_MS, "h": 60 * MINUTE_MS}
PING = re.compile(r"(?:every\s+)?(?:(milestone|done)s?|(\d+)\s*(m|min|h))")
LONGEST = 20_000
USAGE = "[--walkaway|--background] [--agent NAME] [--repo FOLDER] [--ping milestone|10m|done] WHAT"


class Delegate(BaseModel):
    """A job that is handed over."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=LONGEST, description="What is to be done.")
    mode: Literal["walkaway", "background", "cron"] = Field(
        default="walkaway",
        description="walkaway: a card and pings in a thread of its own; background: only the end is told; "
        "cron: done at the times of `schedule`, its result told each time.",
    )
    schedule: str = Field(
        default="",
        max_length=300,
        description="With mode cron: when, such as every weekday at 7:30, in 2 hours, or 0 8 * * *.",
    )
    agent: str = Field(
        default="", max_length=100, description="Who does it; empty: the first of board.agents."
    )
    repo: str = Field(
        default="", max_length=4000, description="The folder it is about; a git repository gets a worktree."
    )
    ping: str = Field(
        default="",
        max_length=40,
        description="What rings: milestone, done, or a time such as 10m; empty: the setting.",
    )
    to: str = Field(
        default="", max_length=200, description="Where it is talked about: me, a platform, or platform:chat."
    )


@dataclass(frozen=True, slots=True)
class Pings:
    """What rings beside questions and the end (``store.walkaways.Walk``)."""

    kind: str
    every_ms: int = 0


def pings(text: str) -> Pings:
    """Read what should ring; raise InvalidInput."""
    found = PING.fullmatch(text.strip().lower())
    if found is None:
        raise InvalidInput(
            f"{text!r} says not when to ping.", remedy="Write milestone, done, or a time such as 10m."
        )
    if found[1]:
        return Pings(found[1])
    if not int(found[2]):
        raise InvalidInput("A ping every 0 minutes is none.", remedy="Write done to hear of the end alone.")
    return Pings("interval", int(found[2]) * UNITS[found[3]])


def read(line: str) -> Delegate:
    """Read what stands behind ``/delegate``; options may stand before or behind the text. Raises InvalidInput."""
    given: dict[str, str] = {}
    text = line
    while found := _option(text):
        name, value, text = found
        given |= {"mode": name} if name in ("walkaway", "background") else {name: value}
    if not text.strip():
        raise InvalidInput("Say what is to be done.", remedy=f"/delegate {USAGE}")
    if len(text) > LONGEST:
        raise InvalidInput(
            f"That is longer than {LONGEST} characters.", remedy="Put it into a file and name it."
        )
    return Delegate.model_validate({**given, "text": text.strip()})


_FLAGS = re.compile(r"(?:^|\s)--(walkaway|background)(?=\s|$)")
# A phone's keyboard makes one dash of two; a value may be quoted.
_VALUES = re.compile(
    r"(?:^|\s)(?:--|—)(agent|repo|ping|to)(?:[ =]+)(every\s+(?:milestone|\d+\s*(?:m|min|h))|\"[^\"]*\"|'[^']*'|\S+)"
)


def _option(text: str) -> tuple[str, str, str] | None:
    """Take one option out of the text's first or last lines: its name, its value, and the text without it."""
    folded = text.replace("—walkaway", "--walkaway").replace("—background", "--background")
    if found := _FLAGS.search(folded):
        return found[1], "", folded[: found.start()] + folded[found.end() :]
    if found := _VALUES.search(text):
        value = shlex.split(found[2])[0] if found[2][:1] in "\"'" and found[2] else found[2]
        return found[1], value, text[: found.start()] + text[found.end() :]
    return None
