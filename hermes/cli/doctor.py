"""``hermes doctor``: what is wrong, and the way out."""

from dataclasses import asdict
from typing import Annotated

import typer

from hermes import plugins
from hermes.cli.groups import examples
from hermes.cli.terminal import here, say_json

SIGNS = {"ok": "✓", "warn": "!", "fail": "✗", "skip": "–"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples("hermes doctor", "hermes doctor --json | jq '.checks[] | select(.level==\"fail\")'")
    )(doctor)


def doctor(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Look for what is wrong and name the way out; the exit code is 1 when something must be done."""
    terminal = here(context)
    patient = plugins.load(plugins.PATIENT)(terminal.home, terminal.environ)
    results = plugins.load(plugins.EXAMINE)(patient)
    bad = any(result.level == "fail" for result in results)
    if as_json:
        say_json({"ok": not bad, "checks": [asdict(result) for result in results]})
    else:
        for result in results:
            print(f"{SIGNS[result.level]} {result.name}: {result.sentence}")
            if result.remedy:
                print(f"    → {result.remedy}")
    if bad:
        raise typer.Exit(1)
