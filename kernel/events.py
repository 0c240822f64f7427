"""Events: what happened, in order, as ids and digests; never message bodies."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the audit trail.

    ``seq`` grows by one, ``at`` is milliseconds since the epoch, ``kind`` is ``"noun.verb"`` (``"outbox.sent"``),
    ``subject`` is the id of what it is about, ``actor`` is who caused it (``"system"``, ``"telegram:123"``, ``"cli"``).
    """

    seq: int
    at: int
    kind: str
    subject: str
    actor: str = "system"
    body: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
