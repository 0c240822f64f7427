"""Checks of the chat platforms that answer for themselves: credentials, scopes, intents."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hermes.doctor.patient import Level, Patient, Result, unread
from hermes.probing import probe
from kernel.errors import HermesError, PlatformUnauthorised


@dataclass(frozen=True, slots=True)
class _Way:
    """What a person does about a platform: where its token comes from, and about what its probe warns of."""

    title: str
    token: str
    warned: str


WAYS: Mapping[str, _Way] = {
    "discord": _Way(
        "Discord",
        "Copy the bot's token at discord.com/developers/applications (Bot) and run: hermes setup discord",
        "Change it at discord.com/developers/applications (Bot, Installation), then restart Hermes.",
    ),
    "slack": _Way(
        "Slack",
        "Copy the tokens at api.slack.com/apps and run: hermes setup slack",
        "`hermes setup slack --manifest` prints what the app needs; change it at api.slack.com/apps, install it anew.",
    ),
}


def check_of(name: str) -> Callable[[Patient], Result]:
    """Return the check of one platform."""

    def check(patient: Patient) -> Result:
        return examined(patient, name)

    return check


def examined(patient: Patient, name: str) -> Result:
    """Ask a platform who we are, and tell what is not as it should be."""
    way = WAYS[name]
    if patient.settings is None:
        return unread(name)
    section = getattr(patient.settings.platforms, name, None)
    if section is None or not section.configured:
        return Result(name, Level.SKIP, f"{way.title} is off: no token is set.")
    if getattr(section, "outgoing_only", False):
        told = f"{way.title} takes notices through a webhook; nobody can answer there."
        return Result(name, Level.OK, told)
    try:
        found = probe(name, section)
    except PlatformUnauthorised as error:
        return Result(name, Level.FAIL, error.message, error.remedy or way.token)
    except (HermesError, OSError) as error:
        return Result(
            name, Level.FAIL, str(error), f"Check the network and the settings of platforms.{name}."
        )
    if found is None:
        return Result(name, Level.SKIP, f"{way.title} cannot be asked.")
    if found.warnings:
        return Result(name, Level.WARN, " ".join(found.warnings), way.warned)
    return Result(name, Level.OK, f"{way.title} knows it as {found.name}.")
