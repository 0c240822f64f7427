"""How an attempt of a coding agent ended: by what it said in its last message, or by why it could not go on."""

import logging
import re
from dataclasses import dataclass
from pathlib import Path

from agent.acp import words
from agent.tools.places import inside
from board import working
from board.files import Given, keep
from board.room import Room
from board.workers import endings
from kernel.errors import HermesError
from kernel.states import TurnState
from kernel.tasks import Attempt, AttemptOutcome, Ended, Used
from store.agentwork import AgentTurn

log = logging.getLogger(__name__)

LINE = re.compile(r"^::(artifact|milestone|blocked|failed) +(.+)$")
MOST_FILES = 20
MOST_MILESTONES = 20
MILESTONE_LENGTH = 500
# Why a turn failed, in the words of the agent room, and how the attempt ended with it.
CRASHED = (words.BROKE,)
TIMED_OUT = (words.SILENT, words.TOO_LONG)
# What trying again does not change.
LASTING = (
    words.REFUSED,
    words.MISSING,
    words.LOGGED_OUT,
    words.OTHER_VERSION,
    words.UNKNOWN,
    words.NO_MODE,
)


@dataclass(frozen=True, slots=True)
class Spoken:
    """A last message: its text, and what its lines of their own say, each the texts behind one word."""

    text: str
    artifacts: tuple[str, ...] = ()
    milestones: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


def spoken(said: str) -> Spoken:
    """Read a last message."""
    lines = said.splitlines()
    found = [match.groups() for line in lines if (match := LINE.match(line.strip()))]
    text = "\n".join(line for line in lines if not LINE.match(line.strip())).strip()

    def behind(word: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(what.strip() for name, what in found if name == word))

    return Spoken(text, behind("artifact"), behind("milestone"), behind("blocked"), behind("failed"))


def meant(turn: AgentTurn, used: Used) -> Ended:
    """Return what the end of a turn means: what it was stopped, broken or refused by, else what was said in it."""
    if turn.state is TurnState.FAILED:
        return _broken(_reason(turn), turn, used)
    if turn.state is TurnState.CANCELLED:
        return endings.ending(turn, "", used)
    said = spoken(turn.said)
    if said.blocked:
        reason = "; ".join(said.blocked)
        return Ended(AttemptOutcome.RELEASED, reason, result=said.text, used=used, reaction=reason)
    if said.failed:
        return Ended(AttemptOutcome.FAILED, "; ".join(said.failed), used=used)
    return Ended(AttemptOutcome.SUCCEEDED, result=said.text, used=used)


def _reason(turn: AgentTurn) -> str:
    """Return why a turn failed, with the way out where the person was told one."""
    error = turn.error or turn.said or "The coding agent failed."
    place = turn.said.rfind(error)
    return turn.said[place:].strip() if place >= 0 else error


def _broken(error: str, turn: AgentTurn, used: Used) -> Ended:
    if any(part in error for part in CRASHED):
        return Ended(AttemptOutcome.CRASHED, error, used=used)
    if any(part in error for part in TIMED_OUT):
        return Ended(AttemptOutcome.TIMED_OUT, error, used=used)
    if any(part in error for part in LASTING):
        return Ended(AttemptOutcome.FAILED, error, used=used, lasting=True)
    return endings.ending(turn, "", used)


async def ended(room: Room, attempt: Attempt, turn: AgentTurn, used: Used) -> Ended:
    """Return how an attempt ended, its files and milestones kept before that is stored."""
    if turn.state is TurnState.DONE:
        said = spoken(turn.said)
        await _milestones(room, attempt, said)
        lost = [
            sentence for path in said.artifacts[:MOST_FILES] if (sentence := await _kept(room, attempt, path))
        ]
        if lost:
            turn = AgentTurn(
                turn.id, turn.session_id, turn.state, turn.error, "\n".join((turn.said, "", *lost))
            )
    return meant(turn, used)


async def _milestones(room: Room, attempt: Attempt, said: Spoken) -> None:
    for text in said.milestones[:MOST_MILESTONES]:
        told = room.redact(text)[:MILESTONE_LENGTH]
        try:
            await room.database.write(
                working.milestone, attempt.task_id, attempt.epoch, told, actor=attempt.agent
            )
        except HermesError as error:
            # The end of the attempt matters more than what was reached on the way.
            log.info("A milestone of task %s was not stored: %s", attempt.task_id, error)


async def _kept(room: Room, attempt: Attempt, path: str) -> str:
    """Keep one file of the attempt's folder; return why it could not be kept, else nothing."""
    try:
        file = inside(Path(attempt.workspace), path)
        await keep(room, attempt.task_id, Given(file, "artifact", attempt.agent, attempt.epoch))
    except (HermesError, OSError) as error:
        return f"{path} was not handed over: {error}"
    return ""
