"""What a recipe remembers from run to run: JSON, read leniently, since a job's settings may have changed in between."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# What has left a source seldom returns to it; so many of those are remembered beside what it shows now.
SEEN_BEFORE = 200


def loaded(cursor: str) -> dict[str, Any]:
    """Return what was remembered; nothing where it cannot be read."""
    try:
        found = json.loads(cursor) if cursor else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def dumped(values: Mapping[str, Any]) -> str:
    """Return values as a cursor."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def group(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a group of what was remembered; nothing where it is not one."""
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def words(values: Mapping[str, Any], name: str) -> list[str]:
    """Return a list of texts of what was remembered."""
    found = values.get(name)
    return [str(one) for one in found] if isinstance(found, list) else []


def number(values: Mapping[str, Any], name: str) -> int:
    """Return a number of what was remembered, 0 where there is none."""
    found = values.get(name)
    return found if isinstance(found, int) else 0


def digest(text: str) -> str:
    """Return a short name of a text for comparing."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def remembered(now: Iterable[str], before: Sequence[str]) -> list[str]:
    """Return digests seen now and before, those of now first; the list does not grow without end.

    Nor does it shrink: a source that shows nothing for once may show everything again.
    """
    present = dict.fromkeys(now)
    gone = [one for one in dict.fromkeys(before) if one not in present]
    return [*present, *gone[: max(SEEN_BEFORE, len(before) - len(present))]]
