"""What a person reads about a request: the whole action, why it is asked, and how it ended."""

import re
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from approvals import wording
from approvals.shell.characters import escape
from kernel.approvals import Approval
from kernel.clock import short_time
from kernel.risk import Tier
from kernel.states import ApprovalState

SIGNS = {Tier.LOW: "🟢", Tier.MEDIUM: "🟡", Tier.HIGH: "🔴"}
REASONS_SHOWN = 4
RESULT_SHOWN = 600
LINE_SHOWN = 80
ACTION_SHOWN = 1_000
UNLIMITED = 1_000_000
# A block of code longer than this is shown as several, because texts of some size are no longer read as Markdown.
BLOCK = 40_000
_MARKDOWN = re.compile(r"([\\`*_\[\]<>~|#!&])")
ENDINGS = {
    ApprovalState.HELD: "✋ Held by {who}",
    ApprovalState.APPROVED: "✅ Approved by {who}",
    ApprovalState.RUNNING: "✅ Approved by {who}; running",
    ApprovalState.DONE: "✅ Approved by {who}",
    ApprovalState.REFUSED: "❌ Refused by {who}",
    ApprovalState.EXPIRED: "⌛ Expired: nobody answered, so it was not done",
    ApprovalState.VOID: "🚫 Void: {reason}",
    ApprovalState.CANCELLED: "🚫 Withdrawn",
    ApprovalState.UNKNOWN: "❔ {reason}",
}
UNASKED = {
    ApprovalState.APPROVED: "✅ Nobody objected; it runs",
    ApprovalState.RUNNING: "✅ Nobody objected; it runs",
    ApprovalState.DONE: "✅ Nobody objected, so it ran by itself",
}


def fenced(text: str) -> str:
    """Return a text as a code block that nothing in it can leave, with odd characters escaped."""
    shown = escape(text, UNLIMITED)
    fence = "```"
    while fence in shown:
        fence += "`"
    return f"{fence}\n{shown}\n{fence}"


def plain(text: str) -> str:
    """Return a text as one line in which nothing is Markdown and no character is odd."""
    return _MARKDOWN.sub(r"\\\1", escape(" ".join(text.split()), UNLIMITED))


def code(text: str) -> str:
    """Return a text as inline code that nothing in it can leave."""
    shown = escape(text, UNLIMITED).replace("\n", "\\n")
    ticks = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    return f"{ticks} {shown} {ticks}" if "`" in shown else f"`{shown}`"


def blocks(text: str) -> list[str]:
    """Return a text of any length as code blocks."""
    starts = range(0, max(1, len(text)), BLOCK)
    return [fenced(text[start : start + BLOCK]) for start in starts]


def head(approval: Approval) -> str:
    """Return the first line of a card."""
    return f"{SIGNS[approval.tier]} **{str(approval.tier).capitalize()} risk: may I?**  `{approval.short}`"


def terms(approval: Approval, zone: ZoneInfo, now: int, link: str) -> str:
    """Return what stands under an action: why it is asked, where it would run, for whom, and until when."""
    lines = [
        plain(approval.consequence),
        *(f"- {why}" for why in _further_reasons(approval)),
        "",
        _place(approval),
        _deadline(approval, zone, now),
    ]
    if link:
        lines.append(f"[Open the page]({link})")
    return "\n".join(lines)


def asking(approval: Approval, zone: ZoneInfo, now: int, link: str) -> str:
    """Return the text of a card that asks."""
    parts = (head(approval), *blocks(approval.action.text), terms(approval, zone, now, link))
    return "\n\n".join(parts)


def elsewhere(approval: Approval) -> str:
    """Return how to decide a request that is told where nobody can answer."""
    short = approval.short
    return (
        f"↪️ Nobody can answer here. Write `/approve {short}` or `/deny {short}` to Hermes on another platform, open "
        f"its page, or run `hermes approvals show {short}`."
    )


def _further_reasons(approval: Approval) -> list[str]:
    """Return the reasons that the consequence does not name already."""
    told = dict.fromkeys(reason.why for reason in approval.reasons)
    return [plain(why) for why in told if why not in approval.consequence][:REASONS_SHOWN]


def _place(approval: Approval) -> str:
    action = approval.action
    variables = " ".join(f"{name}={value}" for name, value in action.environment)
    parts = [
        f"in {code(action.cwd)}" if action.cwd else "",
        f"on {code(action.host)}" if action.host else "",
        f"with {code(variables)}" if variables else "",
        f"asked by {plain(approval.requester)}",
    ]
    return " · ".join(part for part in parts if part)


def _deadline(approval: Approval, zone: ZoneInfo, now: int) -> str:
    if approval.state is ApprovalState.HELD:
        return f"✋ On hold until somebody decides. Expires {short_time(approval.expires_at, zone, now)}."
    if approval.veto_until is not None:
        until = short_time(approval.veto_until, zone, now)
        return f"It runs by itself at {until} unless you stop or hold it."
    if approval.veto_left is not None:
        minutes = max(1, round(approval.veto_left / 60_000))
        return f"It runs by itself {minutes} min after this notice unless you stop or hold it."
    needed = f" {approval.needed} people must agree." if approval.needed > 1 else ""
    return f"Expires {short_time(approval.expires_at, zone, now)}; no answer means no.{needed}"


def ended(approval: Approval, zone: ZoneInfo, now: int, *, answered: bool = False) -> str:
    """Return the text of a card that was decided or is over; it fits into one message.

    ``answered`` says that the agent's answer follows in the same place: the output is told there, once.
    """
    who = plain(wording.who(approval)) or "nobody"
    reason = wording.lost(approval) if approval.state is ApprovalState.UNKNOWN else approval.reason
    ending = UNASKED if approval.decided_how == "auto" else ENDINGS
    head = (ending.get(approval.state) or ENDINGS[approval.state]).format(who=who, reason=plain(reason))
    when = f" at {short_time(approval.decided_at, zone, now)}" if approval.decided_at else ""
    how = {"session": " for this session", "always": " always"}.get(approval.decided_how, "")
    lines = [f"{head}{how}{when}  `{approval.short}`", "", fenced(_cut(approval.action.text, ACTION_SHOWN))]
    if approval.reason and approval.state is ApprovalState.REFUSED:
        lines += ["", f"Reason: {plain(approval.reason)}"]
    if approval.state is ApprovalState.DONE:
        lines += ["", *_result(approval, answered=answered)]
    return "\n".join(lines)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[:length] + "…"


def _result(approval: Approval, *, answered: bool) -> list[str]:
    done = "Done." if approval.exit_code is None else f"Exit code {approval.exit_code}."
    output = approval.result.removesuffix(f"[exit code {approval.exit_code}]")
    if answered or not output.strip():
        return [done]
    return [done, fenced(_cut(output.rstrip("\n"), RESULT_SHOWN))]


def line(approval: Approval, zone: ZoneInfo, now: int) -> str:
    """Return a request as one line of a list."""
    held = " · on hold" if approval.state is ApprovalState.HELD else ""
    shown = code(_cut(" ".join(approval.action.text.split()), LINE_SHOWN))
    return f"{SIGNS[approval.tier]} `{approval.short}` {shown} · {short_time(approval.created_at, zone, now)}{held}"


def digest(waiting: Sequence[Approval], zone: ZoneInfo, now: int) -> str:
    """Return several requests as a list, with the commands that decide them."""
    lines = [line(item, zone, now) for item in waiting]
    return "\n".join((*lines, "", "/approve ID or /deny ID decides, /approvals ID shows the whole of one."))
