"""Handoffs as people and programs ask for them: requested, withdrawn, waited for, and pulled."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from gateway.handoff import words
from gateway.handoff.targets import LOCAL_OWNER, Asker, Surfaces, Targets
from gateway.handoff.times import Times
from gateway.handoff.travel import Travel, Trip
from kernel.crashpoints import crashpoint
from kernel.errors import AccessDenied, InvalidInput, NotFound, Stale
from kernel.events import Event
from kernel.messages import Address, Outbound, Priority, parse_address
from kernel.people import Principal, Role
from store import handoffs, outbox, sessions
from store.database import Database
from store.handoffs import Handoff, Plan
from store.outbox import Owed
from store.sessions import Session
from store.units import Unit

LATEST = "last"


@dataclass(slots=True)
class Moves:
    """What is done in the units that move a session, and after them."""

    travels: list[Travel] = field(default_factory=list[Travel])
    refresh: list[Callable[[], Awaitable[None]]] = field(default_factory=list[Callable[[], Awaitable[None]]])
    # What other rooms know of a session and the person should hear in its new place, as lines.
    known: list[Callable[[str], Sequence[str]]] = field(default_factory=list[Callable[[str], Sequence[str]]])

    def carry(self, tx: Unit, trip: Trip) -> None:
        """Move all that belongs to a session."""
        for travel in self.travels:
            travel(tx, trip)

    def lines(self, session_id: str) -> list[str]:
        """Return what other rooms know of a session."""
        return [line for known in self.known for line in known(session_id)]

    async def moved(self) -> None:
        """Bring up to date what is kept in memory."""
        for refresh in self.refresh:
            await refresh()


class Handoffs:
    """Requests, withdraws and pulls; what carries a handoff out is the watcher."""

    def __init__(
        self, database: Database, targets: Targets, surfaces: Surfaces, moves: Moves, times: Times
    ) -> None:
        self._database = database
        self._times = times
        self._targets = targets
        self._surfaces = surfaces
        self.moves = moves
        self._waiting: set[asyncio.Event] = set()

    def heard(self, event: Event) -> None:
        """Hear of a move of some handoff."""
        del event
        for waiting in self._waiting:
            waiting.set()

    async def request(
        self,
        asker: Asker,
        session_id: str,
        to: str,
        note: str = "",
        *,
        when_idle: bool = False,
        told: str = "",
    ) -> Handoff:
        """Ask for a session to be handed over to what ``to`` names; raises what ``Targets.plan`` does, and Stale.

        With a key ``told`` the answer to whoever asked is owed in the same unit, so that asking is done once.
        """
        plan = await self._targets.plan(asker, to, note, when_idle=when_idle)
        if not plan.fresh:
            key = self._surfaces.key(plan.to, plan.sender, private=plan.private)
            if key == await self._database.read(sessions.key_of, session_id):
                raise InvalidInput("The conversation is there already.")
        deadline = self._times.take_up(when_idle=when_idle)
        asked = await self._database.write(_request, asker, session_id, plan, told, deadline)
        crashpoint("handoff.after_request")
        return asked

    async def cancel(self, session_id: str, actor: str) -> Handoff:
        """Withdraw a handoff that nobody has taken up; raise Stale where it is under way or over."""
        known = await self._read(session_id)
        return await self._database.write(withdraw, known, actor)

    async def settled(self, session_id: str, seconds: float, number: int = 0) -> Handoff:
        """Return a session's handoff once it is over, or as it stands after ``seconds``.

        With a ``number`` that handoff counts as over when another one has followed.
        """
        changed = asyncio.Event()
        self._waiting.add(changed)
        try:
            async with asyncio.timeout(seconds):
                while (found := await self._read(session_id)).live and number in (0, found.number):
                    await changed.wait()
                    changed.clear()
            return found
        except TimeoutError:
            return await self._read(session_id)
        finally:
            self._waiting.discard(changed)

    async def _read(self, session_id: str) -> Handoff:
        return await self._database.read(handoffs.get, session_id)

    async def done(self, key: str) -> bool:
        """Tell whether an answer with a key is owed already: what it answers is not done again after a crash."""
        return await self._database.read(outbox.by_key, key) is not None

    async def pull(
        self, asker: Asker, session: Session, sender: str, *, private: bool, told: str = ""
    ) -> Session:
        """Bind a session to the asker's place, at once, with all that belongs to it; the place it was at hears of it.

        With a key ``told`` the answer is owed in the same unit. Raises Stale where the agent is at work in it or a
        handoff is under way.
        """
        answer = Owed(told, Outbound(asker.place, await self._taken(session)), Priority.REPLY, session.id)
        key = self._surfaces.key(asker.place, sender, private=private)
        person = f"{asker.place.platform}:{sender}"
        pulled = await self._database.write(
            _pull, self.moves, session.id, key, asker, person, answer, private=private
        )
        crashpoint("handoff.after_take")
        await self.moves.moved()
        return pulled

    async def whereabouts(self, session_id: str, place: Address) -> str:
        """Return in a few words where the conversation of a place is: it has one owner at a time."""
        if not session_id:
            left = await self._database.read(sessions.at_place, place)
            return f"on {words.where(left.address)}; /take brings it back" if left else "nowhere"
        known = await self._read(session_id)
        return f"on its way to {words.where(known.asked.to)}" if known.live else "here and nowhere else"

    def may(self, principal: Principal, session: Session) -> None:
        """Raise NotFound unless a session is the principal's own, or the principal an owner."""
        if principal.role is not Role.OWNER and session.owner != principal.id:
            raise NotFound(f"There is no session {session.id}.", remedy="/sessions lists them.")

    async def _taken(self, session: Session) -> str:
        """Return what is said where a conversation was pulled to."""
        waiting = await self.facts(session.id)
        told = f"▶️ Continuing **{session.title or session.id}** with all that was said."
        return f"{told}\n{waiting}" if waiting else told

    async def pull_local(self, asker: Asker, session: Session) -> Session:
        """Pull a session to the page or the terminal for a program of the owner's; raise AccessDenied for others."""
        if asker.principal.role is not Role.OWNER:
            raise AccessDenied("The page and the terminal belong to the owner.")
        return await self.pull(asker, session, LOCAL_OWNER, private=True)

    async def facts(self, session_id: str) -> str:
        """Return what waits and runs in a session, as lines; an empty text where nothing does."""
        lines = await self._database.read(words.facts, session_id)
        waiting = [line for line in lines if line.startswith(("Request", "Open question"))]
        return "\n".join(f"- {line}" for line in (*waiting, *self.moves.lines(session_id)))

    async def latest(self, asker: Asker, key: str = "") -> Session:
        """Return the session that was active last anywhere but at a key; raise NotFound."""
        owner = "" if asker.principal.role is Role.OWNER else asker.principal.id
        found = await self._database.read(sessions.last_elsewhere, owner, key)
        if found is None:
            raise NotFound("There is no other conversation.", remedy="/sessions lists those there are.")
        return found

    async def find(self, principal: Principal, ref: str) -> Session:
        """Return the session that an id, a place (``platform:chat[:thread]``) or ``last`` names; raise NotFound."""
        if ref == LATEST:
            return await self.latest(Asker(principal, Address("", "", "")))
        if ":" in ref:
            found = await self._database.read(sessions.at_place, parse_address(ref))
        else:
            found = await self._database.read(sessions.get, ref)
        if found is None:
            raise NotFound(f"There is no session {ref}.", remedy="/sessions lists them.")
        self.may(principal, found)
        return found


