"""The figures of the crew, read from ``rules.toml``; everything that is computed from them is a sum of named terms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from board.crew.profiles import toml_of
from kernel.tasks import Brief, Workspace
from store.crew import Standing, as_counts

MOST_COMPLEXITY = 5
MINUTE_MS = 60_000
HIGHEST = 100.0
Terms = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class BadgeRule:
    """A badge, and the least counts that earn it."""

    name: str
    title: str
    sentence: str
    needs: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Level:
    """A level: its number from 1, its name, and the experience it begins and ends with (0: it does not end)."""

    number: int
    name: str
    begins: int
    ends: int


def read(path: Path) -> Mapping[str, Any]:
    """Read a file of rules; raise ConfigError."""
    return toml_of(path)


RULES: Mapping[str, Any] = read(Path(__file__).with_name("rules.toml"))
BADGES: Sequence[BadgeRule] = tuple(
    BadgeRule(one["name"], one["title"], one["sentence"], one["needs"]) for one in RULES["badge"]
)


def complexity(brief: Brief, planned: int = 0) -> int:
    """Return a task's complexity, 1 to 5: what its template says, else what its texts suggest."""
    if planned:
        return planned
    rules = RULES["complexity"]
    holds = (
        len(brief.description) >= rules["long_text"],
        len(brief.description) >= rules["very_long_text"],
        len(brief.skills) >= rules["skills"],
        len(brief.acceptance) >= rules["acceptance"],
        bool(rules["needs_worktree"]) and brief.workspace is Workspace.WORKTREE,
    )
    return min(MOST_COMPLEXITY, 1 + sum(holds))


def experience(level: int, used_ms: int, *, approved: bool) -> Terms:
    """Return what a finished task of a complexity brings, as terms; ``used_ms`` is the time at work on it."""
    terms: list[tuple[str, float]] = [(f"complexity {level}", RULES["xp"]["complexity"] * level)]
    expected = RULES["expected"]["minutes"][level - 1]
    part = used_ms / (expected * MINUTE_MS)
    quick = next((rule for rule in RULES["speed"] if part <= rule["within"]), None)
    if used_ms > 0 and quick is not None:
        terms.append((f"within {round(quick['within'] * 100)} % of {expected} minutes", quick["xp"]))
    if approved:
        terms.append(("approved by a review", RULES["xp"]["approval"]))
    return tuple(terms)


def reputation(found: Standing) -> Terms:
    """Return an agent's reputation as terms that sum to 0-100."""
    counts, rules = as_counts(found), RULES["reputation"]
    terms: list[tuple[str, float]] = [("everybody begins with", rules["base"])]
    for name, rule in rules["counts"].items():
        value = rule["each"] * counts[name]
        held = max(-rule["most"], min(rule["most"], value))
        if held:
            terms.append((f"{counts[name]} {name}", held))
    total = sum(value for _, value in terms)
    if not 0 <= total <= HIGHEST:
        terms.append(("it stays within 0 and 100", max(0.0, min(HIGHEST, total)) - total))
    return tuple(terms)


def total(terms: Terms) -> float:
    """Return what terms sum to."""
    return sum(value for _, value in terms)


def level_of(xp: int) -> Level:
    """Return the level that so much experience is."""
    begins: Sequence[int] = RULES["levels"]["xp"]
    number = sum(xp >= least for least in begins)
    ends = begins[number] if number < len(begins) else 0
    return Level(number, RULES["levels"]["names"][number - 1], begins[number - 1], ends)


def earned(found: Standing) -> list[BadgeRule]:
    """Return the badges that an agent's counts earn."""
    counts = as_counts(found)
    return [one for one in BADGES if all(counts[name] >= least for name, least in one.needs.items())]
