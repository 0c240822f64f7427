"""``hermes ask`` and ``hermes guard``: a script that waits for a person's word."""

import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import sleep
from typing import Annotated, Any

import typer

from hermes.cli.classify import command_of, policy_of
from hermes.cli.groups import examples
from hermes.cli.remote import GatewayAway, Remote, required, running
from hermes.cli.terminal import Terminal, here, say_json
from hermes.home import Home
from kernel.clock import SystemClock
from kernel.errors import AccessDenied, HermesError, InvalidInput, Stale

REFUSED = 3
EXPIRED = 4
NOT_FOUND = 127
# Seconds of one look at the request; below the patience of a connection.
LOOK = 20
AWAY_SECONDS = 2.0
# How long after a request's end a gateway that is away is still waited for.
GRACE_MS = 60_000
OPEN = ("pending", "held")
APPROVED = ("approved", "running", "done", "unknown")

Risk = Annotated[
    str, typer.Option(help="At least this risky: low, medium or high. A question is never below medium.")
]
Timeout = Annotated[
    str, typer.Option(help="After this long without an answer it counts as refused: 90s, 10m, 2h, 7d.")
]


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.command(
        epilog=examples(
            'hermes ask "Deploy to production?" --risk high --timeout 10m && ./deploy.sh',
            "git log -3 --oneline | hermes ask - --timeout 1h",
        )
    )(ask)
    root.command(
        context_settings={"allow_interspersed_args": False},
        epilog=examples(
            "hermes guard -- git push --force origin main", "hermes guard --timeout 1h -- terraform apply"
        ),
    )(guard)


def ask(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="The question; - reads it from standard input.")],
    risk: Risk = "medium",
    timeout: Timeout = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the request as JSON when it is decided.")
    ] = False,
) -> None:
    """Ask a person and wait: 0 means approved, 3 refused, 4 expired, anything else that nobody was asked."""
    terminal = here(context)
    words = sys.stdin.read().strip() if text == "-" else text
    asked = _ask(terminal, text=words, risk=risk, timeout=timeout or None)
    found = _decided(terminal.home, asked["approval"])
    if as_json:
        say_json(found)
    else:
        print(found["sentence"])
    raise typer.Exit(_exit_code(found))


def guard(
    context: typer.Context,
    command: Annotated[list[str], typer.Argument(help="The program and its arguments, behind --.")],
    risk: Risk = "none",
    timeout: Timeout = "",
) -> None:
    """Run a command if it is harmless, or after a person has approved exactly it.

    What is harmless runs without a gateway too.

    Ends as the command does, with 3 where it was refused and with 4 where nobody answered in time.
    """
    terminal = here(context)
    argv = _resolved(terminal, command)
    if risk == "none" and running(terminal.home) is None and _harmless(terminal, argv):
        os.execv(argv[0], argv)  # noqa: S606 - exactly what was judged, without a shell
    asked = _ask(
        terminal,
        text=shlex.join(argv),
        kind="terminal",
        risk=risk,
        timeout=timeout or None,
        cwd=str(Path.cwd()),
        host=socket.gethostname(),
    )
    if not asked["needed"]:
        os.execv(argv[0], argv)  # noqa: S606 - exactly what was judged, without a shell
    found = _decided(terminal.home, asked["approval"])
    if found["state"] != "approved":
        print(f"hermes: {found['sentence']}", file=sys.stderr)
        raise typer.Exit(_exit_code(found) or REFUSED)
    raise typer.Exit(_carry_out(terminal.home, found["id"], argv))


def _harmless(terminal: Terminal, argv: Sequence[str]) -> bool:
    """Tell whether nobody would have to be asked, by the rules and settings that the gateway judges by."""
    found = policy_of(terminal, terminal.settings).assess(command_of(shlex.join(argv), str(Path.cwd())))
    return str(found.tier) == "none"


def _ask(terminal: Terminal, **request: Any) -> Any:
    try:
        asked = required(terminal.home).post("/approvals", **request)
    except AccessDenied as refused:
        print(f"hermes: {refused}", file=sys.stderr)
        raise typer.Exit(REFUSED) from None
    if asked["needed"]:
        approval = asked["approval"]
        told = f"Asked about {approval['tier']} risk (request {approval['short']}); waiting for the decision."
        print(told, file=sys.stderr, flush=True)
    return asked


def _decided(home: Home, approval: Any) -> Any:
    """Wait until a request is decided, through restarts of the gateway."""
    clock, found = SystemClock(), approval
    while found["state"] in OPEN:
        try:
            found = _remote(home).get(f"/approvals/{found['id']}/wait", seconds=LOOK)
        except GatewayAway:
            if clock.now() > found["expires_at"] + GRACE_MS:
                raise
            sleep(AWAY_SECONDS)
    return found


def _remote(home: Home) -> Remote:
    """Return the gateway as it is reached now; one that is starting or gone is only away."""
    try:
        found = running(home)
    except HermesError as error:
        raise GatewayAway(error.message, remedy=error.remedy) from None
    if found is None:
        raise GatewayAway(f"No gateway runs in {home.root}.", remedy="Start it: hermes gateway")
    return found


def _exit_code(found: Any) -> int:
    if found["state"] in APPROVED:
        return 0
    return EXPIRED if found["state"] == "expired" else REFUSED


def _resolved(terminal: Terminal, command: Sequence[str]) -> list[str]:
    """Return a command with the program's whole path: what a person approves must not depend on a search path."""
    name = command[0]
    if not name:
        raise InvalidInput("There is no program to run.")
    path = shutil.which(name, path=terminal.environ.get("PATH"))
    if path is None:
        print(f"hermes: {name}: there is no such program.", file=sys.stderr)
        raise typer.Exit(NOT_FOUND)
    return [str(Path(path).absolute()), *command[1:]]


def _carry_out(home: Home, id: str, argv: Sequence[str]) -> int:
    """Use the approval up, run the command, and tell the gateway how it ended."""
    try:
        _remote(home).post(f"/approvals/{id}/consume")
    except (Stale, AccessDenied) as refused:
        print(f"hermes: {refused}", file=sys.stderr)
        return REFUSED
    code = _run(argv)
    try:
        _remote(home).post(f"/approvals/{id}/report", exit_code=code)
    except HermesError as error:
        print(
            f"hermes: the command ended with {code}, but that could not be reported: {error}", file=sys.stderr
        )
    return code


def _run(argv: Sequence[str]) -> int:
    try:
        process = subprocess.Popen(argv)
    except OSError as error:
        print(f"hermes: {argv[0]}: {error.strerror}", file=sys.stderr)
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_FOUND - 1
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            # The terminal has told the command as well; how it ends is its own business.
            continue
        return code if code >= 0 else 128 - code
