"""What doing something to a place means: one matrix of effects and zones."""

from collections.abc import Mapping
from enum import StrEnum

from approvals.shell.context import Context
from approvals.shell.marks import DEEP
from approvals.shell.paths import Place, Zone, covers_home, covers_secrets, is_bare_glob
from kernel.risk import Tier

NONE, LOW, MEDIUM, HIGH, DENY = Tier.NONE, Tier.LOW, Tier.MEDIUM, Tier.HIGH, Tier.DENY


class Effect(StrEnum):
    """What a command does to a path."""

    READ = "read"
    READ_TREE = "read_tree"
    WRITE = "write"
    MAKE = "make"
    EMPTY = "empty"
    DELETE = "delete"
    DELETE_TREE = "delete_tree"
    CHANGE = "change"
    CHANGE_TREE = "change_tree"
    MOVE = "move"


# Columns of the matrix, in this order.
_COLUMNS = (
    Effect.READ,
    Effect.WRITE,
    Effect.MAKE,
    Effect.EMPTY,
    Effect.DELETE,
    Effect.DELETE_TREE,
    Effect.CHANGE,
    Effect.CHANGE_TREE,
    Effect.MOVE,
)
_ROWS: Mapping[Zone, tuple[Tier, ...]] = {
    #               read    write   make    empty   delete  tree    change  ch.tree move
    Zone.PROTECTED: (DENY, DENY, DENY, DENY, DENY, DENY, DENY, DENY, DENY),
    Zone.CRITICAL: (NONE, DENY, HIGH, DENY, DENY, DENY, HIGH, DENY, DENY),
    Zone.HOME_ROOT: (NONE, MEDIUM, MEDIUM, DENY, DENY, DENY, HIGH, DENY, DENY),
    Zone.SYSTEM: (NONE, DENY, DENY, DENY, DENY, DENY, HIGH, DENY, DENY),
    Zone.DEVICE: (MEDIUM, DENY, DENY, DENY, DENY, DENY, HIGH, DENY, DENY),
    Zone.SINK: (NONE, NONE, NONE, NONE, DENY, DENY, HIGH, DENY, DENY),
    Zone.SECRET: (HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH),
    Zone.SYSTEM_SECRET: (HIGH, DENY, DENY, DENY, DENY, DENY, HIGH, DENY, DENY),
    Zone.CONFIG: (NONE, MEDIUM, MEDIUM, MEDIUM, MEDIUM, HIGH, MEDIUM, HIGH, MEDIUM),
    Zone.ROOT: (NONE, NONE, NONE, HIGH, HIGH, HIGH, NONE, MEDIUM, HIGH),
    Zone.HISTORY: (NONE, MEDIUM, MEDIUM, HIGH, HIGH, HIGH, MEDIUM, HIGH, HIGH),
    Zone.WORKSPACE: (NONE, NONE, NONE, MEDIUM, MEDIUM, MEDIUM, NONE, NONE, NONE),
    Zone.CACHE: (NONE, NONE, NONE, LOW, LOW, LOW, NONE, NONE, NONE),
    Zone.ROTATED: (NONE, NONE, NONE, LOW, LOW, LOW, NONE, NONE, NONE),
    Zone.TEMP_ROOT: (NONE, NONE, NONE, HIGH, HIGH, HIGH, MEDIUM, HIGH, HIGH),
    Zone.TEMP: (NONE, NONE, NONE, LOW, LOW, LOW, NONE, NONE, NONE),
    Zone.HOME: (NONE, MEDIUM, MEDIUM, MEDIUM, MEDIUM, HIGH, MEDIUM, HIGH, MEDIUM),
    Zone.OUTSIDE: (NONE, MEDIUM, MEDIUM, MEDIUM, MEDIUM, HIGH, MEDIUM, HIGH, MEDIUM),
    Zone.LIKELY: (NONE, MEDIUM, MEDIUM, HIGH, HIGH, HIGH, MEDIUM, HIGH, MEDIUM),
    Zone.UNKNOWN: (NONE, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH),
}
MATRIX: Mapping[Zone, Mapping[Effect, Tier]] = {
    zone: dict(zip(_COLUMNS, tiers, strict=True)) for zone, tiers in _ROWS.items()
}

