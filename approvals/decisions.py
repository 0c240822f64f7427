"""Decisions: who may take them, what each does, and the honest answer to the one who tapped."""

import asyncio
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from approvals import grants as permissions
from approvals import requests, wording
from approvals.clock import Deadlines
from approvals.execution import Execution
from approvals.policy import Assessed
from approvals.room import Room, conclude, show
from kernel.approvals import (
    ActionKind,
    Approval,
    Grant,
    How,
    Outcome,
    Reach,
    Runs,
    Verdict,
    edited,
)
from kernel.crashpoints import crashpoint
from kernel.errors import Stale
from kernel.people import Principal, Role, Scope
from kernel.risk import Tier
from kernel.states import ApprovalState
from kernel.transitions import APPROVAL
from store import approvals, journal, outbox
from store import grants as granted
from store.units import Unit

CODE_TRIES = 5
CODE_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody decided: ``text`` is an edited text, ``code`` the one from a second channel."""

    principal: Principal
    how: How
    reason: str = ""
    text: str | None = None
    reach: Reach = Reach.EXACT
    code: str = ""


def objection(principal: Principal, approval: Approval, approvers: tuple[str, ...]) -> str:
    """Return why a principal may not decide a request, ``""`` where they may."""
    if principal.id == approval.requester:
        return "You asked for this yourself; somebody else has to decide."
    if principal.role < Role.OPERATOR:
        return "Only operators and owners decide."
    program = bool(principal.scopes) or principal.id.startswith("token:")
    if program and not principal.may(Scope.APPROVALS_DECIDE):
        return f"This token lacks the scope {Scope.APPROVALS_DECIDE}."
    if approvers and principal.id not in approvers:
        return "You are not among the approvers."
    return ""


class Decisions:
    """Takes decisions; of several at the same moment the first that is valid counts."""

    def __init__(self, room: Room, execution: Execution, deadlines: Deadlines) -> None:
        self._room = room
        self._execution = execution
        self._deadlines = deadlines

    async def decide(self, ref: str | Approval, choice: Choice) -> Verdict:
        """Decide a request that was just read, or the one with an id or short name."""
        crashpoint("approval.after_tap")
        found = ref if isinstance(ref, Approval) else await self._room.database.read(approvals.by_ref, ref)
        if found is None:
            return Verdict(Outcome.UNKNOWN, "There is no such request.")
        verdict = self._not_possible(found, choice) or await self._take(found, choice)
        if verdict.outcome is not Outcome.APPLIED:
            await self._room.database.write(_note_tap, found, choice, verdict.outcome)
        return verdict

    async def obstacle(self, found: Approval, choice: Choice) -> Verdict | None:
        """Return why a decision could not be taken now, ``None`` where it could."""
        return self._not_possible(found, choice) or (None if found.open else await self._over(found))

    def _not_possible(self, found: Approval, choice: Choice) -> Verdict | None:
        if why := objection(choice.principal, found, self._room.settings.approvers):
            return Verdict(Outcome.NOT_YOURS, why, found)
        if not found.open:
            return None
        if why := permissions.obstacle(found, choice.principal, choice.how, choice.reach):
            return Verdict(Outcome.NOT_POSSIBLE, why, found)
        return None

    async def _take(self, found: Approval, choice: Choice) -> Verdict:
        if found.open and found.expires_at <= self._room.clock.now():
            self._deadlines.wake()
            return Verdict(Outcome.EXPIRED, "Its time is over, which counts as no.", found)
        if not found.open:
            return await self._over(found)
        try:
            return await self._apply(found, choice)
        except Stale:
            return await self._over(await self._room.database.read(approvals.get, found.id))

    async def _over(self, found: Approval) -> Verdict:
        """Tell what became of a request that somebody, or time, was quicker with."""
        if found.state is ApprovalState.EXPIRED:
            return Verdict(Outcome.EXPIRED, wording.decided(found), found)
        if found.state is ApprovalState.VOID:
            follower = await self._room.database.read(approvals.follower, found.id)
            return Verdict(Outcome.SUPERSEDED, wording.decided(found), found, follower)
        return Verdict(Outcome.ALREADY, wording.decided(found), found)

    async def _apply(self, found: Approval, choice: Choice) -> Verdict:
        match choice.how:
            case How.REFUSE:
                return await self._refuse(found, choice)
            case How.HOLD | How.RELEASE:
                return await self._hold(found, choice)
            case How.ONCE | How.SESSION | How.ALWAYS | How.RUN_NOW:
                return await self._approve(found, choice)

    async def _refuse(self, found: Approval, choice: Choice) -> Verdict:
        refused = await self._room.database.write(_refuse, self._room, found.id, choice)
        crashpoint("approval.after_decision")
        return Verdict(Outcome.APPLIED, wording.applied(refused, choice.how), refused)

    async def _hold(self, found: Approval, choice: Choice) -> Verdict:
        if found.state not in APPROVAL.sources(choice.how):
            return Verdict(Outcome.ALREADY, wording.decided(found), found)
        left = self._deadlines.remaining(found)
        now = await self._room.database.write(_hold, self._room, found.id, choice, left)
        return Verdict(Outcome.APPLIED, wording.applied(now, choice.how), now)

    async def _approve(self, found: Approval, choice: Choice) -> Verdict:
        if choice.text is not None and choice.text != found.action.text:
            return await self._approve_edited(found, choice, choice.text)
        if drift := await self._execution.drifted(found):
            return _drifted(found, *drift)
        if self._room.step_up(found.tier, "code") and (verdict := await self._second_step(found, choice)):
            return verdict
        return await self._commit(found, choice)

    async def _commit(self, found: Approval, choice: Choice) -> Verdict:
        given = permissions.grant(
            found, choice.principal, choice.how, choice.reach, self._room.settings, self._room.clock.now()
        )
        approved = await self._room.database.write(_approve, self._room, found.id, choice, given)
        return await self._decided(approved, choice)

    async def _decided(self, approval: Approval, choice: Choice) -> Verdict:
        if approval.open:
            if approval.escalation == 0:
                self._deadlines.call_next(approval.id)
            sentence = f"Counted: {approval.needed} approvers have to agree."
            return Verdict(Outcome.COUNTED, sentence, approval)
        crashpoint("approval.after_decision")
        if approval.runs is Runs.HERE and approval.state is ApprovalState.APPROVED:
            # The action is what everybody waits for: it begins before anything else that comes of the decision.
            await self._execution.spawn(approval, fresh=True).wait()
        return Verdict(Outcome.APPLIED, wording.applied(approval, choice.how), approval)

    async def _approve_edited(self, found: Approval, choice: Choice, text: str) -> Verdict:
        """Judge an edited action afresh; graver than the one that was shown, it is asked anew."""
        room = self._room
        if not found.action.editable:
            return Verdict(Outcome.NOT_POSSIBLE, "This cannot be edited.", found)
        assessed = await asyncio.to_thread(room.policy.assess, edited(found.action, text))
        if assessed.tier is Tier.DENY:
            return Verdict(Outcome.NOT_POSSIBLE, wording.refusal(assessed), found)
        new = requests.draft(room, assessed, requests.asker_of(found), supersedes=found.id)
        why = f"{choice.principal.name or choice.principal.id} edited it."
        if _needs_more(found, assessed, room):
            asked = await room.database.write(requests.replace_with, room, found, new, requests.names(), why)
            sentence = f"Edited; as {asked.tier} risk it is asked anew."
            return Verdict(Outcome.SUPERSEDED, sentence, found, asked)
        approved = await room.database.write(
            _replace_and_approve, room, found, new, requests.names(), why, choice
        )
        return await self._decided(approved, choice)

    async def _second_step(self, found: Approval, choice: Choice) -> Verdict | None:
        """Ask for the code that a second channel received; ``None`` when the right one was given."""
        room = self._room
        if choice.code:
            if await room.database.write(_check_code, found.id, choice.code):
                return None
            return Verdict(Outcome.CODE_NEEDED, "That is not the code.", found)
        code = "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS))
        if not await room.database.write(_send_code, room, found, code, choice.principal.id):
            sentence = "High risk needs a code from a second channel, and there is none."
            return Verdict(Outcome.NOT_POSSIBLE, sentence, found)
        sentence = f"A code went to your other channel: /approve {found.short} CODE"
        return Verdict(Outcome.CODE_NEEDED, sentence, found)

    async def ask_again(self, ref: str, principal: Principal) -> Verdict:
        """Ask anew for what expired or became void; for those who may decide it, and for whose turn it was."""
        room = self._room
        found = await room.database.read(approvals.by_ref, ref)
        if found is None:
            return Verdict(Outcome.UNKNOWN, "There is no such request.")
        why = objection(principal, found, room.settings.approvers)
        if why and principal.id != found.behalf:
            return Verdict(Outcome.NOT_YOURS, why, found)
        if found.state not in (ApprovalState.EXPIRED, ApprovalState.VOID):
            return await self._over(found)
        if follower := await room.database.read(approvals.follower, found.id):
            return Verdict(Outcome.SUPERSEDED, "It was asked anew already.", found, follower)
        assessed = await asyncio.to_thread(requests.assessed_again, room, found)
        if assessed.tier is Tier.DENY:
            return Verdict(Outcome.NOT_POSSIBLE, wording.refusal(assessed), found)
        new = requests.draft(room, assessed, requests.asker_of(found), supersedes=found.id)
        asked = await room.database.write(requests.commit, room, new, requests.names())
        return Verdict(Outcome.APPLIED, "Asked again.", found, asked)

    async def settle(self, ref: str, principal: Principal, *, happened: bool, note: str = "") -> Verdict:
        """Store a person's word on an action whose outcome a crash left unknown."""
        room = self._room
        found = await room.database.read(approvals.by_ref, ref)
        if found is None:
            return Verdict(Outcome.UNKNOWN, "There is no such request.")
        if why := objection(principal, found, room.settings.approvers):
            return Verdict(Outcome.NOT_YOURS, why, found)
        if found.state is not ApprovalState.UNKNOWN and not _carried_elsewhere(found):
            return await self._over(found)
        told = wording.settled(found, happened=happened, note=note)
        try:
            done = await room.database.write(_settle, room, found.id, principal.id, told)
        except Stale:
            return await self._over(await room.database.read(approvals.get, found.id))
        sentence = "Noted." if done.runs is Runs.ASKER else "Noted; the agent is told."
        return Verdict(Outcome.APPLIED, sentence, done)


