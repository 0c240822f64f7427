"""``hermes setup``: from nothing to a running gateway, by questions or by flags."""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Annotated

import typer

from agent.models import names
from gateway.access import new_code
from gateway.platforms.telegram.settings import TelegramSettings
from hermes import edit, plugins
from hermes.bot_api import Bot, BotApi
from hermes.cli.groups import examples
from hermes.cli.setup_platforms import print_manifest, set_up
from hermes.cli.terminal import Terminal, here, interactive
from hermes.layers import NESTING, PREFIX
from hermes.service import Kind, Manager, Unit, program
from hermes.settings import InvalidSettings, load
from kernel.errors import ConfigError, HermesError, InvalidInput, PlatformUnauthorised

CODE_SECONDS = 180.0
LOOK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was given by flags; an empty text was not given."""

    telegram_token: str
    owner: str
    model: str
    model_key: str
    base_url: str
    timezone: str
    language: str
    name: str
    workspace: str
    port: int | None
    service: bool | None
    check: bool


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "hermes setup",
            "hermes setup slack --manifest > manifest.json",
            "hermes setup discord --yes --token - < token.txt",
            "hermes setup --yes --owner telegram:123456789 --telegram-token - < token.txt",
            "hermes setup --yes --model openai:gpt-5.2 --model-key - --service",
        )
    )(setup)


def setup(
    context: typer.Context,
    platform: Annotated[
        str, typer.Argument(help="Only this platform: telegram, discord or slack.", show_default=False)
    ] = "",
    *,
    token: Annotated[
        str, typer.Option(help="That platform's bot token; - reads a line of standard input.")
    ] = "",
    app_token: Annotated[
        str, typer.Option(help="Slack's app-level token; - reads a line of standard input.")
    ] = "",
    webhook_url: Annotated[
        str, typer.Option(help="Slack's incoming webhook, for notices without answers; - reads a line.")
    ] = "",
    manifest: Annotated[
        bool, typer.Option("--manifest", help="Print the manifest of the Slack app.")
    ] = False,
    telegram_token: Annotated[
        str, typer.Option(help="Bot token from @BotFather; - reads a line of standard input.")
    ] = "",
    owner: Annotated[str, typer.Option(help="Your id, such as telegram:123456789.")] = "",
    model: Annotated[str, typer.Option(help="provider:name, or offline.")] = "",
    model_key: Annotated[
        str, typer.Option(help="The provider's key; - reads a line of standard input.")
    ] = "",
    base_url: Annotated[str, typer.Option(help="Address of an OpenAI-compatible server.")] = "",
    timezone: Annotated[str, typer.Option(help="Your timezone, such as Europe/Berlin.")] = "",
    language: Annotated[str, typer.Option(help="The language of answers, such as en or de.")] = "",
    name: Annotated[str, typer.Option(help="How Hermes calls you.")] = "",
    workspace: Annotated[str, typer.Option(help="The folder that agents work in.")] = "",
    port: Annotated[int | None, typer.Option(help="The local page's port.", min=1, max=65535)] = None,
    service: Annotated[
        bool | None, typer.Option(help="Install and start a systemd service of yours.")
    ] = None,
    check: Annotated[
        bool, typer.Option(help="Ask Telegram and the model whether they take what was given.")
    ] = True,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: the flags say it all.")] = False,
) -> None:
    """Set Hermes up: tokens with a live check, owner, model, service.

    Every step can be left out and done later; running it again changes only what is answered.
    """
    terminal = here(context)
    if manifest:
        print_manifest(terminal)
        return
    terminal.home.prepare()
    if platform:
        name = "bot_token" if platform == "slack" else "token"
        given = {name: _line(token), "app_token": _line(app_token), "webhook_url": _line(webhook_url)}
        ask = not any(given.values()) and not yes and interactive()
        set_up(terminal, platform, given, ask=ask, check=check)
        return
    wishes = Wishes(
        _line(telegram_token), owner, model, _line(model_key), base_url, timezone, language, name, workspace, port,
        service, check,
    )  # fmt: skip
    if yes or not interactive():
        carry_out(terminal, wishes)
    else:
        carry_out(terminal, asked(terminal, wishes))
    report(terminal, wishes)


def _line(given: str) -> str:
    return sys.stdin.readline().strip() if given == "-" else given.strip()


def asked(terminal: Terminal, given: Wishes) -> Wishes:
    """Ask for what the flags leave open; an empty answer leaves a setting as it is."""
    print(f"Hermes will live in {terminal.home.root}. An empty answer leaves things as they are.\n")
    token, owner = _ask_telegram(terminal, given)
    model = given.model or _ask_model(terminal, given)
    key = given.model_key or (_ask_secret(f"Key for {model.partition(':')[0]}") if ":" in model else "")
    service = given.service
    if service is None and shutil.which("systemctl"):
        service = typer.confirm("Start Hermes at every boot, as a service of yours?", default=True)
    return Wishes(
        token,
        owner,
        model,
        key,
        given.base_url
        or (_ask("Address of the model's server, if it is your own") if key == "" and ":" in model else ""),
        given.timezone or _ask("Your timezone (empty: this machine's)"),
        given.language or _ask("Language of the answers (en, de …)"),
        given.name or _ask("Your name"),
        given.workspace,
        given.port,
        service,
        given.check,
    )


def _ask(question: str) -> str:
    return str(typer.prompt(question, default="", show_default=False)).strip()


def _ask_secret(question: str) -> str:
    return str(typer.prompt(question, default="", show_default=False, hide_input=True)).strip()


def _ask_model(terminal: Terminal, given: Wishes) -> str:
    """Return a model's name that can be right; whether its server knows it is asked at the end."""
    address = given.base_url or terminal.settings.agent.base_url
    while True:
        model = _ask("Model (provider:name such as openai:gpt-5.2, or offline)")
        problem = names.trouble(model, address or "asked later") if model else ""
        if not problem:
            return model
        print(problem)


