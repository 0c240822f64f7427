"""The gateway's operations: what programs may ask of it and tell it."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from gateway.channels import channel_operations
from gateway.gateway import Gateway
from gateway.handoff import operations as handoffs
from gateway.session_view import SessionView, view
from gateway.status import Status
from kernel.errors import AccessDenied, NotFound
from kernel.ids import new_id
from kernel.messages import Address, Outbound, Priority
from kernel.people import Principal, Role, Scope
from kernel.specs import Operation
from store import channels, outbox, people, sessions, transcripts
from store.outbox import Owed
from store.transcripts import Line


class Asked(BaseModel):
    """What an operation is asked; an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


class Nothing(Asked):
    """No input."""


class ListSessions(Asked):
    """Which sessions to list."""

    words: str = Field(default="", description="Only sessions whose title has these words.")
    limit: int = Field(default=20, ge=1, le=200, description="At most this many.")


class ListMessages(Asked):
    """Which messages to read."""

    session: str = Field(description="The session's id.")
    skip: int = Field(default=0, ge=0, description="Leave out this many of the newest, to read further back.")
    limit: int = Field(default=50, ge=1, le=200, description="At most this many.")


class Send(Asked):
    """A message to a person."""

    text: str = Field(min_length=1, max_length=100_000, description="Markdown.")
    to: str = Field(
        default="",
        description="platform:chat[:thread], a channel's nickname, or a platform's name for its home channel.",
    )
    key: str = Field(
        default="", max_length=100, description="Your own id: sending again with it changes nothing."
    )


class Revive(Asked):
    """A dead letter to send again."""

    id: int = Field(description="The message's number.")


class Pair(Asked):
    """Somebody to admit."""

    code: str = Field(description="The code that they were given.")
    role: str = Field(default="user", pattern="^(user|operator|owner)$", description="What they may do.")


class Revoke(Asked):
    """Somebody to turn out."""

    id: str = Field(pattern="^[a-z]+:.+$", description="platform:id.")


class Switch(Asked):
    """A connection to pause or resume."""

    platform: str = Field(description="The platform's name.")


@dataclass(frozen=True, slots=True)
class Sessions:
    """A list of sessions, the latest first."""

    sessions: list[SessionView]


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message of a session; ``direction`` is ``"in"`` or ``"out"``."""

    id: str
    direction: str
    text: str
    state: str
    at: int


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages, oldest first."""

    messages: list[MessageView]


