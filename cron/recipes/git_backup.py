"""A backup of git repositories: verified mirrors in a second place, and a report of what changed."""

import asyncio
import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from cron.recipe import Recipe, RecipeContext, RecipeFailed, RecipeResult, RecipeSettings
from cron.recipes import cursors
from cron.recipes.forges import Forge, wanted
from cron.recipes.mirrors import Mirror, Options
from cron.recipes.prose import counted, escaped, listed
from cron.recipes.reading import closed
from kernel.clock import at

PORTS = {"https": 443, "http": 80, "ssh": 22, "git": 9418}
# The short form of ssh: user@host:path. Two colons would name a program that git starts.
_SHORT = re.compile(r"^(?:[\w.-]+@)?([\w.-]+):(?!//|:)(.+)$")
_UNUSUAL = re.compile(r"[^A-Za-z0-9._-]")


def _address(text: str) -> str:
    parts = urlsplit(text)
    known = parts.scheme in PORTS or (parts.scheme == "file" and not parts.netloc)
    if parts.password:
        raise ValueError("an address has no password in it; name a secret")
    if text.startswith("-") or not (known or text.startswith("/") or _SHORT.match(text)):
        raise ValueError(f"{text!r} is no address of a repository")
    return text


def _absolute(text: str) -> str:
    if not text.startswith(("/", "~/")):
        raise ValueError("the folder must be an absolute path")
    return text


Address = Annotated[str, AfterValidator(_address)]


class GitBackupSettings(RecipeSettings):
    """Settings of the git backup."""

    destination: Annotated[str, AfterValidator(_absolute)] = Field(
        description="The folder for the mirrors, which must exist: on another disk than the originals."
    )
    repositories: tuple[Address, ...] = Field(default=(), description="Addresses or paths of repositories.")
    owner: str = Field(
        default="", max_length=100, description="A person or organisation: all of their repositories."
    )
    api: str = Field(
        default="https://api.github.com", max_length=2000, description="Where the owner's list comes from."
    )
    secret: str = Field(
        default="", description="The name of the secret that is a token; empty: only what is public."
    )
    token_for: str = Field(
        default="https://github.com/", description="The addresses that git may send the token to begin so."
    )
    ssh: bool = Field(default=False, description="Read an owner's repositories over ssh instead of https.")
    forks: bool = Field(default=False, description="Also an owner's forks.")
    archived: bool = Field(default=True, description="Also an owner's archived repositories.")
    pulls: bool = Field(default=False, description="Also the refs of pull requests and merge requests.")
    skip: tuple[str, ...] = Field(default=(), description="Names of an owner's repositories to leave out.")
    accept: tuple[Annotated[str, Field(pattern=r"^[A-Za-z]+$")], ...] = Field(
        default=(), description="Findings of git fsck to accept in old histories, such as zeroPaddedFilemode."
    )
    always: bool = Field(default=False, description="Say so also when nothing has changed.")


async def run(context: RecipeContext[GitBackupSettings]) -> RecipeResult:
    """Bring every mirror up to date; raise RecipeFailed, with what did change, where one of them failed."""
    settings = context.settings
    destination = await asyncio.to_thread(_destination, context)
    token = context.secret(settings.secret) if settings.secret else ""
    addresses = await _addresses(context, token)
    if not addresses:
        raise RecipeFailed("There is no repository to back up.", remedy="Set repositories or owner.")
    options = await _options(context, token)
    done: dict[str, list[str]] = {}
    failed: dict[str, str] = {}
    for name, address in addresses.items():
        try:
            await _reachable(context, address)
            done[name] = await Mirror(destination / f"{name}.git", address, options).update()
        except RecipeFailed as error:
            failed[name] = str(error)
    return _report(context, done, failed)