def _drifted(found: Approval, why: str, asked: Approval | None) -> Verdict:
    then = "It was asked anew." if asked is not None else "It may not run."
    return Verdict(Outcome.DRIFTED, f"Not run: {why} {then}", found, asked)


def _needs_more(found: Approval, assessed: Assessed, room: Room) -> bool:
    second = room.step_up(assessed.tier, "second_approver") or room.step_up(assessed.tier, "code")
    return assessed.tier > found.tier or second


def _note_tap(tx: Unit, found: Approval, choice: Choice, outcome: Outcome) -> None:
    approvals.note(tx, found, "tap", actor=choice.principal.id, how=choice.how, outcome=outcome)


def _decided_columns(tx: Unit, choice: Choice) -> dict[str, str | int]:
    principal = choice.principal
    return {
        "decided_by": principal.id,
        "decided_name": principal.name,
        "decided_how": choice.how,
        "decided_at": tx.now,
        "reason": choice.reason,
    }


def _live(tx: Unit, id: str) -> Approval:
    """Return a request that is still in time; a decision that comes with its end is too late."""
    known = approvals.get(tx, id)
    if known.open and known.expires_at <= tx.now:
        raise Stale("The request's time is over.")
    return known


def _approve(tx: Unit, room: Room, id: str, choice: Choice, given: Grant | None) -> Approval:
    """Count an approval and, where enough agree, commit the decision with the permission it gives."""
    known = _live(tx, id)
    agreeing = approvals.vote(tx, id, choice.principal.id, choice.principal.name)
    if known.open and agreeing < known.needed:
        approvals.note(tx, known, "vote", actor=choice.principal.id, agreeing=agreeing)
        show(tx, room, known)
        return known
    return _move_to_approved(tx, room, id, choice, given)


