"""What all parts of the gate work with, and the pieces of a unit of work that several of them need."""

from collections.abc import Callable
from dataclasses import dataclass

from approvals import wording
from approvals.notifier import Notifier
from approvals.policy import Policy
from approvals.settings import ApprovalSettings
from kernel.approvals import Approval, Runs
from kernel.clock import Clock
from kernel.messages import Inbound, InboundKind, Sender
from kernel.ports import ToolCaller
from kernel.risk import Tier
from store import approvals, inbox, journal, outbox, sessions, turns
from store.database import Database
from store.inbox import Verdict
from store.units import Unit


@dataclass(slots=True)
class Room:
    """The gate's surroundings; ``redact`` removes secrets from what is stored of a result and shown."""

    database: Database
    clock: Clock
    settings: ApprovalSettings
    policy: Policy
    notifier: Notifier
    caller: ToolCaller
    redact: Callable[[str], str]

    def step_up(self, tier: Tier, word: str) -> bool:
        """Tell whether a tier needs a certain second step."""
        return tier is Tier.HIGH and self.settings.step_up == word


def show(tx: Unit, room: Room, approval: Approval) -> None:
    """Owe the edits that bring every card of a request up to date."""
    outbox.add_all(tx, room.notifier.changed(tx, approval))


def conclude(tx: Unit, room: Room, approval: Approval) -> None:
    """Commit what follows from a request that is over: the call's result, the turn that continues, the cards."""
    if approval.runs is Runs.HERE:
        _continue(tx, approval, wording.told(approval))
    show(tx, room, approval)


def _continue(tx: Unit, approval: Approval, told: str) -> None:
    if approval.turn_id:
        journal.finish(tx, approval.turn_id, approval.call_key, told)
        turns.settle(tx, approval.turn_id)
    if not approval.session_id or approval.origin is None:
        return
    session = sessions.get(tx, approval.session_id)
    if session.closed:
        return
    # The turn that continues is the person's whose turn it was, wherever the approver sits.
    sender = Sender(approval.behalf.partition(":")[2])
    key = f"approval:{approval.id}"
    inbound = Inbound(approval.origin, key, "", sender, InboundKind.INTERNAL, told, session.private)
    inbox.add(tx, inbound, Verdict("admit", session=lambda _: session.id))


def close(tx: Unit, room: Room, id: str, event: str, *, actor: str = "system", reason: str = "") -> Approval:
    """Move a request to an end in which nothing runs, and commit what follows from it."""
    columns: dict[str, str | int] = {"ended_at": tx.now} | ({"reason": reason} if reason else {})
    over = approvals.move(tx, id, event, actor=actor, **columns)
    conclude(tx, room, over)
    return over