def withdraw(tx: Unit, known: Handoff, actor: str, reason: str = "") -> Handoff:
    """Withdraw a request and tell the place it came from; raise Stale where it is under way or over."""
    over = handoffs.cancel(tx, known.session_id, known.number, actor=actor, reason=reason)
    tell_origin(tx, over, words.withdrawn(over))
    return over


def tell_origin(tx: Unit, over: Handoff, text: str) -> None:
    """Tell the place that a handoff came from how it ended."""
    origin = over.asked.origin
    assert origin is not None  # noqa: S101 - a request knows where it was
    outbox.add(tx, Owed(f"{over.key}:over", Outbound(origin, text), Priority.REPLY))


def _request(tx: Unit, asker: Asker, session_id: str, plan: Plan, told: str, deadline: int) -> Handoff:
    asked = handoffs.request(tx, session_id, plan, actor=asker.principal.id, deadline=deadline)
    if told:
        outbox.add(tx, Owed(told, Outbound(asker.place, words.asked(plan)), Priority.REPLY, session_id))
    return asked


def _pull(
    tx: Unit, moves: Moves, id: str, key: str, asker: Asker, person: str, answer: Owed, *, private: bool
) -> Session:
    known, before, left = handoffs.get(tx, id), sessions.get(tx, id), sessions.key_of(tx, id)
    if known.live:
        raise Stale(
            "That conversation is being handed over.", remedy="Wait for it to arrive, or withdraw it."
        )
    if handoffs.at_work(tx, id):
        raise Stale("The agent is at work in that conversation.", remedy="Wait, or /stop it there.")
    pulled = sessions.rebind(tx, id, key, asker.place, private=private, actor=asker.principal.id)
    moves.carry(tx, Trip(id, before.address, asker.place, person))
    if left and left != key:
        told = Outbound(before.address, words.taken(before, asker.place), silent=True)
        outbox.add(tx, Owed(f"take:{id}:{tx.now}", told, Priority.NOTICE))
    if answer.key:
        outbox.add(tx, answer)
    return pulled
