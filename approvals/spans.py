"""Lengths of time as people write them."""

import math
import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|)")


def seconds(value: object) -> float:
    """Return the seconds of ``90``, ``"90s"``, ``"10m"``, ``"2h"`` or ``"7d"``; raise ValueError for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError("a length of time is seconds, or like 90s, 10m, 2h or 7d")
    return float(found[1]) * SECONDS[found[2]]


Span = Annotated[
    float,
    BeforeValidator(seconds),
    WithJsonSchema(
        {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^\d+(\.\d+)?(s|m|min|h|d)?$"}]}
    ),
]