PLACES: Mapping[Zone, str] = {
    Zone.PROTECTED: "what belongs to Hermes itself or to another process's environment",
    Zone.CRITICAL: "a root of the system",
    Zone.HOME_ROOT: "a whole home",
    Zone.SYSTEM: "a part of the operating system",
    Zone.DEVICE: "a device",
    Zone.SINK: "a standard stream",
    Zone.SECRET: "a place of keys and credentials",
    Zone.SYSTEM_SECRET: "the machine's own passwords and keys",
    Zone.CONFIG: "configuration that other programs obey or run",
    Zone.ROOT: "the whole workspace",
    Zone.HISTORY: "the repository's history",
    Zone.WORKSPACE: "a file of the workspace",
    Zone.CACHE: "a cache or temporary file by its name",
    Zone.ROTATED: "a rotated log",
    Zone.TEMP_ROOT: "the directory of everybody's temporary files",
    Zone.TEMP: "a temporary file",
    Zone.HOME: "the home outside the workspace",
    Zone.OUTSIDE: "a place outside the workspace",
    Zone.LIKELY: "a path that is only partly known",
    Zone.UNKNOWN: "a path that is not known beforehand",
}
_VERBS: Mapping[Effect, str] = {
    Effect.READ: "reads",
    Effect.READ_TREE: "reads everything below",
    Effect.WRITE: "writes to",
    Effect.MAKE: "creates",
    Effect.EMPTY: "empties",
    Effect.DELETE: "deletes",
    Effect.DELETE_TREE: "deletes everything below",
    Effect.CHANGE: "changes the access rights of",
    Effect.CHANGE_TREE: "changes the access rights of everything below",
    Effect.MOVE: "moves away",
}
_TREES = frozenset({Effect.DELETE_TREE, Effect.CHANGE_TREE, Effect.MOVE})
_DELETIONS = frozenset({Effect.DELETE, Effect.DELETE_TREE, Effect.EMPTY})


def judge(effect: Effect, place: Place, context: Context) -> tuple[Tier, str]:
    """Return the tier of an effect on a place and the sentence that says why."""
    why = f"{_VERBS[effect]} {PLACES[place.zone]}"
    if effect in _TREES and covers_home(place.path, context):
        return Tier.DENY, f"{_VERBS[effect]} a directory that holds Hermes' own home"
    if effect is Effect.READ_TREE:
        return _read_tree(place, context, why)
    tier = MATRIX[place.zone][effect]
    if (
        DEEP in place.path
        and tier < Tier.HIGH
        and covers_home(place.path.split(DEEP)[0].rstrip("/") or "/", context)
    ):
        # What lies below is named by a pattern, which may match Hermes' own files.
        return Tier.HIGH, f"{_VERBS[effect]} files below a directory that holds Hermes' own home"
    if tier is Tier.LOW and not _is_named(place):
        return Tier.MEDIUM, f"{why}, but the name is not exact"
    return tier, why


def _read_tree(place: Place, context: Context, why: str) -> tuple[Tier, str]:
    if covers_home(place.path, context) and place.zone is not Zone.PROTECTED:
        return Tier.HIGH, "reads a directory that holds Hermes' own home"
    if covers_secrets(place.path, context):
        return Tier.HIGH, f"{_VERBS[Effect.READ_TREE]} {PLACES[Zone.SECRET]}"
    return MATRIX[place.zone][Effect.READ], why


def _is_named(place: Place) -> bool:
    """Low needs a name: no trailing slash, which would follow a link, and no pattern that matches anything."""
    *parents, name = place.path.split("/")
    exact = not any(is_bare_glob(part) for part in parents if part != DEEP)
    return exact and not is_bare_glob(name) and not place.trailing_slash


def is_deletion(effect: Effect) -> bool:
    """Tell whether the effect destroys content."""
    return effect in _DELETIONS
