"""The places of jobs that somebody has walked away from: what intake has to know to take a reply for one."""

from kernel.messages import Address, Inbound, InboundKind
from store import walkaways
from store.database import Database
from store.walkaways import Walk


class JobPlaces:
    """Threads of jobs, and chats in which jobs have no thread of their own, in memory."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._live: dict[Address, int] = {}
        self._over: dict[Address, int] = {}
        self._shared: set[Address] = set()

    async def load(self) -> None:
        """Read them from the store."""
        live, over = await self._database.read(lambda q: (walkaways.live(q), walkaways.ended(q)))
        for walk in reversed(over):
            self.note(walk, over=True)
        for walk in live:
            self.note(walk, over=bool(walk.over))

    def note(self, walk: Walk, *, over: bool) -> None:
        """Remember where a job is, and whether it has come to an end."""
        place = walk.place
        if place.thread is None:
            self._shared.add(place)
            return
        (self._live if over else self._over).pop(place, None)
        (self._over if over else self._live)[place] = walk.task_id

    def meant(self, inbound: Inbound) -> bool:
        """Tell whether a message is for us because it stands in a job's thread."""
        return inbound.address in self._live or inbound.address in self._over

    def job_over(self, place: Address) -> int:
        """Return the job that a thread was opened for and that has come to an end, or 0."""
        return self._over.get(place, 0)

    def follows(self, inbound: Inbound) -> bool:
        """Tell whether a message may be a reply to a job's card, or what follows its end; the store knows for sure."""
        if inbound.kind is not InboundKind.MESSAGE or inbound.text.startswith("/") or inbound.attachments:
            return False
        return inbound.address in self._over or (
            bool(inbound.reply_to) and inbound.address.parent in self._shared
        )
