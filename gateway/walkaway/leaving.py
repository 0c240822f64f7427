"""A conversation that becomes a job goes to where its person looks, in the unit that begins the job."""

from board.workers.agents import key_of
from gateway.handoff.service import Moves
from gateway.handoff.targets import Surfaces
from gateway.handoff.travel import Trip
from kernel.errors import Stale
from kernel.messages import Address
from store import handoffs, sessions
from store.units import Unit


class Leaving:
    """Moves conversations with all that belongs to them; ``surfaces`` knows which chats several people read."""

    def __init__(self, surfaces: Surfaces, moves: Moves) -> None:
        self._surfaces = surfaces
        self._moves = moves

    def move(
        self, tx: Unit, session_id: str, task_id: int, place: Address, person: str, *, actor: str
    ) -> None:
        """Bind a conversation to the place of its job; ``person`` is who it belongs to there (``platform:id``).

        Raises Stale where the agent is at work in it, or where it is on its way elsewhere.
        """
        session = sessions.get(tx, session_id)
        if handoffs.at_work(tx, session_id):
            raise Stale(
                "The agent is at work in this conversation.",
                remedy="Wait, or /stop it; then /walkaway again.",
            )
        if handoffs.get(tx, session_id).live:
            raise Stale("This conversation is being handed over.", remedy="Wait for it to arrive.")
        private = not self._surfaces.is_group(place)
        sessions.rebind(tx, session_id, key_of(place, task_id), place, private=private, actor=actor)
        self._moves.carry(tx, Trip(session_id, session.address, place, person))

    async def moved(self) -> None:
        """Bring up to date what is kept in memory."""
        await self._moves.moved()
