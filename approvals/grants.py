"""Standing permissions: what they reach, who may give them, and when an action passes by one."""

from dataclasses import replace
from hashlib import sha256

from approvals import wording
from approvals.settings import ApprovalSettings
from kernel.approvals import Action, ActionKind, Approval, Grant, How, Reach, Runs, canonical, digest
from kernel.ids import new_id
from kernel.people import Principal, Role
from kernel.risk import Tier

# Kinds that may be permitted by what they are aimed at; a command is only ever permitted word for word.
AIMED = frozenset({ActionKind.FILE, ActionKind.REQUEST, ActionKind.MCP, ActionKind.SEND})


def key(action: Action, reach: Reach) -> str:
    """Return what an action must equal to pass: all of it, or its tool, verb and target."""
    if reach is Reach.EXACT:
        # Where the agent's folders lie and which branch is checked out is judged anew each time.
        return digest(replace(action, workspaces=(), branch="", editable=""), "")
    aimed = canonical([action.kind, action.tool, action.effect, action.target, action.host])
    return sha256(aimed.encode()).hexdigest()


def keys(action: Action) -> tuple[str, str]:
    """Return the keys of the permissions that an action may pass by."""
    exact = key(action, Reach.EXACT)
    return exact, key(action, Reach.TARGET) if action.kind in AIMED and action.target else exact


def obstacle(approval: Approval, principal: Principal, how: How, reach: Reach) -> str:
    """Return why a permission cannot be given with this decision, ``""`` where it can."""
    if how not in (How.SESSION, How.ALWAYS):
        return ""
    if approval.tier > Tier.MEDIUM:
        return wording.tier_needs(approval.tier)
    if approval.runs is Runs.ASKER:
        return "A program that asks by itself is answered once at a time."
    if how is How.ALWAYS and principal.role < Role.OWNER:
        return "Only an owner may allow something for good; approve it once, or for this session."
    if reach is Reach.TARGET and approval.action.kind not in AIMED:
        return "A command is permitted word for word only."
    return ""


def grant(
    approval: Approval, principal: Principal, how: How, reach: Reach, settings: ApprovalSettings, now: int
) -> Grant | None:
    """Return the permission that a decision gives, ``None`` where it gives none."""
    if how not in (How.SESSION, How.ALWAYS):
        return None
    action = approval.action
    return Grant(
        new_id("g", 16),
        approval.session_id if how is How.SESSION else "",
        action.kind,
        action.tool,
        reach,
        key(action, reach),
        wording.pattern(action, exact=reach is Reach.EXACT),
        approval.tier,
        approval.id,
        principal.id,
        now,
        now + settings.grant_ms,
    )
