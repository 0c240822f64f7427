"""``hermes audit``: the trail of what happened, and what must hold."""

from dataclasses import asdict
from typing import Annotated

import typer

from hermes import audit
from hermes.cli.groups import examples, group
from hermes.cli.terminal import Terminal, here, say_json
from hermes.settings import secret_values
from kernel.clock import SystemClock
from kernel.errors import ConfigError

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
