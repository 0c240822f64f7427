"""Risk tiers and what a classification says; the same words for shell text, files, requests and platform sends."""

from dataclasses import dataclass
from enum import IntEnum


class Tier(IntEnum):
    """How an action is asked about, from the least to the most restrictive."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    DENY = 4

    def __str__(self) -> str:
        return self.name.lower()

    @classmethod
    def named(cls, name: str) -> "Tier":
        """Return the tier called ``name`` (``none`` … ``deny``); an unknown name raises ``ValueError``."""
        try:
            return cls[name.upper()]
        except KeyError:
            raise ValueError(
                f"There is no risk tier {name!r}; use none, low, medium, high or deny."
            ) from None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an action has a tier: the rule's stable name, a sentence, and the piece of text it is about.

    ``text`` has its invisible and look-alike characters escaped, so that it may be shown to a person.
    """

    tier: Tier
    rule: str
    why: str
    text: str

    def as_json(self) -> dict[str, str]:
        """Return the reason as plain strings."""
        return {"tier": str(self.tier), "rule": self.rule, "why": self.why, "text": self.text}


@dataclass(frozen=True, slots=True)
class PathUse:
    """A path that a command touches: the effect (``read``, ``write``, ``delete_tree`` …) and where, absolute."""

    effect: str
    path: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One simple command of a text with its own tier.

    ``argv`` is the resolved argument vector, or ``None`` when it is not statically known.
    ``scripts`` are the absolute paths of script files it would run; their digests belong to an approval.
    """

    text: str
    tier: Tier
    argv: tuple[str, ...] | None = None
    paths: tuple[PathUse, ...] = ()
    scripts: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return the segment as JSON values."""
        return {
            "text": self.text,
            "tier": str(self.tier),
            "argv": list(self.argv) if self.argv is not None else None,
            "paths": [{"effect": use.effect, "path": use.path} for use in self.paths],
            "scripts": list(self.scripts),
        }


@dataclass(frozen=True, slots=True)
class Classification:
    """The verdict on one text: its tier, the reasons from the gravest down, its commands and its digest.

    ``digest`` is the SHA-256 of the exact bytes that were classified, in hexadecimal. ``argv`` is set
    when the whole text is one simple command that can run without a shell.
    """

    tier: Tier
    reasons: tuple[Reason, ...]
    segments: tuple[Segment, ...]
    digest: str
    argv: tuple[str, ...] | None = None

    def as_json(self) -> dict[str, object]:
        """Return the verdict as JSON values: ``tier``, ``reasons``, ``segments``, ``digest``."""
        return {
            "tier": str(self.tier),
            "reasons": [reason.as_json() for reason in self.reasons],
            "segments": [segment.as_json() for segment in self.segments],
            "digest": self.digest,
        }
