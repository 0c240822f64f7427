"""Prompts: a job's run is a turn of a conversation, which goes on after a crash like any other.

The run begins with one message of Hermes itself in the job's own conversation, or in one that it names. What the agent
answers stands in that conversation's chat; other places get a copy. The run is over with the turn that is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cron.ending import Ended
from cron.whereabouts import own_chat
from kernel.errors import Stale
from kernel.messages import Address, Inbound, InboundKind, Sender
from kernel.schedules import Fire, Schedule
from kernel.states import TurnState
from store import agentwork, fires, inbox, schedules, sessions
from store.agentwork import AgentTurn
from store.inbox import Verdict
from store.units import Query, Unit

LOCAL = ("web", "terminal", "cli")
OWNER = "owner"
# What trying again does not change.
LASTING = ("has no credit left", "refuses the key", "is not known to its provider", "was told to fail")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a prompt's conversation is held, and for whom."""

    address: Address
    sender: Sender


def place_of(schedule: Schedule, targets: Sequence[Address]) -> Place:
    """Return where a job's own conversation is held: on its owner's platform, for a person's rights go with it.

    Raises Stale where the owner's platform has no chat for it.
    """
    platform, _, sender = schedule.owner.partition(":")
    if platform in LOCAL:
        here = next((place for place in targets if place.platform == "web"), None)
        return Place(here or own_chat(schedule), Sender(sender or OWNER))
    found = [
        place for place in (*targets, schedule.origin) if place is not None and place.platform == platform
    ]
    if not found:
        raise Stale(
            f"There is no chat on {platform} to work for {schedule.owner} in.",
            remedy="Deliver to a chat there, or make the job anew from one.",
        )
    return Place(found[0], Sender(sender))


def session_key(schedule: Schedule, address: Address) -> str:
    """Return the key at which a job's own conversation answers."""
    return f"{address.platform}:{address.account}:{address.chat}:{address.thread or ''}:cron:{schedule.id}"


def begin(tx: Unit, schedule: Schedule, fire: Fire, place: Place, text: str) -> Fire:
    """Commit the message that begins a run together with the run's start; raise Stale where it cannot begin."""
    session_id = _session(tx, schedule, fire, place)
    session = sessions.get(tx, session_id)
    key = f"cron:{fire.id}:{fire.attempts}"
    inbound = Inbound(
        session.address,
        key,
        "",
        _sender(session, place, schedule),
        InboundKind.INTERNAL,
        text,
        session.private,
    )
    row = inbox.add(tx, inbound, Verdict("admit", note=note_of(schedule), session=lambda _: session_id))
    number = row.id if row is not None else fire.inbox_id
    return fires.move(tx, fire.id, "start", started_at=tx.now, session_id=session_id, inbox_id=number)


def _sender(session: sessions.Session, place: Place, schedule: Schedule) -> Sender:
    """Return whose turn it is; a conversation on another platform than its owner's is nobody's to use."""
    platform, _, sender = schedule.owner.partition(":")
    if platform in LOCAL or session.address.platform == platform:
        return place.sender if platform in LOCAL else Sender(sender)
    raise Stale("The conversation of this job has moved to another platform.", remedy="Edit the job.")


def _session(tx: Unit, schedule: Schedule, fire: Fire, place: Place) -> str:
    """Return the conversation of a run: the one that is named, the job's own, or another beside a run that is in it."""
    if schedule.job.session:
        if sessions.get(tx, schedule.job.session).closed:
            raise Stale("The conversation of this job is closed.", remedy="Edit the job.")
        return schedule.job.session
    own = schedules.get(tx, schedule.id).session_id
    if own:
        known = sessions.get(tx, own)
        usable = not known.closed and known.address == place.address
        if usable and not fires.in_session(tx, fire, own):
            return own
        if usable:
            return _opened(tx, schedule, place, f"{session_key(schedule, place.address)}:{fire.id}")
    id = _opened(tx, schedule, place, session_key(schedule, place.address))
    schedules.note(tx, schedule.id, session_id=id)
    return id


def _opened(tx: Unit, schedule: Schedule, place: Place, key: str) -> str:
    owner = f"{place.address.platform}:{place.sender.id}"
    id = sessions.open_new(tx, key, place.address, owner, private=True)
    title = {"title": schedule.name[:60], "titled_by": "agent"}
    model = {"model": schedule.job.model} if schedule.job.model else {}
    sessions.change(tx, id, actor="system", **title, **model)
    return id


def note_of(schedule: Schedule) -> str:
    """Return what Hermes adds to the prompt."""
    return (
        f"This is the scheduled job {schedule.name!r}, and nobody may be there to answer. Do what it says, and answer"
        " with the result alone."
    )


def over(q: Query, fire: Fire, turn_id: str) -> AgentTurn | None:
    """Return the turn with which a run is over, ``None`` while more of it is to come."""
    found = agentwork.turn(q, turn_id)
    if found is None or found.state in (TurnState.RUNNING, TurnState.INTERRUPTED, TurnState.SUSPENDED):
        return None
    if (
        _is_own(q, fire)
        and found.state is TurnState.DONE
        and agentwork.is_waiting(q, fire.session_id, fire.inbox_id)
    ):
        return None
    return found


def _is_own(q: Query, fire: Fire) -> bool:
    """Tell whether a run's conversation is its job's own."""
    return schedules.get(q, fire.schedule_id).session_id == fire.session_id


def state_of(q: Query, turn_id: str) -> TurnState | None:
    """Return how a turn is."""
    found = agentwork.turn(q, turn_id)
    return found.state if found else None


def ending(turn: AgentTurn) -> Ended:
    """Return how a run ends whose turn is over."""
    match turn.state:
        case TurnState.FAILED:
            error = turn.error or turn.said or "The agent failed."
            lasting = any(words in error.casefold() for words in LASTING)
            return Ended("fail", error=error, lasting=lasting)
        case TurnState.CANCELLED:
            return Ended("cancel", error="Stopped by a person.")
        case _:
            return Ended("finish", turn.said)


def newest_turn(q: Query, fire: Fire) -> str:
    """Return the latest turn of a run, or an empty string before there is one."""
    turns = agentwork.turns_since(q, fire.session_id, fire.inbox_id)
    return turns[-1][0] if turns else ""


def withdraw(tx: Unit, fire: Fire) -> None:
    """Take back what begins a run and was not begun."""
    for number in agentwork.queued(tx, fire.session_id, fire.inbox_id):
        inbox.cancel(tx, number)
