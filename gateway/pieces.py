"""Pieces: a reply becomes as many owed messages as its platform's limit asks for."""

from gateway.adapter import Adapter
from gateway.rendering.slices import LENGTHS
from gateway.rendering.split import split
from kernel.messages import Outbound, Priority
from store.outbox import Owed
from store.turns import Begun


def pieces(text: str, adapter: Adapter | None) -> list[str]:
    """Split Markdown by an adapter's limit."""
    if adapter is None:
        return [text]
    capabilities = adapter.capabilities
    return split(text, capabilities.text_limit, LENGTHS[capabilities.length_unit])


def owed_pieces(key: str, begun: Begun, text: str, adapter: Adapter | None, replaces: str) -> list[Owed]:
    """Return what is owed for a turn's text; the first piece takes the place of a streamed bubble.

    In a group the first piece replies to the message it answers. An empty text owes nothing.
    """
    if not text:
        return []
    session, last = begun.session, begun.rows[-1].inbound
    reply_to = "" if session.private or begun.turn.internal else last.message_id
    quiet = session.quiet_until > begun.turn.started_at
    return [
        Owed(
            f"{key}:{number}",
            Outbound(
                session.address,
                piece,
                reply_to="" if number else reply_to,
                replaces="" if number else replaces,
                silent=quiet or number > 0,
            ),
            Priority.REPLY,
            session.id,
            begun.turn.id,
        )
        for number, piece in enumerate(pieces(text, adapter))
    ]