def _report(
    context: RecipeContext[GitBackupSettings], done: Mapping[str, list[str]], failed: Mapping[str, str]
) -> RecipeResult:
    changed = {name: lines for name, lines in done.items() if lines}
    gone = sorted({*cursors.words(cursors.loaded(context.cursor), "names")} - done.keys() - failed.keys())
    said = [_lines(name, lines) for name, lines in changed.items()]
    if gone:
        said.append(f"No longer listed: {escaped(listed(gone))}. Their mirrors stay as they are.")
    if failed:
        raise RecipeFailed(_complaint(failed, len(done), said))
    count = counted(len(done), "repository", "repositories")
    head = f"**Git backup** · {count} verified, {len(changed)} changed"
    cursor = cursors.dumped({"names": sorted(done)})
    return RecipeResult(
        "\n\n".join([head, *said]), changed=bool(said) or context.settings.always, cursor=cursor
    )


def _complaint(failed: Mapping[str, str], good: int, said: list[str]) -> str:
    count = counted(len(failed), "repository was", "repositories were")
    lines = "\n".join(f"- {name}: {error}" for name, error in failed.items())
    rest = "\n\n".join([f"{good} others are backed up and verified.", *said]) if good else ""
    return f"{count} not backed up:\n{lines}\n\n{rest}".strip()


def _lines(name: str, lines: list[str]) -> str:
    return f"**{escaped(name)}**\n" + "\n".join(f"- {escaped(line)}" for line in lines)


def _destination(context: RecipeContext[GitBackupSettings]) -> Path:
    """Return the folder of the mirrors; raise RecipeFailed where it is not there or is Hermes' own."""
    folder = Path(context.settings.destination).expanduser().resolve()
    if not folder.is_dir():
        # It is not made: where a disk is not mounted, its mount point would fill the disk that is to be backed up.
        raise RecipeFailed(f"There is no folder {folder}.", remedy="Mount its disk, or create it.")
    if folder.is_relative_to(context.home.resolve()) and not folder.is_relative_to(context.folder.resolve()):
        raise RecipeFailed(f"{folder} belongs to Hermes.", remedy="Choose a folder outside its home.")
    return folder


async def _addresses(context: RecipeContext[GitBackupSettings], token: str) -> dict[str, str]:
    """Return the repositories by the name of their mirror, each once."""
    settings = context.settings
    found: list[str] = list(settings.repositories)
    if settings.owner:
        forge = Forge(context.http, settings.api, token)
        options = {"ssh": settings.ssh, "forks": settings.forks, "archived": settings.archived}
        found += wanted(await forge.repositories(settings.owner, **options), settings.skip)
    return {mirror_name(_checked(address)): address for address in reversed(found)}


def _checked(address: str) -> str:
    """Return an address that a forge gave, where it is one."""
    try:
        return _address(address)
    except ValueError as error:
        raise RecipeFailed(f"{error}.") from None


def mirror_name(address: str) -> str:
    """Return where below the destination a repository's mirror stands, such as ``github.com/owner/name``."""
    short = _SHORT.match(address) if "://" not in address else None
    parts = urlsplit(address)
    host, path = (short[1], short[2]) if short else (parts.netloc.rpartition("@")[2] or "local", parts.path)
    words = [_UNUSUAL.sub("_", word).lstrip(".") or "_" for word in path.removesuffix("/").split("/") if word]
    return "/".join([_UNUSUAL.sub("_", host), *words]).removesuffix(".git")


async def _reachable(context: RecipeContext[GitBackupSettings], address: str) -> None:
    """Raise RecipeFailed where the settings do not let recipes reach the repository's host."""
    parts = urlsplit(address)
    short = _SHORT.match(address) if "://" not in address else None
    host = short[1] if short else parts.hostname
    if host:
        await context.http.address(host, parts.port or PORTS.get(parts.scheme, PORTS["ssh"]))


async def _options(context: RecipeContext[GitBackupSettings], token: str) -> Options:
    settings = context.settings
    stamp = f"{at(context.now):%Y%m%dT%H%M%S}"
    credentials: dict[str, str] = {}
    if token:
        await closed(context.http, settings.token_for)
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        # By the environment, since other users of the machine can read a program's words.
        credentials = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{settings.token_for}.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
        }
    return Options(stamp, settings.pulls, settings.accept, credentials)


RECIPE = Recipe(
    "git_backup",
    "Mirrors of git repositories in a second place, verified, with a report of what changed.",
    GitBackupSettings,
    run,
)
