"""Identifiers: random, short enough to read aloud where a person types them."""

import random
import secrets
from typing import Protocol

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"


class Randomness(Protocol):
    """The part of ``random.Random`` that ids and jitter use."""

    def choice(self, seq: str) -> str:
        """Return one character of ``seq``."""
        ...

    def random(self) -> float:
        """Return a float in [0, 1)."""
        ...


_sources: list[Randomness] = [secrets.SystemRandom()]


def seed(value: int | None) -> None:
    """Feed ids and jitter from one seed so that a run can be repeated; ``None`` returns to the system's randomness.

    Secrets (tokens, pairing codes) never come from here.
    """
    _sources[0] = secrets.SystemRandom() if value is None else random.Random(value)  # noqa: S311 - no secrets


def new_id(prefix: str, length: int = 10) -> str:
    """Return an id such as ``"t_7kq2m9xwab"``; ten characters hold 49 bits."""
    return f"{prefix}_" + "".join(_sources[0].choice(ALPHABET) for _ in range(length))


def jitter() -> float:
    """Return a float in [0, 1) for spreading retries."""
    return _sources[0].random()
