"""``hermes audit``: the trail of what happened, and what must hold."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hermes import audit
from hermes.cli.groups import examples, group
from hermes.cli.terminal import Terminal, here, say_json
from hermes.settings import secret_values
from kernel.clock import SystemClock
from kernel.errors import ConfigError, InvalidInput
from store.chain import Anchor
from store.events import anchors

app = group("Check that nothing was lost, doubled or changed behind Hermes's back.")


@app.command(epilog=examples("hermes audit check", "hermes audit check --grace 0 --json"))
def check(
    context: typer.Context,
    grace: Annotated[
        float, typer.Option(help="Seconds up to which something open is still on its way.", min=0)
    ] = (audit.GRACE_SECONDS),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check the invariants on a copy of the database; the exit code is 1 when one is broken."""
    terminal = here(context)
    findings = audit.check(terminal.home, _secrets(terminal), SystemClock(), grace=grace)
    if as_json:
        say_json({"ok": not findings, "findings": [asdict(finding) for finding in findings]})
    else:
        print("\n".join(map(str, findings)) or "All invariants hold.")
    if findings:
        raise typer.Exit(1)


def _secrets(terminal: Terminal) -> set[str]:
    """Return the secrets to look for; broken settings must not keep anybody from checking the store."""
    try:
        return secret_values(terminal.settings)
    except ConfigError:
        return set()


@app.command(epilog=examples("hermes audit verify", "hermes audit verify --against trail.jsonl"))
def verify(
    context: typer.Context,
    against: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="An earlier export: shows removal and rewriting too."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check that no event was changed or removed; the exit code is 1 when one was."""
    verdict = audit.verify(
        here(context).home, [anchor for path in against or () for anchor in _anchors(path)]
    )
    if as_json:
        say_json(asdict(verdict))
    else:
        print(f"The trail is whole up to event {verdict.last}." if verdict.ok else verdict.problem)
    if not verdict.ok:
        raise typer.Exit(1)


def _anchors(path: Path) -> list[Anchor]:
    try:
        return list(anchors(path.read_text("utf-8").splitlines()))
    except (OSError, ValueError, KeyError, TypeError):
        raise InvalidInput(
            f"{path} is no export of the trail.", remedy="Write one with: hermes audit export"
        ) from None


@app.command(
    epilog=examples(
        "hermes audit export --to trail.jsonl", "hermes audit export --after 120000 | gzip > new.gz"
    )
)
def export(
    context: typer.Context,
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The file; without it, standard output.")
    ] = None,
    after: Annotated[int, typer.Option(help="Only events behind this number.", min=0)] = 0,
) -> None:
    """Write the trail as JSON lines; kept elsewhere, its last line proves later that nothing was taken away."""
    home = here(context).home
    if to is None:
        audit.export(home, sys.stdout.write, after=after)
        return
    with to.open("w", encoding="utf-8") as file:
        anchor = audit.export(home, file.write, after=after)
    print(f"Wrote the events up to {anchor.seq} to {to}.")
