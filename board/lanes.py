"""The lanes: who executes a task. ``agent``, ``process``, ``manual``, or a coding agent by its name, ``acp:NAME``."""

from collections.abc import Sequence

from kernel.errors import InvalidInput

AGENT, PROCESS, MANUAL, CODER = "agent", "process", "manual", "acp"


def kind(lane: str) -> str:
    """Return what kind of worker executes a lane."""
    return lane.partition(":")[0]


def coder(lane: str) -> str:
    """Return the coding agent of a lane, or an empty name."""
    name, _, agent = lane.partition(":")
    return agent if name == CODER else ""


def converses(lane: str) -> bool:
    """Tell whether an attempt of a lane is a conversation, which hears what people say to it."""
    return kind(lane) in (AGENT, CODER)


def checked(lane: str, coders: Sequence[str]) -> str:
    """Return a lane; raise InvalidInput where its coding agent is not known."""
    if (name := coder(lane)) and name not in coders:
        raise InvalidInput(f"There is no coding agent {name}.", remedy=f"There are {', '.join(coders)}.")
    return lane