def _move_to_approved(tx: Unit, room: Room, id: str, choice: Choice, given: Grant | None) -> Approval:
    actor = choice.principal.id
    approved = approvals.move(tx, id, "approve", actor=actor, **_decided_columns(tx, choice))
    approvals.note(tx, approved, "decision", actor=actor, how=choice.how, tier=str(approved.tier))
    if given is not None:
        granted.give(tx, given)
    if approved.action.kind is ActionKind.QUESTION:
        return _answer(tx, room, approved)
    if approved.runs is Runs.ASKER:
        # What runs here is shown once it runs, which follows at once: the action comes first.
        show(tx, room, approved)
    return approved


def _answer(tx: Unit, room: Room, approved: Approval) -> Approval:
    """End a question with its decision: the answer is all there is to carry out."""
    started = approvals.move(tx, approved.id, "start", started_at=tx.now)
    approvals.note(tx, started, "execution", actor=started.decided_by)
    done = approvals.finish(tx, approved.id, "finish", "Approved.", None, actor=started.decided_by)
    conclude(tx, room, done)
    return done


def _refuse(tx: Unit, room: Room, id: str, choice: Choice) -> Approval:
    _live(tx, id)
    actor = choice.principal.id
    refused = approvals.move(tx, id, "refuse", actor=actor, ended_at=tx.now, **_decided_columns(tx, choice))
    approvals.note(tx, refused, "decision", actor=actor, how=choice.how, tier=str(refused.tier))
    conclude(tx, room, refused)
    return refused


