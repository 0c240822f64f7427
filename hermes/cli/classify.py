"""``hermes classify``: how risky a text is, found without running it and without a gateway."""

import json
import sys
from getpass import getuser
from pathlib import Path
from typing import Annotated, Any

import typer

from hermes import plugins
from hermes.cli.groups import examples
from hermes.cli.terminal import Terminal, here
from hermes.settings import Settings

POLICY = "approvals.policy:Policy"
SURROUNDINGS = "approvals.policy:Surroundings"
ACTION = "kernel.approvals:Action"
KIND = "kernel.approvals:ActionKind"
# Folders that are nobody's project: taken as the workspace they would make everything the agent's own.
NO_WORKSPACES = ("/", "/tmp", "/var/tmp")  # noqa: S108 - compared, not written to


def register(root: typer.Typer) -> None:
    """Add the command."""
    root.command(
        epilog=examples(
            'echo "git push --force" | hermes classify', "hermes classify --json < deploy.sh | jq -r .tier"
        )
    )(classify)


def classify(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    cwd: Annotated[
        Path | None,
        typer.Option(help="The folder it would run in, which counts as the workspace; default: this one."),
    ] = None,
) -> None:
    """Read a command or script on standard input and tell its risk, by the rules and your own table; nothing is run."""
    terminal = here(context)
    # What is no UTF-8 is judged too: as characters that nobody can read, which is high.
    text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    found = _judged(terminal, terminal.settings, text, cwd)
    if as_json:
        print(json.dumps(found.as_json(), indent=2))
        return
    print(found.tier)
    for reason in found.reasons:
        print(f"  {reason.tier}: {reason.why}" + (f"  [{reason.text}]" if reason.text else ""))


def _judged(terminal: Terminal, settings: Settings, text: str, cwd: Path | None) -> Any:
    here_now = str((cwd or Path.cwd()).absolute())
    nobodys = (*NO_WORKSPACES, str(Path.home()))
    folder = f"{Path.home()}/project" if cwd is None and here_now in nobodys else here_now
    return policy_of(terminal, settings).read(command_of(text, folder))


def policy_of(terminal: Terminal, settings: Settings) -> Any:
    """Return the policy that a gateway of this home would judge by."""
    surroundings = plugins.load(SURROUNDINGS)(
        str(Path.home()),
        str(terminal.home.root),
        getuser(),
        port=settings.web.port or 8420,
        projects=tuple(str(Path(one).expanduser()) for one in settings.workspace.projects),
    )
    return plugins.load(POLICY)(settings.approvals, surroundings)


def command_of(text: str, folder: str) -> Any:
    """Return a command as an action; its folder counts as the workspace."""
    kind = plugins.load(KIND).TERMINAL
    return plugins.load(ACTION)(kind, "guard", "{}", text, cwd=folder, workspaces=(folder,))
