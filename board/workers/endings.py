"""What the end of a turn means for the attempt it belongs to."""

import json

from kernel.states import TurnState
from kernel.tasks import AttemptOutcome, Ended, Used
from store.agentwork import AgentTurn

# What providers say when they are asked too often, in the words of the agent room.
RATE_LIMITED = ("rate limit", "is overloaded")
LATER_SECONDS = 120.0
# What trying again does not change.
LASTING = (
    "has no credit left",
    "refuses the key",
    "is not known to its provider",
    "budget is used up",
    "was told to fail",
    "needs a language model",
)


def ending(turn: AgentTurn, submitted: str, used: Used, owed: str = "") -> Ended:
    """Return what the end of a turn means for its attempt: what was submitted counts, else what was said.

    ``owed`` is the tool whose call alone ends this part of the work.
    """
    if turn.state is TurnState.CANCELLED:
        reaction = "It was stopped. Reclaim it, or say in its thread how to go on."
        return Ended(AttemptOutcome.RELEASED, "Stopped by a person.", used=used, reaction=reaction)
    if turn.state is TurnState.FAILED:
        error = turn.error or turn.said or "The agent failed."
        folded = error.casefold()
        if any(words in folded for words in RATE_LIMITED):
            return Ended(AttemptOutcome.RELEASED, error, used=used, retry_after=LATER_SECONDS)
        lasting = any(words in folded for words in LASTING)
        return Ended(AttemptOutcome.FAILED, error, used=used, lasting=lasting)
    if not submitted and owed:
        return Ended(AttemptOutcome.FAILED, f"It ended without {owed}, its only result.", used=used)
    if not submitted:
        return Ended(AttemptOutcome.SUCCEEDED, result=turn.said, used=used)
    return _submitted(json.loads(submitted), used)


def _submitted(said: dict[str, str], used: Used) -> Ended:
    summary = said["summary"]
    match said["outcome"]:
        case "blocked":
            return Ended(
                AttemptOutcome.RELEASED, summary, used=used, reaction=summary, owner=said.get("owner", "")
            )
        case "handed_off":
            return Ended(AttemptOutcome.HANDED_OFF, summary, used=used, owner=said.get("owner", ""))
        case "failed":
            return Ended(AttemptOutcome.FAILED, summary, used=used)
        case _:
            notes, reviewer = said.get("notes", ""), said.get("reviewer", "")
            return Ended(AttemptOutcome.SUCCEEDED, result=summary, used=used, notes=notes, reviewer=reviewer)
