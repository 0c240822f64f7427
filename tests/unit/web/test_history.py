"""A chat's history: every message once, each side in its own order, whatever the clock did."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.bus import Bus
from kernel.messages import Address, Button, Inbound, Outbound, OutboundKind, Receipt, Sender
from store import inbox, messages, outbox, sessions
from store.database import Database
from store.inbox import Verdict
from store.messages import SPAN, Cursor, Message
from store.outbox import OutboxRow, Owed
from store.sessions import Reset
from store.units import Unit

HERE = Address("web", "local", "main")
AWAY = Address("telegram", "bot", "42")


class HandClock:
    """A clock that is set by hand, also backwards."""

    time = 1_795_000_000_000

    def now(self) -> int:
        return self.time

    def monotonic(self) -> float:
        return 0.0


class Book:
    """A store with a few short words for what happens in it."""

    def __init__(self, database: Database, clock: HandClock) -> None:
        self.database = database
        self.clock = clock
        self.count = 0

    async def session(self, address: Address) -> str:
        return await self.database.write(self._resolve(address))

    def _resolve(self, address: Address) -> Callable[[Unit], str]:
        key = f"{address.platform}:{address.chat}"
        return lambda tx: sessions.resolve(tx, key, address, "owner", private=True, reset=Reset())

    async def said(self, text: str, address: Address = HERE) -> None:
        self.count += 1
        inbound = Inbound(address, f"k{self.count}", f"m{self.count}", Sender("owner"), text=text)
        await self.database.write(inbox.accept, [(inbound, Verdict("admit", session=self._resolve(address)))])

    async def sent(self, text: str, address: Address = HERE, *, session: str = "", replaces: str = "") -> str:
        self.count += 1
        kind = OutboundKind.EDIT if replaces else OutboundKind.TEXT
        buttons = () if replaces else ((Button("Yes", "y"),),)
        message = Outbound(address, text, kind, buttons, replaces=replaces)
        await self.database.write(outbox.add, Owed(f"o{self.count}", message, session_id=session))
        row = await self.database.write(outbox.claim, address)
        assert isinstance(row, OutboxRow)
        await self.database.write(outbox.confirm, row.id, Receipt((replaces or f"o{self.count}",)))
        return f"o{self.count}"

    async def pages(self, limit: int) -> list[Message]:
        found: list[Message] = []
        cursor: Cursor | None = Cursor()
        while cursor is not None:
            page = await self.database.read(messages.history, "web", "main", cursor, limit)
            found = [*page.messages, *found]
            cursor = page.older
        return found

    async def texts(self, limit: int = 50) -> list[str]:
        return [one.text for one in await self.pages(limit)]


def with_book(run: Callable[[Book], object]) -> None:
    """Run a test on a store of its own."""

    async def main(folder: Path) -> None:
        clock = HandClock()
        database = await Database.open(folder / "hermes.db", clock=clock, bus=Bus())
        try:
            await run(Book(database, clock))  # pyright: ignore[reportGeneralTypeIssues]
        finally:
            await database.close()

    with TemporaryDirectory() as folder:
        asyncio.run(main(Path(folder)))


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.sampled_from(["said", "sent"]), st.integers(-90_000_000, 90_000_000)), max_size=25),
    st.integers(1, 7),
)
def test_paging_shows_every_message_once_and_each_side_in_order(
    history: list[tuple[str, int]], limit: int
) -> None:
    async def run(book: Book) -> None:
        for number, (direction, jump) in enumerate(history):
            book.clock.time += jump
            await (book.said(str(number)) if direction == "said" else book.sent(str(number)))
        found = await book.pages(limit)
        for direction, word in (("in", "said"), ("out", "sent")):
            shown = [int(one.text) for one in found if one.direction == direction]
            assert shown == [number for number, (kind, _) in enumerate(history) if kind == word]

    with_book(run)


def test_an_edit_changes_its_message_and_is_none_itself() -> None:
    async def run(book: Book) -> None:
        card = await book.sent("Shall I?")
        for number in range(5):
            await book.sent(f"later {number}")
        seq = await book.database.read(messages.head)
        await book.sent("Done.", replaces=card)
        assert (await book.texts(2))[0] == "Done."
        assert len(await book.texts()) == 6
        changes = await book.database.read(messages.since, "web", "main", seq)
        assert [(one.id, one.text, one.buttons, one.edited) for one in changes.messages] == [
            ("out-1", "Done.", (), True)
        ]

    with_book(run)


def test_what_replaces_a_passing_bubble_is_a_message() -> None:
    async def run(book: Book) -> None:
        await book.sent("The answer.", replaces="bubble-7")
        assert await book.texts() == ["The answer."]

    with_book(run)


def test_a_session_that_moves_here_brings_its_history() -> None:
    async def run(book: Book) -> None:
        elsewhere = await book.session(AWAY)
        await book.said("from the phone", AWAY)
        await book.sent("to the phone", AWAY, session=elsewhere)
        await book.said("said here before")
        assert await book.texts() == ["said here before"]

        def move(tx: Unit) -> None:
            sessions.rebind(tx, elsewhere, "web:main", HERE, private=True, actor="owner")

        await book.database.write(move)
        assert await book.texts() == ["from the phone", "said here before", "to the phone"]

    with_book(run)


def test_what_is_forgotten_is_not_shown() -> None:
    async def run(book: Book) -> None:
        session = await book.session(HERE)
        await book.sent("a secret", session=session)
        await book.database.write(lambda tx: sessions.forget(tx, session, actor="owner"))
        await book.said("a new beginning")
        assert await book.texts() == ["a new beginning"]

    with_book(run)


def test_a_card_that_changes_after_its_session_was_forgotten_does_not_come_back() -> None:
    async def run(book: Book) -> None:
        session = await book.session(HERE)
        await book.said("run rm -rf x")
        card = await book.sent("May I?", session=session)
        await book.database.write(lambda tx: sessions.forget(tx, session, actor="owner"))
        seq = await book.database.read(messages.head)
        await book.sent("Cancelled: it is no longer needed.", session=session, replaces=card)
        assert (await book.database.read(messages.since, "web", "main", seq)).messages == ()
        everything = await book.database.read(messages.since, "web", "main", 0)
        assert everything.messages == ()
        assert await book.database.read(messages.one, "web", "main", "in", 1) is None

    with_book(run)


def test_a_reader_too_far_behind_or_ahead_starts_over() -> None:
    async def run(book: Book) -> None:
        await book.said("x")
        newest = await book.database.read(messages.head)
        for seq, reset in ((newest - SPAN - 1, True), (0, False), (newest, False), (newest + 1, True)):
            changes = await book.database.read(messages.since, "web", "main", seq)
            assert changes.reset is reset

    with_book(run)


def test_chats_are_listed_by_their_latest_session_and_found_by_prefix() -> None:
    async def run(book: Book) -> None:
        for name in ("tok_a.one", "tok_ab.two", "three"):
            book.clock.time += 1
            session = await book.session(HERE._replace(chat=name))
            await book.database.write(
                lambda tx, id=session: sessions.change(tx, id, actor="x", title=f"about {id}")
            )
        found = await book.database.read(messages.chats, "web", "")
        assert [chat.chat for chat in found] == ["three", "tok_ab.two", "tok_a.one"]
        assert [chat.chat for chat in await book.database.read(messages.chats, "web", "tok_a.")] == [
            "tok_a.one"
        ]

    with_book(run)