def _ask_telegram(terminal: Terminal, given: Wishes) -> tuple[str, str]:
    """Return a token that Telegram takes, and its owner's id; both may be empty."""
    section = terminal.settings.platforms.telegram
    while True:
        token = given.telegram_token or _ask_secret(
            "Telegram bot token from @BotFather (empty: no Telegram for now)"
        )
        if not token or not given.check:
            return token, given.owner
        api = BotApi(_with_token(section, token))
        try:
            bot = api.me()
            print(f"Telegram knows it as {bot.name}.")
            return token, given.owner or _ask_owner(api, bot)
        except PlatformUnauthorised:
            print("Telegram refuses that token; copy it again.")
            if given.telegram_token:
                raise
        finally:
            api.close()


def _with_token(section: TelegramSettings, token: str) -> TelegramSettings:
    return TelegramSettings.model_validate({**section.model_dump(), "token": token})


def _ask_owner(api: BotApi, bot: Bot) -> str:
    """Find the owner by a code that they send to the bot; whoever prefers can type their id."""
    known = _ask("Your Telegram id, if you know it (empty: find it by a code)")
    if known:
        return f"telegram:{known.removeprefix('telegram:')}"
    code = new_code()
    print(
        f"Open https://t.me/{bot.name.removeprefix('@')}?start={code} and press Start, or send it this text: {code}"
    )
    until = monotonic() + CODE_SECONDS
    try:
        while monotonic() < until:
            found = api.who_wrote(code)
            if found is not None:
                print(f"That was {found}: the bot is yours.")
                return f"telegram:{found}"
            sleep(LOOK_SECONDS)
    except HermesError as error:
        print(error)
    print("Nobody sent it. The gateway prints another code when it starts; send that one.")
    return ""


