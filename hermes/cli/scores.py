"""Scores as the command line shows them: every term, and what they sum to."""

from collections.abc import Iterator
from typing import Any


def of_score(label: str, found: Any) -> Iterator[str]:
    """Yield the lines of a score."""
    yield f"{label} {found['total']:g}"
    for term in found["terms"]:
        yield f"  {term['points']:+8.2f}  {term['words']}"


def of_task(found: Any) -> Iterator[str]:
    """Yield who gets a task and why, what others would score, and what it is worth."""
    yield f"assignee: {found['assignee'] or 'nobody'} ({found['reason']})"
    if found["chosen"]["terms"]:
        yield from of_score("score when it was given:", found["chosen"])
    for one in found["candidates"]:
        if one["refused"]:
            yield f"{one['agent']}: no, {one['refused']}"
        else:
            yield from of_score(f"{one['agent']}:", one["score"])
    yield from of_score(f"complexity {found['complexity']}, worth", found["worth"])
    for one in found["awards"]:
        yield f"{one['agent']} got {one['xp']} XP"
