"""The repositories of an owner, as a forge with GitHub's API lists them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from cron.recipe import Http, RecipeFailed, Reply
from cron.recipes.reading import closed

PER_PAGE = 100
MOST_PAGES = 100
OK = 200
NOT_FOUND = 404
_ANY: TypeAdapter[Any] = TypeAdapter(Any)


@dataclass(frozen=True, slots=True)
class Forge:
    """Where to ask: the API's base address and a token (``""``: none, so only what is public is listed)."""

    http: Http
    base: str
    token: str

    async def repositories(self, owner: str, *, ssh: bool, forks: bool, archived: bool) -> list[str]:
        """Return the addresses of an owner's repositories; raise RecipeFailed where they cannot be listed."""
        found = [
            one
            for one in await self._list(owner)
            if (forks or not one.get("fork")) and (archived or not one.get("archived"))
        ]
        addresses = [one.get("ssh_url" if ssh else "clone_url") for one in found]
        return [address for address in addresses if isinstance(address, str)]

    async def _list(self, owner: str) -> list[dict[str, Any]]:
        """Ask the places that list repositories, the most complete first."""
        name = quote(owner, safe="")
        places = [f"orgs/{name}/repos?type=all", f"users/{name}/repos?type=owner"]
        if self.token and await self._login() == owner.casefold():
            # Only this one has the private repositories of a person.
            places = ["user/repos?affiliation=owner"]
        for place in places:
            found = await self._pages(place)
            if found is not None:
                return found
        raise RecipeFailed(f"{self.base} knows no owner {owner!r}.")

    async def _login(self) -> str:
        """Return whose token it is; ``""`` where it belongs to no person, as an app's does."""
        reply = await self._get("user")
        found = _parsed(reply) if reply.status == OK else {}
        return str(found.get("login", "")).casefold() if isinstance(found, dict) else ""

    async def _pages(self, place: str) -> list[dict[str, Any]] | None:
        """Return all entries of a list, ``None`` where there is no such list."""
        found: list[dict[str, Any]] = []
        for page in range(1, MOST_PAGES + 1):
            reply = await self._get(f"{place}&per_page={PER_PAGE}&page={page}")
            if reply.status == NOT_FOUND:
                return None
            if reply.status != OK:
                raise RecipeFailed(f"{self.base} answered {reply.status}.{_said(reply)}")
            entries = _parsed(reply)
            if not isinstance(entries, list):
                raise RecipeFailed(f"{self.base} did not answer with a list of repositories.")
            found += [entry for entry in entries if isinstance(entry, dict)]
            if len(entries) < PER_PAGE:
                return found
        raise RecipeFailed(f"{self.base} lists more than {MOST_PAGES * PER_PAGE:,} repositories.")

    async def _get(self, place: str) -> Reply:
        headers = {"Accept": "application/vnd.github+json"}
        if self.token:
            await closed(self.http, self.base)
            headers["Authorization"] = f"Bearer {self.token}"
        return await self.http.get(f"{self.base.rstrip('/')}/{place}", headers=headers)


def wanted(addresses: Sequence[str], skip: Sequence[str]) -> list[str]:
    """Return addresses without those whose repository's name is one of ``skip``."""
    unwanted = {name.casefold() for name in skip}
    return [one for one in addresses if _name(one).casefold() not in unwanted]


def _name(address: str) -> str:
    return address.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git")


def _parsed(reply: Reply) -> Any:
    try:
        return _ANY.validate_json(reply.body)
    except ValidationError:
        raise RecipeFailed(f"{reply.url} did not answer with JSON.") from None


def _said(reply: Reply) -> str:
    """Return what the forge says of an error, which is often a limit or a missing right."""
    try:
        found = _ANY.validate_json(reply.body)
    except ValidationError:
        return ""
    return (
        f" It says: {str(found['message'])[:200]}" if isinstance(found, dict) and "message" in found else ""
    )
