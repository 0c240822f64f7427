"""What becomes of an attempt whose turn a limit ended: it goes on in another turn as far as it may, or it ends."""

from dataclasses import replace

from board import limits
from board.settings import BoardSettings
from kernel.states import TurnState
from kernel.tasks import Attempt, AttemptOutcome, Ended, Used
from store import agentwork, inbox, tasks
from store.agentwork import AgentTurn
from store.inbox import Verdict
from store.units import Unit

GO_ON = "A limit ended your turn, not your work: {why} Go on where you were; task_submit ends the work."


def is_cut(turn: AgentTurn) -> bool:
    """Tell whether a limit ended a turn before the agent did."""
    return turn.state is TurnState.DONE and bool(turn.error)


def go_on(
    tx: Unit, settings: BoardSettings, attempt: Attempt, turn: AgentTurn, used: Used, *, offline: bool
) -> Ended | None:
    """Begin another turn of an attempt and return ``None``, or return how the attempt ends.

    It ends where the task's budget is spent, which somebody has to raise, and after so many turns that it does not
    look as if it came to an end by itself. The offline operator knows nothing to go on with.
    """
    if reason := limits.overspent(tasks.get(tx, attempt.task_id), used):
        return Ended(AttemptOutcome.RELEASED, turn.error, used=used, reaction=reason)
    count = len(agentwork.turns_since(tx, attempt.session_id, attempt.inbox_id))
    first = inbox.get(tx, attempt.inbox_id)
    if offline or first is None:
        return Ended(AttemptOutcome.FAILED, turn.error, used=used, lasting=True)
    if count >= settings.turns:
        return Ended(AttemptOutcome.FAILED, f"No end after {count} turns. {turn.error}", used=used)
    key = f"task:{attempt.task_id}:{attempt.epoch}:turn:{turn.id}"
    said = replace(first.inbound, key=key, text=GO_ON.format(why=turn.error))
    inbox.add(tx, said, Verdict("admit", session=lambda _: attempt.session_id))
    return None
