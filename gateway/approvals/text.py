"""What a person reads about a request: the whole action, why it is asked, and how it ended."""

from zoneinfo import ZoneInfo

from approvals import wording
from approvals.shell.characters import escape
from gateway.commands.conversation import short_time
from kernel.approvals import Approval
from kernel.risk import Tier
from kernel.states import ApprovalState

SIGNS = {Tier.LOW: "🟢", Tier.MEDIUM: "🟡", Tier.HIGH: "🔴"}
REASONS_SHOWN = 4
RESULT_SHOWN = 600
UNLIMITED = 1_000_000
ENDINGS = {
    ApprovalState.HELD: "✋ Held by {who}",
    ApprovalState.APPROVED: "✅ Approved by {who}",
    ApprovalState.RUNNING: "✅ Approved by {who}; running",
    ApprovalState.DONE: "✅ Approved by {who}",
    ApprovalState.REFUSED: "❌ Refused by {who}",
    ApprovalState.EXPIRED: "⌛ Expired: nobody answered, so it was not done",
    ApprovalState.VOID: "🚫 Void: {reason}",
    ApprovalState.CANCELLED: "🚫 Withdrawn",
    ApprovalState.UNKNOWN: "❔ Approved by {who}; the outcome is unknown",
}


def fenced(text: str) -> str:
    """Return a text as a code block that nothing in it can leave, with odd characters escaped."""
    shown = escape(text, UNLIMITED)
    fence = "```"
    while fence in shown:
        fence += "`"
    return f"{fence}\n{shown}\n{fence}"


def asking(approval: Approval, zone: ZoneInfo, now: int, link: str) -> str:
    """Return the text of a card that asks."""
    action = approval.action
    lines = [
        f"{SIGNS[approval.tier]} **{str(approval.tier).capitalize()} risk: may I?**  `{approval.short}`",
        "",
        fenced(action.text),
        "",
        escape(approval.consequence, UNLIMITED),
        *(f"- {why}" for why in _further_reasons(approval)),
        "",
        _place(approval),
        _deadline(approval, zone, now),
    ]
    if link:
        lines.append(f"[Open the page]({link})")
    return "\n".join(lines)


def _further_reasons(approval: Approval) -> list[str]:
    """Return the reasons that the consequence does not name already."""
    told = dict.fromkeys(escape(reason.why) for reason in approval.reasons)
    return [why for why in told if why not in approval.consequence][:REASONS_SHOWN]


def _place(approval: Approval) -> str:
    action = approval.action
    parts = [
        f"in `{action.cwd}`" if action.cwd else "",
        f"on `{action.host}`" if action.host else "",
        f"with `{' '.join(f'{name}={value}' for name, value in action.environment)}`"
        if action.environment
        else "",
        f"asked by {approval.requester}",
    ]
    return " · ".join(part for part in parts if part)


def _deadline(approval: Approval, zone: ZoneInfo, now: int) -> str:
    if approval.veto_left is not None and approval.state is ApprovalState.PENDING:
        minutes = max(1, round(approval.veto_left / 60_000))
        return f"It runs by itself {minutes} min after this notice unless you stop or hold it."
    needed = f" {approval.needed} people must agree." if approval.needed > 1 else ""
    return f"Expires {short_time(approval.expires_at, zone, now)}; no answer means no.{needed}"


def ended(approval: Approval, zone: ZoneInfo, now: int) -> str:
    """Return the text of a card that was decided, held or is over."""
    who = wording.who(approval) or "nobody"
    head = ENDINGS[approval.state].format(who=who, reason=escape(approval.reason))
    when = f" at {short_time(approval.decided_at, zone, now)}" if approval.decided_at else ""
    how = {"session": " for this session", "always": " always"}.get(approval.decided_how, "")
    lines = [f"{head}{how}{when}  `{approval.short}`", "", fenced(approval.action.text)]
    if approval.reason and approval.state is ApprovalState.REFUSED:
        lines += ["", f"Reason: {escape(approval.reason)}"]
    if approval.state is ApprovalState.DONE:
        lines += ["", *_result(approval)]
    return "\n".join(lines)


def _result(approval: Approval) -> list[str]:
    code = "" if approval.exit_code is None else f" Exit code {approval.exit_code}."
    if not approval.result.strip():
        return [f"Done.{code}"]
    cut = approval.result if len(approval.result) <= RESULT_SHOWN else approval.result[:RESULT_SHOWN] + "…"
    return [f"Done.{code}", fenced(cut)]


def line(approval: Approval, zone: ZoneInfo, now: int) -> str:
    """Return a request as one line of a list."""
    text = escape(" ".join(approval.action.text.split()), 80)
    return (
        f"{SIGNS[approval.tier]} `{approval.short}` `{text}` · {short_time(approval.created_at, zone, now)}"
    )
