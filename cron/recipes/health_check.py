"""A check of the machine, Hermes itself and what is within reach; it speaks of changes and of failures that last."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from pydantic import Field

from cron.recipe import Recipe, RecipeContext, RecipeResult, RecipeSettings
from cron.recipes import cursors, probes
from cron.recipes.items import HOUR_MS
from cron.recipes.probes import Probe
from cron.recipes.prose import counted, escaped, one_line
from kernel.clock import short_time

AT_ONCE = 8


class Endpoint(RecipeSettings):
    """An address that should answer."""

    url: str = Field(min_length=1, max_length=2000, description="Its address.")
    name: str = Field(default="", max_length=80, description="What it is called; empty: its address.")
    status: int = Field(default=200, ge=100, le=599, description="The status it should answer with.")
    contains: str = Field(default="", max_length=1000, description="What the answer must have in it.")


class HealthSettings(RecipeSettings):
    """Settings of the health check."""

    own: bool = Field(default=True, description="Hermes' own state, as `hermes status` shows it.")
    memory: float = Field(
        default=90.0,
        ge=0,
        le=100,
        description="Percent of the memory in use from which it says so; 0: never.",
    )
    own_megabytes: float = Field(
        default=0.0, ge=0, description="The same for Hermes itself, in MiB; 0: never."
    )
    disk: float = Field(
        default=90.0, ge=0, le=100, description="Percent of a disk in use from which it says so; 0: never."
    )
    folders: tuple[str, ...] = Field(
        default=(), description="Folders on further disks; Hermes' own is always looked at."
    )
    certificates: tuple[str, ...] = Field(
        default=(), max_length=200, description="Certificates: host, host:port, or the path of a PEM file."
    )
    days: float = Field(
        default=14.0, ge=0, description="Days before a certificate's end from which it says so."
    )
    authorities: str = Field(
        default="", description="A PEM file with an authority of your own; empty: the usual ones."
    )
    endpoints: tuple[Endpoint, ...] = Field(
        default=(), max_length=200, description="Addresses that should answer."
    )
    units: tuple[str, ...] = Field(
        default=(),
        max_length=200,
        description="Systemd units that should run; user: before a name for the user's own.",
    )
    patience: int = Field(
        default=1, ge=1, le=20, description="Looks in a row that must find a thing wrong before it is told."
    )
    remind_hours: float = Field(
        default=24.0, ge=0, description="Hours after which what is still wrong is told again; 0: never."
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of one thing: since when it is wrong, how many looks found it so, and when it was told last."""

    problem: str
    since: int
    looks: int
    told: int


async def run(context: RecipeContext[HealthSettings]) -> RecipeResult:
    """Look at everything and return what has changed."""
    before = cursors.group(cursors.loaded(context.cursor), "wrong")
    problems = await _looked(_things(context))
    lines: list[str] = []
    wrong: dict[str, Any] = {}
    for name, problem in problems.items():
        known = _known(before, name)
        line, finding = _judged(context, name, problem, known)
        lines += [line] if line else []
        if finding:
            wrong[name] = [finding.problem, finding.since, finding.looks, finding.told]
    count = sum(finding[3] > 0 for finding in wrong.values())
    head = f"**Health** · {counted(count, 'problem')}" if count else "**Health** · all is well again"
    text = "\n".join([head, "", *lines])
    return RecipeResult(text, changed=bool(lines), cursor=cursors.dumped({"wrong": wrong}))


def _known(before: Mapping[str, Any], name: str) -> Finding | None:
    match before.get(name):
        case [str(problem), int(since), int(looks), int(told)]:
            return Finding(problem, since, looks, told)
        case _:
            return None


def _judged(
    context: RecipeContext[HealthSettings], name: str, problem: str, known: Finding | None
) -> tuple[str, Finding | None]:
    """Return what is to be said of a thing (``""``: nothing), and what to remember (``None``: it is well)."""
    settings, now = context.settings, context.now
    shown, said = escaped(name), escaped(one_line(problem, 300))
    if not problem:
        since = short_time(known.since, context.zone, now) if known else ""
        return (f"- {shown}: well again (was wrong since {since})" if known and known.told else ""), None
    since, looks, told = (known.since, known.looks + 1, known.told) if known else (now, 1, 0)
    line = ""
    if not told and looks >= settings.patience:
        line, told = f"- {shown}: {said}", now
    elif told and settings.remind_hours and now - told >= settings.remind_hours * HOUR_MS:
        line, told = f"- {shown}: still wrong since {short_time(since, context.zone, now)}: {said}", now
    return line, Finding(problem, since, looks, told)


async def _looked(things: Mapping[str, Probe]) -> dict[str, str]:
    """Look at all things, a few at once, and return what is wrong with each (``""``: nothing)."""
    room = asyncio.Semaphore(AT_ONCE)
    found: dict[str, str] = dict.fromkeys(things, "")

    async def look(name: str, probe: Probe) -> None:
        async with room:
            found[name] = await probe()

    async with asyncio.TaskGroup() as group:
        for name, probe in things.items():
            group.create_task(look(name, probe))
    return found


def _things(context: RecipeContext[HealthSettings]) -> dict[str, Probe]:
    """Return everything to look at, by the name it is told under."""
    settings, http = context.settings, context.http
    things: dict[str, Probe] = {"Hermes": partial(_own, context)} if settings.own else {}
    if settings.memory:
        things["Memory"] = _thread(partial(probes.memory, settings.memory))
    if settings.own_megabytes:
        things["Memory of Hermes"] = _thread(partial(probes.own_memory, settings.own_megabytes))
    for folder in (str(context.home), *settings.folders) if settings.disk else ():
        place = Path(folder).expanduser()
        things[f"Disk of {folder}"] = _thread(partial(probes.disk, place, settings.disk))
    for one in settings.endpoints:
        things[one.name or one.url] = partial(probes.endpoint, http, one.url, one.status, one.contains)
    for name in settings.units:
        things[f"Unit {name}"] = partial(probes.unit, name)
    return things | _certificates(context)


def _certificates(context: RecipeContext[HealthSettings]) -> dict[str, Probe]:
    settings = context.settings
    # Reading all authorities takes as long as a hundred handshakes; one reading serves all.
    trust = cache(partial(ssl.create_default_context, cafile=settings.authorities or None))
    found: dict[str, Probe] = {}
    for place in settings.certificates:
        if place.startswith(("/", "~")):
            path = str(Path(place).expanduser())
            probe = partial(probes.certificate_file, path, settings.days, context.now)
        else:
            probe = partial(probes.served_certificate, context.http, place, settings.days, context.now, trust)
        found[f"Certificate {place}"] = probe
    return found


def _thread(look: Callable[[], str]) -> Callable[[], Awaitable[str]]:
    """Return a look at a file system as a probe: one that hangs must not hold up the daemon."""
    return partial(asyncio.to_thread, look)


async def _own(context: RecipeContext[HealthSettings]) -> str:
    status = await context.house.status()
    if status.get("state") == "ok":
        return ""
    return "; ".join(map(str, status.get("warnings") or ())) or f"is {status.get('state')}"


RECIPE = Recipe(
    "health_check",
    "Hermes, the machine, certificates, addresses and units: told when something changes.",
    HealthSettings,
    run,
)
