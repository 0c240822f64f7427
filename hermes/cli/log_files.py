"""``hermes logs``: the daemon's log, for people."""

import json
import sys
from collections import deque
from collections.abc import Generator, Iterator
from pathlib import Path
from time import sleep
from typing import Annotated, Any, TextIO

import typer

from hermes.cli.groups import examples
from hermes.cli.terminal import here
from hermes.logs import FILE_NAME

LEVELS = ("debug", "info", "warning", "error", "critical")
STANDARD = {"at", "level", "logger", "message", "traceback"}
POLL_SECONDS = 0.3


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples("hermes logs -f", "hermes logs -n 200 --level warning", "hermes logs --json | jq .")
    )(logs)


def logs(
    context: typer.Context,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")
    ] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many of the last lines.", min=0)] = 50,
    level: Annotated[str, typer.Option(help="The least level: debug, info, warning or error.")] = "debug",
    raw: Annotated[bool, typer.Option("--json", help="Print the lines as they are in the file.")] = False,
) -> None:
    """Show the daemon's log."""
    path = here(context).home.logs / FILE_NAME
    least = LEVELS.index(level) if level in LEVELS else 0
    wanted = (line for line in _written(path) if _level(line) >= least)
    for line in deque(wanted, maxlen=lines):
        print(line if raw else readable(line))
    if follow:
        for line in following(path):
            if _level(line) >= least:
                print(line if raw else readable(line), flush=True)
    elif not path.exists():
        print(f"There is no log yet in {path.parent}.", file=sys.stderr)


def _written(path: Path) -> Iterator[str]:
    """Yield the lines of the rotated files, the oldest first."""
    older = sorted(
        path.parent.glob(f"{path.name}.*"), key=lambda found: int(found.suffix[1:] or 0), reverse=True
    )
    for file in [*older, path]:
        if file.exists():
            with file.open(encoding="utf-8", errors="replace") as stream:
                yield from (line.rstrip("\n") for line in stream)


def following(path: Path) -> Generator[str]:
    """Yield what is written from now on, also after the file was rotated."""
    stream: TextIO | None = None
    inode = 0
    begun = False
    try:
        while True:
            found = path.stat() if path.exists() else None
            if found is not None and found.st_ino != inode:
                if stream is not None:
                    yield from _rest(stream)
                    stream.close()
                stream, inode = path.open(encoding="utf-8", errors="replace"), found.st_ino
                # What was there before is not news; a file that replaced another is.
                stream.seek(0, 0 if begun else 2)
            begun = True
            if stream is not None:
                yield from _rest(stream)
            sleep(POLL_SECONDS)
    finally:
        if stream is not None:
            stream.close()


def _rest(stream: TextIO) -> Iterator[str]:
    yield from (line.rstrip("\n") for line in stream)


def _content(line: str) -> dict[str, Any]:
    try:
        content = json.loads(line)
    except ValueError:
        content = None
    return content if isinstance(content, dict) else {"message": line, "level": "info"}


def _level(line: str) -> int:
    level = str(_content(line).get("level"))
    return LEVELS.index(level) if level in LEVELS else 1


def readable(line: str) -> str:
    """Return a line of the file as a person reads it; one that is no JSON stays as it is."""
    content = _content(line)
    more = "".join(f" {name}={value}" for name, value in content.items() if name not in STANDARD)
    trace = f"\n{content['traceback']}" if "traceback" in content else ""
    level = content.get("level", "info")
    mark = "" if level == "info" else f"{level}: "
    time = str(content.get("at", ""))[:19].replace("T", " ")
    return f"{time} {mark}{content.get('message', '')}{more}{trace}".strip()
