"""What programs may ask about where conversations are, and have them moved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from gateway.adapter import Adapter
from gateway.handoff.service import Handoffs
from gateway.handoff.targets import Asker
from gateway.session_view import SessionView, view
from kernel.errors import InvalidInput
from kernel.messages import parse_address
from kernel.people import Principal, Scope
from kernel.specs import Operation
from store import sessions, transcripts
from store.database import Database
from store.handoffs import Handoff
from store.sessions import Session
from store.transcripts import Line

EXPORTED = 100_000
LONGEST_WAIT = 25.0


class Asked(BaseModel):
    """What an operation is asked; an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


class OneSession(Asked):
    """Which session."""

    session: str = Field(description="The session's id, its place as platform:chat[:thread], or last.")


class ShowHandoff(OneSession):
    """A session's handoff."""

    wait: float = Field(
        default=0, ge=0, le=LONGEST_WAIT, description="Seconds to wait for its end, where it is under way."
    )


class RequestHandoff(OneSession):
    """A session to be handed over."""

    to: str = Field(description="A platform, platform:chat[:thread], or me.")
    note: str = Field(default="", max_length=1000, description="A sentence for whoever continues.")
    when_idle: bool = Field(default=False, description="Wait for the agent where it is at work.")
    wait: float = Field(default=0, ge=0, le=LONGEST_WAIT, description="Seconds to wait for its end.")


class TakeSession(OneSession):
    """A session to be pulled somewhere."""

    to: str = Field(description="The place it is pulled to: terminal:NAME or web:NAME.")


@dataclass(frozen=True, slots=True)
class HandoffView:
    """A session's latest handoff: ``state`` with its ``sentence``, where it goes or went, and why it failed.

    ``number`` counts the session's handoffs, ``deadline`` is in milliseconds since the epoch.
    """

    session: str
    title: str
    number: int
    state: str
    sentence: str
    error: str
    origin: str
    to: str
    place: str
    deadline: int


@dataclass(frozen=True, slots=True)
class BusyView:
    """Whether anything of a session is under way: a turn, a message that waits for one, an action that was approved."""

    busy: bool


@dataclass(frozen=True, slots=True)
class LineView:
    """A message of an exported session; ``direction`` is ``"in"`` or ``"out"``, ``at`` in milliseconds."""

    direction: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Transcript:
    """A whole session."""

    session: SessionView
    messages: list[LineView]


def operations(
    database: Database, handoffs: Handoffs, adapters: Mapping[tuple[str, str], Adapter]
) -> Sequence[Operation]:
    """Return the operations of this room."""
    desk = HandoffDesk(database, handoffs, adapters)
    read, chat = Scope.READ, Scope.CHAT
    return (
        Operation(
            "sessions.show", "Show a session.", read, OneSession, SessionView, desk.show, "GET", "/sessions/{session}"
        ),
        Operation(
            "sessions.busy", "Tell whether a session is at work.", read, OneSession, BusyView, desk.busy,
            "GET", "/sessions/{session}/busy",
        ),
        Operation(
            "sessions.export", "Export a session's messages.", read, OneSession, Transcript, desk.export,
            "GET", "/sessions/{session}/export",
        ),
        Operation(
            "sessions.take", "Pull a session to a place of this machine.", chat, TakeSession, SessionView, desk.take,
            "POST", "/sessions/{session}/take", mcp=False,
        ),
        Operation(
            "handoff.show", "Show a session's handoff, waiting for its end.", read, ShowHandoff, HandoffView,
            desk.handoff, "GET", "/sessions/{session}/handoff",
        ),
        Operation(
            "handoff.request", "Hand a session over to another place.", chat, RequestHandoff, HandoffView,
            desk.request, "POST", "/sessions/{session}/handoff",
        ),
        Operation(
            "handoff.cancel", "Withdraw a handoff that has not begun.", chat, OneSession, HandoffView, desk.cancel,
            "POST", "/sessions/{session}/handoff/cancel", mcp=False,
        ),
    )  # fmt: skip


class HandoffDesk:
    """Carries the operations out."""

    def __init__(
        self, database: Database, handoffs: Handoffs, adapters: Mapping[tuple[str, str], Adapter]
    ) -> None:
        self._database = database
        self._handoffs = handoffs
        self._adapters = adapters

    async def _session(self, principal: Principal, ref: str) -> Session:
        return await self._handoffs.find(principal, ref)

    async def show(self, principal: Principal, asked: OneSession) -> SessionView:
        """Return a session."""
        return view(await self._session(principal, asked.session))

    async def busy(self, principal: Principal, asked: OneSession) -> BusyView:
        """Tell whether anything of a session is under way."""
        session = await self._session(principal, asked.session)
        return BusyView(await self._database.read(sessions.is_busy, session.id))

    async def export(self, principal: Principal, asked: OneSession) -> Transcript:
        """Return a session with all its messages, oldest first."""
        session = await self._session(principal, asked.session)
        lines = await self._database.read(transcripts.read, session.id, 0, EXPORTED)
        return Transcript(view(session), [_line(line) for line in lines])

    async def take(self, principal: Principal, asked: TakeSession) -> SessionView:
        """Pull a session to the page or the terminal of this machine."""
        session, place = await self._session(principal, asked.session), parse_address(asked.to)
        accounts = [
            key[1]
            for key, adapter in self._adapters.items()
            if key[0] == place.platform and not adapter.capabilities.remote
        ]
        if not accounts:
            raise InvalidInput(
                f"{asked.to} is no place of this machine.", remedy="Name terminal:NAME or web:NAME."
            )
        asker = Asker(principal, place._replace(account=accounts[0]))
        return view(await self._handoffs.pull_local(asker, session))

    async def handoff(self, principal: Principal, asked: ShowHandoff) -> HandoffView:
        """Return a session's handoff, waiting for its end where it is under way."""
        session = await self._session(principal, asked.session)
        return _view(await self._handoffs.settled(session.id, asked.wait))

    async def request(self, principal: Principal, asked: RequestHandoff) -> HandoffView:
        """Ask for a session to be handed over, and wait for its end where that is wanted."""
        session = await self._session(principal, asked.session)
        asker = Asker(principal, session.address)
        known = await self._handoffs.request(
            asker, session.id, asked.to, asked.note, when_idle=asked.when_idle
        )
        if asked.wait:
            known = await self._handoffs.settled(session.id, asked.wait, known.number)
        return _view(known)

    async def cancel(self, principal: Principal, asked: OneSession) -> HandoffView:
        """Withdraw a handoff that nobody has taken up."""
        session = await self._session(principal, asked.session)
        return _view(await self._handoffs.cancel(session.id, principal.id))


def _view(known: Handoff) -> HandoffView:
    plan = known.plan
    return HandoffView(
        known.session_id,
        known.title,
        known.number,
        known.state.value,
        known.state.sentence,
        known.error,
        str(plan.origin) if plan and plan.origin else "",
        str(plan.to) if plan else "",
        str(plan.place) if plan and plan.place else "",
        known.deadline,
    )


def _line(line: Line) -> LineView:
    return LineView(line.direction, line.text, line.at)
