"""``hermes config``: check, show, set, reload."""

import sys
from typing import Annotated, Any

import typer
import yaml

from hermes import edit
from hermes.cli.groups import examples, group
from hermes.cli.remote import required, running
from hermes.cli.terminal import Terminal, here, say_json
from hermes.redaction import Redactor
from hermes.settings import InvalidSettings, secret_values
from kernel.errors import ConfigError

app = group("Look at the settings and change them.")


@app.command(epilog=examples("hermes config check", "hermes config check && hermes config reload"))
def check(context: typer.Context) -> None:
    """Tell whether the settings can be used, and name everything that is wrong."""
    terminal = here(context)
    try:
        _ = terminal.settings
    except InvalidSettings as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        raise ConfigError(f"{len(error.problems)} to correct.") from None
    print(f"The settings of {terminal.home.root} are right.")


@app.command(
    epilog=examples("hermes config show", "hermes config show web", "hermes config show agent.model --json")
)
def show(
    context: typer.Context,
    section: Annotated[
        str, typer.Argument(help="Only this section or setting, such as web or web.port.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of YAML.")] = False,
) -> None:
    """Show the settings as they are in force; secrets are left out."""
    settings = here(context).settings
    value = _part(settings.model_dump(mode="json"), section)
    redact = Redactor(secret_values(settings))
    if as_json:
        say_json(_redacted(value, redact))
    else:
        print(
            redact(yaml.safe_dump(value, allow_unicode=True, sort_keys=False)).removesuffix("...\n"), end=""
        )


def _part(value: Any, section: str) -> Any:
    for name in filter(None, section.split(".")):
        if not isinstance(value, dict) or name not in value:
            raise ConfigError(f"There is no setting {section}.", remedy="`hermes config show` lists them.")
        value = value[name]
    return value


def _redacted(value: Any, redact: Redactor) -> Any:
    if isinstance(value, dict):
        return {name: _redacted(item, redact) for name, item in value.items()}
    if isinstance(value, list):
        return [_redacted(item, redact) for item in value]
    return redact(value) if isinstance(value, str) else value


@app.command(
    "set",
    epilog=examples(
        "hermes config set web.port 8421",
        "hermes config set access.owners telegram:123456789",
        "hermes config set platforms.telegram.token -    (asks for it, so that no history keeps it)",
    ),
)
def set_(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The setting, such as web.port.")],
    value: Annotated[str, typer.Argument(help="Its value; - reads it from standard input.")],
) -> None:
    """Change one setting in config.yaml, or in secrets.env where it is a secret."""
    terminal = here(context)
    terminal.home.prepare()
    if value == "-":
        value = typer.prompt(name, hide_input=True) if sys.stdin.isatty() else sys.stdin.readline().strip()
    file = edit.change(terminal.home, name, value)
    sentences = (f"{name} is set in {file}.", terminal.overruled(name, file), _effect(terminal))
    print(" ".join(filter(None, sentences)))


def _effect(terminal: Terminal) -> str:
    return "`hermes config reload` makes the running gateway use it." if running(terminal.home) else ""


@app.command(epilog=examples("hermes config check && hermes config reload"))
def reload(context: typer.Context) -> None:
    """Make the running gateway read its settings again; while they are wrong, it keeps what it has."""
    print(required(here(context).home).post("/settings/reload")["message"])
