"""What is said about a handoff: to the person, and to the agent that continues."""

from collections.abc import Sequence

from kernel.messages import Address, Button
from store import approvals, inbox, outbox, questions, sessions
from store.handoffs import Handoff, Plan
from store.sessions import Session
from store.units import Query

TAKE = "h:take"
QUOTED = 240
# How the notice to the agent begins; the offline operator answers with the facts behind RULE.
HEAD = "[Handoff"
RULE = "\n---\n"


def where(address: Address) -> str:
    """Return a place as a person reads it."""
    return f"**{address.platform}** (`{address}`)"


def name_of(session: Session | Handoff) -> str:
    """Return what a conversation is called."""
    return session.title or "this conversation"


def thread_name(known: Handoff) -> str:
    """Return the name of a thread that is opened for a conversation."""
    origin = known.asked.origin
    return known.title or (f"From {origin.platform}" if origin else "Hermes")


def button() -> tuple[tuple[Button, ...], ...]:
    """Return the button that pulls a conversation back."""
    return ((Button("↩️ Take it back", TAKE),),)


def facts(q: Query, session_id: str) -> list[str]:
    """Return where a conversation stands, as lines: what was said last, and what waits for the person."""
    lines: list[str] = []
    last = inbox.last_of_session(q, session_id)
    if last is not None and last.inbound.text:
        lines.append(f"You said last: “{quoted(last.inbound.text)}”")
    reply = outbox.last_reply(q, session_id)
    if reply:
        lines.append(f"I answered: “{quoted(reply)}”")
    asked = [approvals.get(q, id) for id in approvals.open_of_session(q, session_id)]
    lines += [
        f"Request `{item.short}` ({item.action.tool}, {item.tier} risk) waits for a decision."
        for item in asked
    ]
    lines += [f"Open question: {quoted(item.text)}" for item in questions.open_of_session(q, session_id)]
    return lines or ["Nothing was said yet, and nothing is open."]


def quoted(text: str) -> str:
    """Return a text's beginning on one line."""
    words = " ".join(text.split())
    return words if len(words) <= QUOTED else words[: QUOTED - 1] + "…"


def summary(title: str, origin: Address, lines: Sequence[str], note: str) -> str:
    """Return where a conversation stands as a message that needs no model."""
    head = f"⇄ **{title or 'This conversation'}** continues here; it was on {origin.platform}."
    told = [*lines, *([f"Your note: {note}"] if note else [])]
    return "\n".join((head, *(f"- {line}" for line in told)))


def notice(q: Query, known: Handoff, plan: Plan, more: Sequence[str]) -> str:
    """Return what the agent is told when a conversation has arrived; ``more`` is what other rooms know of it."""
    assert plan.origin is not None  # noqa: S101 - a request knows where it was
    assert plan.place is not None  # noqa: S101 - it has arrived
    session = sessions.get(q, known.session_id)
    told = (
        f"{HEAD} from {plan.origin.platform} to {plan.place.platform}]\n"
        "The person now reads and writes here. Say in two or three short sentences where things stand and what is "
        "open; call no tools. Cards of what waits for a decision follow by themselves. What is known:"
    )
    lines = [*facts(q, known.session_id), *more]
    return told + RULE + summary(session.title, plan.origin, lines, plan.note)


def arrived_plainly(title: str, why: str) -> str:
    """Return what is said in a chat that had to take a conversation without a thread of its own."""
    return (
        f"ℹ️ {why}, so **{title or 'a conversation'}** continues in this chat itself. "  # noqa: RUF001 - the sign for information
        "What was here before is kept: /resume lists it."
    )


def asked(plan: Plan) -> str:
    """Return the answer to whoever asked for a handoff."""
    later = " as soon as the agent is done" if plan.when_idle else ""
    return f"⇄ This conversation goes to {where(plan.to)}{later}; I say here when it has arrived."


def left(known: Handoff, place: Address) -> str:
    """Return what the former place is told when a conversation has arrived elsewhere."""
    plain = f" {known.asked.plain}, so it is in the chat itself." if known.asked.plain else ""
    return (
        f"✅ {name_of(known).capitalize() if not known.title else f'**{known.title}**'} continues on {where(place)}."
        f"{plain} /take (or /resume) brings it back here."
    )


def failed(known: Handoff) -> str:
    """Return what the person is told when a handoff went wrong."""
    return (
        f"⚠️ The handoff to {where(known.asked.to)} failed: {known.error} "
        "The conversation is still here, and nothing of it is lost."
    )


def withdrawn(known: Handoff) -> str:
    """Return what the person is told when a handoff was withdrawn before it began."""
    return f"The handoff to {where(known.asked.to)} was withdrawn. {known.error}".strip()


def gone(session: Session, *, moving: bool) -> str:
    """Return what is answered where a conversation is no longer."""
    if moving:
        return f"⏳ This conversation is being handed over to {where(session.address)}; a moment, please."
    return (
        f"🔒 **{name_of(session)}** continues on {where(session.address)}; here it can only be read. "
        "/take brings it back, /new begins a fresh conversation, /resume lists all."
    )


def taken(session: Session, place: Address) -> str:
    """Return what the place is told that a conversation was pulled away from."""
    return f"↪️ **{name_of(session)}** continues on {where(place)}. /take brings it back here."
