"""Profiles: who the agents of the crew are, read from files that a person may add to."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kernel.errors import ConfigError

SHIPPED = Path(__file__).parent / "agents"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,30}")
FIELDS = frozenset({"name", "title", "model", "skills", "tools", "prompt", "personality", "lane", "at_once"})


@dataclass(frozen=True, slots=True)
class Profile:
    """An agent of the crew.

    ``model`` is empty for the configured one; ``tools`` are the only ones it is offered, empty for all; ``prompt`` and
    ``personality`` are what it is told about itself; ``at_once`` how many attempts it may have, 0 for the setting.
    ``lane`` is who executes what it is given: ``agent``, or the coding agent (``acp:NAME``) or the program
    (``process``) that has its name in the settings.
    """

    name: str
    title: str
    model: str = ""
    skills: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    prompt: str = ""
    personality: str = ""
    lane: str = "agent"
    at_once: int = 0


@dataclass(frozen=True, slots=True)
class Roster:
    """The agents of the crew by name."""

    profiles: Mapping[str, Profile] = field(default_factory=dict[str, Profile])

    def find(self, name: str) -> Profile | None:
        """Return an agent's profile, or ``None``."""
        return self.profiles.get(name)

    def places(self, at_once: int) -> dict[str, int]:
        """Return how many attempts each agent of the crew may have at once."""
        return {one.name: one.at_once or at_once for one in self.profiles.values() if one.lane == "agent"}

    def lane_of(self, name: str, otherwise: str = "") -> str:
        """Return the lane of an agent, or what is given for somebody who has no profile."""
        found = self.profiles.get(name)
        return found.lane if found is not None else otherwise


def load(folder: Path | None = None) -> Roster:
    """Read the shipped profiles and those in ``folder``, which replace shipped ones; raise ConfigError."""
    files = [*sorted(SHIPPED.glob("*.toml")), *_added(folder)]
    return Roster({one.name: one for one in (_read(path) for path in files)})


def _added(folder: Path | None) -> Iterable[Path]:
    return sorted(folder.glob("*.toml")) if folder is not None and folder.is_dir() else ()


def toml_of(path: Path) -> dict[str, Any]:
    """Read a file; raise ConfigError with its name."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from error


def _read(path: Path) -> Profile:
    given = toml_of(path)
    if unknown := sorted(set(given) - FIELDS):
        raise ConfigError(f"{path}: {', '.join(unknown)} is nothing that a profile has.")
    name = given.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ConfigError(f"{path}: name must be lower-case letters, digits, - and _.")
    lane = str(given.get("lane", "agent"))
    if lane not in ("agent", "process", f"acp:{name}"):
        raise ConfigError(
            f"{path}: the lane is agent, process or acp:{name}; the last two have the agent's name."
        )
    return Profile(
        name,
        str(given.get("title", name)),
        str(given.get("model", "")),
        words_of(path, given, "skills"),
        words_of(path, given, "tools"),
        str(given.get("prompt", "")).strip(),
        str(given.get("personality", "")).strip(),
        lane,
        int(given.get("at_once", 0)),
    )


def words_of(path: Path, given: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return a list of words in a file; raise ConfigError where it is something else."""
    found = given.get(name, [])
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise ConfigError(f"{path}: {name} is a list of words.")
    return tuple(found)
