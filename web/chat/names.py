"""Chats' names: which chat of the store a client means, and whether it is the client's to read."""

import re
from dataclasses import dataclass

from kernel.errors import InvalidInput, NotFound
from kernel.messages import Sender
from store.messages import Cursor
from store.tokens import TokenKind
from web.auth import Visitor

PLATFORMS = ("web", "terminal")
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")
CURSOR = re.compile(r"(\d{1,19})\.(\d{1,19})")


@dataclass(frozen=True, slots=True)
class Place:
    """A chat as a visitor names it, and ``chat`` as the store knows it."""

    platform: str
    name: str
    chat: str

    @property
    def url(self) -> str:
        """Where the chat's endpoints begin."""
        return f"/api/chat/{self.platform}/{self.name}"


def prefix_of(visitor: Visitor) -> str:
    """Return what the store's names of a visitor's chats begin with: programs have chats of their own."""
    return f"{visitor.token.id}." if visitor.token.kind is TokenKind.API else ""


def sender_of(visitor: Visitor) -> Sender:
    """Return who speaks: the owner at the page and the terminal, or a program by its token."""
    if visitor.token.kind is TokenKind.API:
        return Sender(f"token:{visitor.token.id}", visitor.token.name)
    return Sender("owner", "Owner")


def platform(name: str) -> str:
    """Return a platform of this process; raise NotFound."""
    if name not in PLATFORMS:
        raise NotFound(f"There is no local platform {name!r}.", remedy="There are web and terminal.")
    return name


def place(visitor: Visitor, platform_name: str, name: str) -> Place:
    """Return the chat that a visitor means; raise InvalidInput for a name that cannot be."""
    if not NAME.fullmatch(name):
        raise InvalidInput("A chat's name is 1 to 64 of A-Z a-z 0-9 _ and -.")
    return Place(platform(platform_name), name, prefix_of(visitor) + name)


def key(text: str) -> str:
    """Return a client's key of a message; raise InvalidInput."""
    if not KEY.fullmatch(text):
        raise InvalidInput("A key is 8 to 64 of A-Z a-z 0-9 _ and -, made anew for each message.")
    return text


def cursor(text: str) -> Cursor:
    """Read a cursor; an empty text is the end of the history."""
    if not text:
        return Cursor()
    found = CURSOR.fullmatch(text)
    if found is None:
        raise InvalidInput("This cursor was not made here.", remedy="Use 'older' of the page before.")
    return Cursor(int(found[1]), int(found[2]))


def cursor_text(value: Cursor | None) -> str | None:
    """Write a cursor."""
    return f"{value.inbox}.{value.outbox}" if value else None
