"""``hermes setup telegram|discord|slack``: one platform's credentials, asked for or given, checked, and written."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import typer

from hermes import edit, plugins
from hermes.cli.terminal import Terminal
from hermes.probing import probe
from kernel.errors import HermesError, InvalidInput, PlatformUnauthorised


@dataclass(frozen=True, slots=True)
class Wanted:
    """One credential: its setting below the platform's section, and how it is asked for."""

    setting: str
    question: str


@dataclass(frozen=True, slots=True)
class Steps:
    """What setting a platform up takes: what a person does there first, the credentials, and what to do then."""

    before: str
    wanted: Sequence[Wanted]
    then: str


PLATFORMS: Mapping[str, Steps] = {
    "telegram": Steps(
        "Write /newbot to @BotFather; it names the token.",
        (Wanted("token", "Bot token from @BotFather"),),
        "Send the bot the one-time code that `hermes gateway` prints, or set access.owners.",
    ),
    "discord": Steps(
        "Make an application at discord.com/developers/applications; under Bot, switch on the Message Content "
        "Intent and reset the token.",
        (Wanted("token", "Bot token"),),
        "Invite it (Installation; scopes bot and applications.commands), then send it the one-time code that "
        "`hermes gateway` prints.",
    ),
    "slack": Steps(
        "Make an app from `hermes setup slack --manifest` at api.slack.com/apps (Create New App, From a manifest) and "
        "install it.",
        (
            Wanted("bot_token", "Bot token (xoxb-…; empty for a webhook alone)"),
            Wanted("app_token", "App-level token with connections:write (xapp-…)"),
            Wanted("webhook_url", "Incoming webhook, for notices without answers (usually empty)"),
        ),
        "Invite it to a channel (/invite @Hermes), or write to it; send it the one-time code that `hermes gateway` "
        "prints.",
    ),
}


def print_manifest(terminal: Terminal) -> None:
    """Print the manifest of the Slack app as JSON."""
    written = plugins.load(plugins.SLACK_MANIFEST)(terminal.settings.platforms.slack)
    print(json.dumps(written, indent=2, ensure_ascii=False))


def set_up(terminal: Terminal, name: str, given: Mapping[str, str], *, ask: bool, check: bool) -> None:
    """Ask for what is not given, check it at the platform, and write it; nothing is written where it is refused."""
    steps = PLATFORMS.get(name)
    if steps is None:
        raise InvalidInput(f"There is no platform {name!r}.", remedy=f"There are: {', '.join(PLATFORMS)}.")
    known = {one.setting for one in steps.wanted}
    odd = sorted(setting for setting, value in given.items() if value and setting not in known)
    if odd:
        raise InvalidInput(f"{name} has no {odd[0]}.", remedy=f"It takes: {', '.join(sorted(known))}.")
    print(f"{steps.before}\n" if ask else "", end="")
    answers = {
        one.setting: given.get(one.setting, "") or (_asked(one) if ask else "") for one in steps.wanted
    }
    chosen = {setting: value for setting, value in answers.items() if value}
    if not chosen:
        raise InvalidInput(f"Nothing was given for {name}.", remedy=f"hermes setup {name} --help shows how.")
    if check:
        _check(terminal, name, chosen)
    for setting, value in chosen.items():
        dotted = f"platforms.{name}.{setting}"
        file = edit.change(terminal.home, dotted, value)
        print(f"{dotted} → {file}. {terminal.overruled(dotted, file)}".strip())
    print(f"\n{steps.then}")


def _asked(wanted: Wanted) -> str:
    return str(typer.prompt(wanted.question, default="", show_default=False, hide_input=True)).strip()


def _check(terminal: Terminal, name: str, chosen: Mapping[str, str]) -> None:
    """Ask the platform with what is set already and what was given now; raise PlatformUnauthorised when it refuses."""
    section = getattr(terminal.settings.platforms, name)
    candidate = type(section).model_validate({**section.model_dump(), **chosen})
    try:
        found = probe(name, candidate)
    except PlatformUnauthorised:
        raise
    except HermesError as error:
        print(f"! Not checked: {error}", file=sys.stderr)
        return
    if found is not None:
        print(f"It is known there as {found.name}.")
        for warning in found.warnings:
            print(f"! {warning}")
