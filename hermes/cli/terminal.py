"""What every command shares: the home it is about, and how it speaks to whoever typed it."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import typer

from hermes.home import Home
from hermes.settings import Settings, load, winner
from kernel.clock import at


@dataclass(frozen=True, slots=True)
class Terminal:
    """The home and the environment that a command line was typed for."""

    home: Home
    environ: Mapping[str, str]

    @property
    def settings(self) -> Settings:
        """The settings as a start would read them; raises ConfigError."""
        return load(self.home, environ=self.environ)

    def overruled(self, setting: str, written: str) -> str:
        """Return a sentence where something wins over a setting in the file ``written``, or an empty text."""
        place = winner(self.home, setting, written, environ=self.environ)
        return f"It has no effect while it is also set by {place}, which wins." if place else ""


def here(context: typer.Context) -> Terminal:
    """Return what the program's first callback kept."""
    found = context.find_root().obj
    assert isinstance(found, Terminal)  # noqa: S101 - the callback runs before every command
    return found


def interactive() -> bool:
    """Tell whether a person sits at both ends."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def say_json(value: Any) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def say_table(head: Sequence[str], rows: Sequence[Sequence[object]], nothing: str) -> None:
    """Print rows in columns as wide as they need, or the sentence ``nothing``."""
    if not rows:
        print(nothing)
        return
    table = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def when(milliseconds: int | None) -> str:
    """Return a time on this machine's clock, or a dash for none."""
    if milliseconds is None:
        return "–"
    return at(milliseconds).astimezone().strftime("%Y-%m-%d %H:%M")


def span(seconds: float) -> str:
    """Return a length of time in its two largest units, such as ``"3 h 5 min"``."""
    parts = [(int(seconds // 86400), "d"), (int(seconds // 3600 % 24), "h"), (int(seconds // 60 % 60), "min")]
    found = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(found[:2]) or f"{int(seconds)} s"
