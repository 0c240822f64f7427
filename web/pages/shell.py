"""The shell around every page behind the login: its head, the list of chats, the links to the pages, and the title."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from string import Template

from store import messages
from store.database import Database
from web.auth import Visitor
from web.markdown import escape

HERE = Path(__file__).parent

# Returns the sidebar's entry of a page for a visitor, marked where the page of the name given is its own.
Link = Callable[[Visitor, str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Frame:
    """What differs from page to page: ``content``, ``actions``, ``chats`` and ``data`` (of the body) are HTML.

    ``assets`` names its style sheet and its script; ``target`` is the element to skip to and ``destination`` what that
    is called; ``purpose`` says what the page needs a script for; ``seq`` is the event up to which it is true.
    """

    name: str
    title: str
    content: str
    target: str
    destination: str
    purpose: str
    assets: tuple[str, str]
    seq: int
    actions: str = ""
    chats: str = ""
    data: str = ""


class Shell:
    """Puts pages into the shell; ``links`` are the entries of the sidebar."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._page = Template((HERE / "shell.html").read_text("utf-8"))
        self.links: list[Link] = []

    async def head(self) -> int:
        """Return the newest event: a page that is made after it need not be told of it."""
        return await self._database.read(messages.head)

    async def html(self, visitor: Visitor, frame: Frame) -> str:
        """Return a whole page."""
        style, script = frame.assets
        return self._page.substitute(
            name=escape(frame.name),
            title=escape(frame.title),
            content=frame.content,
            target=frame.target,
            destination=frame.destination,
            purpose=frame.purpose,
            style=style,
            script=script,
            seq=frame.seq,
            actions=frame.actions,
            chats=frame.chats,
            data=frame.data,
            links="".join([await link(visitor, frame.name) for link in self.links]),
        )
