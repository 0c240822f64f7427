"""The command line: what there is, and what all commands share."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from hermes import start
from hermes.cli import (
    acp,
    approvals,
    asking,
    audit,
    backup,
    channels,
    chat,
    classify,
    config,
    crew,
    cron,
    debug,
    delegate,
    doctor,
    log_files,
    messages,
    models,
    pairing,
    service,
    sessions,
    setup,
    status,
    tasks,
    tokens,
)
from hermes.cli.terminal import Terminal
from hermes.home import Home
from hermes.settings import environment
from hermes.version import VERSION
from kernel.errors import InvalidInput
from kernel.plain import predicate

HELP = "Hermes: a small daemon that puts AI agents within reach of a phone."

EXAMPLES = """\
Examples:

\b
  hermes gateway                    run the gateway in the foreground
  hermes                            chat in this terminal
  hermes chat -q "what is new?"     one question, its answer on standard output
  hermes setup                      tokens, owner, model and service, step by step
  hermes doctor                     what is wrong, and the way out
"""

app = typer.Typer(
    name="hermes",
    help=HELP,
    epilog=EXAMPLES,
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"hermes {VERSION}")
        raise typer.Exit


@app.callback()
def shared(
    context: typer.Context,
    home: Annotated[
        Path | None, typer.Option("--home", metavar="DIR", help="The home directory, instead of HERMES_HOME.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", "-V", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Keep the home for the command; without one, chat."""
    del version
    environ = dict(environment())
    found = Home.locate(environ)
    if home is not None:
        found = replace(found, root=home.expanduser().absolute())
        environ["HERMES_HOME"] = str(found.root)
    context.obj = Terminal(found, environ)
    if context.invoked_subcommand is None:
        chat.chat(context)


@app.command(epilog="Example: HERMES_WEB__PORT=8421 hermes gateway")
def gateway(context: typer.Context) -> None:
    """Run the gateway in the foreground, until it is stopped (Ctrl-C)."""
    raise typer.Exit(start.gateway(context.find_root().obj.environ))


for part in (
    chat, acp, setup, doctor, status, sessions, messages, channels, delegate, tasks, cron, approvals, asking, classify,
    tokens, backup, log_files, models, crew,
):  # fmt: skip
    part.register(app)

app.add_typer(config.app, name="config")
app.add_typer(pairing.app, name="pairing")
app.add_typer(audit.app, name="audit")
app.add_typer(service.app, name="service")
app.add_typer(debug.app, name="debug")


def run(words: Sequence[str]) -> int:
    """Carry out one command line and return its exit code; errors of ours pass through."""
    try:
        app(list(words), prog_name="hermes")
    except ValidationError as error:
        first = error.errors()[0]
        wrong = predicate(first["type"], first.get("ctx", {}), first["msg"])
        raise InvalidInput(f"{'.'.join(map(str, first['loc']))} {wrong}.") from None
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    return 0
