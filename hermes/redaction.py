"""Taking secrets out of text before anybody sees it."""

import json
import re
from collections.abc import Iterable

MARK = "[redacted]"

# Shapes of well-known secrets; the part outside the named group stays, so that a reader sees what was there.
SHAPES = re.compile(
    r"""
      (?<!\d)\d{6,14}:[A-Za-z0-9_-]{30,}                # Telegram bot token, also behind "bot" in an address
    | \b[A-Za-z0-9_-]{20,30}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}   # Discord bot token
    | \bhermes_[a-z]{2,8}_[A-Za-z0-9_-]{20,}            # our own
    | \b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}                 # OpenAI, Anthropic, OpenRouter …
    | \bxox[a-z]-[A-Za-z0-9-]{10,} | \bxapp-[A-Za-z0-9-]{10,}
    | \bhooks\.slack\.com/services/[A-Za-z0-9/]+
    | \b(?:gh[pousr]_|github_pat_|glpat-|hf_|gsk_|xai-|AKIA|AIza)[A-Za-z0-9_-]{12,}
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+    # JSON web token
    | (?<=[Bb]earer\ )[A-Za-z0-9._~+/=-]{8,}
    | (?<=://)[^\s/@:]{1,200}:[^\s/@]{1,200}(?=@)       # user:password in an address
    """,
    re.VERBOSE,
)

# Shorter configured values would take ordinary words out of every line.
SHORTEST = 6


class Redactor:
    """Replaces the secrets it has learned, and whatever has the shape of one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Add secrets; what was learned stays, because an old one may still be quoted."""
        long = {secret for secret in secrets if len(secret) >= SHORTEST}
        # Inside JSON a quote or backslash is written in another way.
        self._known |= long | {json.dumps(secret, ensure_ascii=False)[1:-1] for secret in long}
        longest_first = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, text: str) -> str:
        if self._pattern is not None:
            text = self._pattern.sub(MARK, text)
        return SHAPES.sub(MARK, text)