def _hold(tx: Unit, room: Room, id: str, choice: Choice, left: int | None) -> Approval:
    """Put a request on hold or take it off; its clock stands, and goes on with what it had left."""
    known = _live(tx, id)
    left = known.veto_left if left is None or choice.how is How.RELEASE else left
    now = approvals.move(tx, id, str(choice.how), actor=choice.principal.id, veto_left=left, veto_since=None)
    show(tx, room, now)
    return now


def _replace_and_approve(
    tx: Unit, room: Room, old: Approval, new: Approval, shorts: tuple[str, ...], why: str, choice: Choice
) -> Approval:
    """Put an edited action in an old one's place and approve it; no card asks about it any more."""
    _live(tx, old.id)
    void = approvals.move(tx, old.id, "void", reason=why, ended_at=tx.now, actor=choice.principal.id)
    stored = approvals.ask(tx, new, shorts, None)
    approvals.vote(tx, stored.id, choice.principal.id, choice.principal.name)
    approved = _move_to_approved(tx, room, stored.id, choice, None)
    show(tx, room, void)
    return approved


def _send_code(tx: Unit, room: Room, found: Approval, code: str, asker: str) -> bool:
    owed = room.notifier.code(tx, found, code, asker)
    outbox.add_all(tx, owed)
    approvals.set_code(tx, found.id, _hashed(found.id, code))
    approvals.note(tx, found, "code", actor=asker, sent=bool(owed))
    return bool(owed)


def _check_code(tx: Unit, id: str, code: str) -> bool:
    expected, tries = approvals.code(tx, id)
    if expected is None or tries > CODE_TRIES:
        return False
    return hmac.compare_digest(expected, _hashed(id, code.strip()))


def _hashed(id: str, code: str) -> bytes:
    return hashlib.sha256(f"{id}:{code}".encode()).digest()


def _carried_elsewhere(found: Approval) -> bool:
    """Tell whether a program is carrying a request out: a person may know before time tells that it never will."""
    return found.state is ApprovalState.RUNNING and found.runs is Runs.ASKER


def _settle(tx: Unit, room: Room, id: str, actor: str, told: str) -> Approval:
    if _carried_elsewhere(approvals.get(tx, id)):
        approvals.move(tx, id, "lose", actor=actor)
    done = approvals.finish(tx, id, "settle", told, None, actor=actor)
    conclude(tx, room, done)
    return done


def cancel_of_session(tx: Unit, room: Room, session_id: str, actor: str) -> int:
    """Cancel a session's requests that were not carried out yet; return how many there were."""
    ids = approvals.open_of_session(tx, session_id)
    for id in ids:
        cancelled = approvals.move(tx, id, "cancel", actor=actor, ended_at=tx.now)
        # No turn is started: whoever cancels wants quiet.
        if cancelled.turn_id:
            journal.finish(tx, cancelled.turn_id, cancelled.call_key, wording.told(cancelled))
        show(tx, room, cancelled)
    return len(ids)