@dataclass(frozen=True, slots=True)
class Accepted:
    """Messages that are committed and will be delivered."""

    keys: list[str]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that a platform would not take."""

    id: int
    to: str
    text: str
    error: str
    created_at: int


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """The latest dead letters."""

    messages: list[DeadLetter]


@dataclass(frozen=True, slots=True)
class PersonView:
    """Somebody who is admitted or asks to be: ``state`` is ``"admitted"`` or ``"waiting"``."""

    id: str
    name: str
    role: str
    state: str


@dataclass(frozen=True, slots=True)
class People:
    """Who is admitted and who waits."""

    people: list[PersonView]


@dataclass(frozen=True, slots=True)
class Done:
    """A sentence about what was done."""

    message: str


def operations(gateway: Gateway) -> Sequence[Operation]:
    """Return the operations of the gateway."""
    desk = Desk(gateway)
    read, admin = Scope.READ, Scope.ADMIN
    return (
        Operation("status", "How Hermes is.", read, Nothing, Status, desk.status, "GET", "/status"),
        Operation(
            "sessions.list", "List sessions.", read, ListSessions, Sessions, desk.sessions, "GET", "/sessions"
        ),
        Operation(
            "messages.list",
            "Read the messages of a session.",
            read,
            ListMessages,
            Messages,
            desk.messages,
            "GET",
            "/sessions/{session}/messages",
        ),
        Operation(
            "send",
            "Send a message to a home channel or address.",
            Scope.SEND,
            Send,
            Accepted,
            desk.send,
            "POST",
            "/send",
        ),
        Operation(
            "messages.dead",
            "List dead letters.",
            read,
            Nothing,
            DeadLetters,
            desk.dead,
            "GET",
            "/messages/dead",
        ),
        Operation(
            "messages.revive",
            "Send a dead letter again.",
            admin,
            Revive,
            Done,
            desk.revive,
            "POST",
            "/messages/dead/{id}/revive",
            mcp=False,
        ),
        Operation(
            "people.list",
            "List who is admitted and who waits.",
            admin,
            Nothing,
            People,
            desk.people,
            "GET",
            "/people",
            mcp=False,
        ),
        Operation(
            "people.pair",
            "Admit somebody by their code.",
            admin,
            Pair,
            Done,
            desk.pair,
            "POST",
            "/people/pair",
            mcp=False,
        ),
        Operation(
            "people.revoke",
            "Turn somebody out.",
            admin,
            Revoke,
            Done,
            desk.revoke,
            "POST",
            "/people/revoke",
            mcp=False,
        ),
        Operation(
            "platforms.pause",
            "Pause a connection.",
            admin,
            Switch,
            Done,
            desk.pause,
            "POST",
            "/platforms/{platform}/pause",
            mcp=False,
        ),
        Operation(
            "platforms.resume",
            "Resume a connection.",
            admin,
            Switch,
            Done,
            desk.resume,
            "POST",
            "/platforms/{platform}/resume",
            mcp=False,
        ),
        *channel_operations(gateway),
        *handoffs.operations(gateway.database, gateway.handoff.service, gateway.adapters),
    )


class Desk:
    """Carries out the operations."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._database = gateway.database

    async def status(self, _principal: Principal, _asked: Nothing) -> Status:
        """Return the status."""
        return await self._gateway.reporter.status()

    def _visible(self, principal: Principal) -> str:
        return "" if principal.role is Role.OWNER else principal.id

    async def sessions(self, principal: Principal, asked: ListSessions) -> Sessions:
        """Return the caller's sessions; an owner's are everybody's."""
        found = await self._database.read(sessions.recent, self._visible(principal), asked.words, asked.limit)
        return Sessions([view(item) for item in found])

    async def messages(self, principal: Principal, asked: ListMessages) -> Messages:
        """Return a stretch of a session's messages; raise NotFound for a session the caller may not see."""
        session = await self._database.read(sessions.get, asked.session)
        if principal.role is not Role.OWNER and session.owner != principal.id:
            raise NotFound(f"There is no session {asked.session}.")
        lines = await self._database.read(transcripts.read, asked.session, asked.skip, asked.limit)
        return Messages([_line(item) for item in lines])

    async def send(self, principal: Principal, asked: Send) -> Accepted:
        """Owe a message to an address, or to the home channels where none is named."""
        if principal.role < Role.OPERATOR:
            raise AccessDenied("Sending to others is for operators.")
        key = f"send:{principal.id}:{asked.key or new_id('k')}"
        owed = [
            Owed(f"{key}:{address}", Outbound(address, asked.text), Priority.NOTICE)
            for address in await self._addresses(asked.to)
        ]
        await self._database.write(outbox.add_all, owed)
        return Accepted([item.key for item in owed])

    async def _addresses(self, to: str) -> list[Address]:
        if to.strip():
            return [await self._gateway.directory.resolve(to)]
        found = list((await self._database.read(channels.homes)).values())
        if not found:
            raise NotFound(
                "There is no home channel yet.", remedy="Write /sethome in the chat that should be it."
            )
        return found

    async def dead(self, _principal: Principal, _asked: Nothing) -> DeadLetters:
        """Return the latest dead letters."""
        rows = await self._database.read(outbox.dead)
        return DeadLetters(
            [
                DeadLetter(row.id, str(row.message.address), row.message.text, row.error, row.created_at)
                for row in rows
            ]
        )

    async def revive(self, _principal: Principal, asked: Revive) -> Done:
        """Send a dead letter again."""
        await self._database.write(outbox.revive, asked.id)
        row = await self._database.read(outbox.get, asked.id)
        if row is not None:
            self._gateway.delivery.notify(row.message.address)
        return Done(f"Message {asked.id} is on its way again.")

    async def people(self, _principal: Principal, _asked: Nothing) -> People:
        """Return admitted and waiting people."""
        admitted = await self._database.read(people.everyone)
        waiting = await self._database.read(people.pairings, self._gateway.clock.now())
        return People(
            [
                PersonView(f"{item.platform}:{item.id}", item.name, item.role.word, "admitted")
                for item in admitted
            ]
            + [PersonView(f"{item.platform}:{item.id}", item.name, "", "waiting") for item in waiting]
        )

    async def pair(self, principal: Principal, asked: Pair) -> Done:
        """Admit somebody by their code."""
        role = Role[asked.role.upper()]
        person = await self._gateway.access.approve(asked.code, role, actor=principal.id)
        return Done(f"{person.name or person.id} ({person.platform}) is admitted as {role.word}.")

    async def revoke(self, principal: Principal, asked: Revoke) -> Done:
        """Turn somebody out."""
        await self._gateway.access.revoke(asked.id, actor=principal.id)
        return Done(f"{asked.id} is no longer admitted.")

    async def pause(self, principal: Principal, asked: Switch) -> Done:
        """Pause a connection until somebody resumes it."""
        return Done(await self._gateway.front.switches.pause(asked.platform, actor=principal.id))

    async def resume(self, principal: Principal, asked: Switch) -> Done:
        """Resume a connection."""
        return Done(await self._gateway.front.switches.resume(asked.platform, actor=principal.id))


def _line(line: Line) -> MessageView:
    return MessageView(f"{line.direction}-{line.id}", line.direction, line.text, line.state, line.at)
