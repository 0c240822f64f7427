"""What the classifier is told about its surroundings; it looks nothing up by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from kernel.risk import Tier

PROTECTED_BRANCHES = (
    "staging",
    "main",
    "master",
    "trunk",
    "develop",
    "production",
    "prod",
    "live",
    "release",
    "release/*",
)


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


class Preset(StrEnum):
    """What a program gets that no rule names; opaque text is high in all of them."""

    STRICT = "strict"
    BALANCED = "balanced"
    OPEN = "open"

    @property
    def unknown_program(self) -> Tier:
        """The tier of a program without a rule."""
        return {Preset.STRICT: Tier.HIGH, Preset.BALANCED: Tier.MEDIUM, Preset.OPEN: Tier.LOW}[self]


OVERRIDE = "override"
"""The rule by which an entry of the owner's own table is told."""


@dataclass(frozen=True, slots=True)
class Context:
    """Where a text would run; all paths are absolute and lexically normal.

    ``workspaces`` are the folders an agent may work in; empty means that ``cwd`` is the workspace.
    ``variables`` are environment variables whose values the caller pins. ``files`` maps absolute paths to
    contents that the caller read and binds by digest: a script or SQL file named there is classified by
    its content. ``branch`` is the checked-out git branch where known.
    """

    cwd: str = "/home/user/project"
    home: str = "/home/user"
    hermes_home: str = "/home/user/.hermes-gateway"
    workspaces: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=_nothing)
    files: Mapping[str, str] = field(default_factory=_nothing)
    branch: str | None = None
    protected_branches: tuple[str, ...] = PROTECTED_BRANCHES
    port: int = 8420
    user: str = "user"

    @property
    def roots(self) -> tuple[str, ...]:
        """The folders that count as the workspace."""
        return self.workspaces or (self.cwd,)


@dataclass(frozen=True, slots=True)
class Override:
    """One line of the user's own table: the leading words of a command and the tier it gets.

    ``words`` is a program, optionally with sub-commands: ``"terraform plan"``.
    """

    words: str
    tier: Tier
    why: str = "the owner's settings say so"

    def __post_init__(self) -> None:
        if not self.words.split():
            raise ValueError("An override names a program, for example 'terraform plan'.")


@dataclass(frozen=True, slots=True)
class Overrides:
    """The user's extension of the table.

    An entry may raise anything. It may lower what the table calls medium for the program that it names;
    it never lowers high, deny or anything opaque.
    """

    entries: tuple[Override, ...] = ()

    def matching(self, argv: tuple[str, ...]) -> Override | None:
        """Return the longest entry whose words begin ``argv``, the program by its base name."""
        best: Override | None = None
        for entry in self.entries:
            words = tuple(entry.words.split())
            if argv[: len(words)] == words and (best is None or len(words) > len(best.words.split())):
                best = entry
        return best