def carry_out(terminal: Terminal, wishes: Wishes) -> None:
    """Check everything that was given, and only then write it."""
    changes = _changes(terminal, wishes)
    _check(terminal, wishes, changes)
    if wishes.telegram_token and wishes.check:
        _check_token(terminal, wishes.telegram_token)
    done: list[str] = []
    for setting, value in changes.items():
        try:
            file = edit.change(terminal.home, setting, value)
            print(f"{setting} → {file}. {terminal.overruled(setting, file)}".strip())
        except HermesError as error:
            before = f" Set before it: {', '.join(done)}." if done else ""
            raise ConfigError(
                f"{setting} could not be set: {error.message}{before}", remedy=error.remedy
            ) from None
        done.append(setting)
    if wishes.service:
        _install(terminal)


def _changes(terminal: Terminal, wishes: Wishes) -> dict[str, str]:
    """Return the settings that were asked for, each as it is typed."""
    provider = (wishes.model or terminal.settings.agent.model).partition(":")[0]
    asked = {
        "platforms.telegram.token": wishes.telegram_token,
        "access.owners": _owners(terminal, wishes.owner),
        "agent.model": wishes.model,
        "agent.base_url": wishes.base_url,
        f"agent.provider_keys.{provider}": wishes.model_key,
        "owner.timezone": wishes.timezone,
        "owner.language": wishes.language,
        "owner.name": wishes.name,
        "workspace.path": str(Path(wishes.workspace).expanduser().absolute()) if wishes.workspace else "",
        "web.port": str(wishes.port or ""),
    }
    return {setting: value for setting, value in asked.items() if value}


def _check(terminal: Terminal, wishes: Wishes, changes: Mapping[str, str]) -> None:
    """Raise InvalidInput or ConfigError, before anything is written, where the settings could not be used."""
    if wishes.owner and not all(wishes.owner.partition(":")):
        raise InvalidInput(
            f"Nothing was changed: {wishes.owner!r} is nobody's id.",
            remedy="Write platform:id, such as telegram:123456789.",
        )
    if wishes.model_key and (wishes.model or terminal.settings.agent.model) == names.OFFLINE:
        raise InvalidInput(
            "Nothing was changed: a key needs a model it is for.", remedy="Add --model provider:name."
        )
    address = wishes.base_url or terminal.settings.agent.base_url
    if wishes.model and (problem := names.trouble(wishes.model, address)):
        raise InvalidInput(f"Nothing was changed: {problem}")
    environ = {
        f"{PREFIX}{setting.replace('.', NESTING).upper()}": value for setting, value in changes.items()
    }
    try:
        load(terminal.home, environ={**terminal.environ, **environ})
    except InvalidSettings as error:
        raise ConfigError(f"Nothing was changed: {error.problems[0].sentence}") from None


def _check_token(terminal: Terminal, token: str) -> None:
    api = BotApi(_with_token(terminal.settings.platforms.telegram, token))
    try:
        print(f"Telegram knows the bot as {api.me().name}.")
    finally:
        api.close()


def _owners(terminal: Terminal, owner: str) -> str:
    """Return the owners of the settings with one more, as they are typed."""
    return ",".join(dict.fromkeys((*terminal.settings.access.owners, owner))) if owner else ""


def _install(terminal: Terminal) -> None:
    manager = Manager.of(Kind.USER, terminal.environ)
    for path in manager.install(Unit(Kind.USER, program(), terminal.home.root)):
        print(f"Wrote {path}.")
    manager.control("enable", "--now", "hermes.service")
    manager.control("restart", "hermes.service")


def report(terminal: Terminal, wishes: Wishes) -> None:
    """Say what is still to be done."""
    print()
    if wishes.check:
        patient = plugins.load(plugins.PATIENT)(terminal.home, terminal.environ)
        troubles = [one for one in plugins.load(plugins.EXAMINE)(patient) if one.level in {"warn", "fail"}]
        for one in troubles:
            print(f"! {one.sentence}\n    → {one.remedy}")
    print("Done. " + ("Hermes runs." if wishes.service else "Start it: hermes gateway. Chat here: hermes."))
