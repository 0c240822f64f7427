"""A session as programs see it."""

from dataclasses import dataclass

from store.sessions import Session


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session; ``address`` is the one place that owns it, ``handoff`` the state of its latest handoff.

    Times are in milliseconds since the epoch.
    """

    id: str
    title: str
    owner: str
    address: str
    model: str
    turns: int
    created_at: int
    active_at: int
    closed: bool
    handoff: str


def view(session: Session) -> SessionView:
    """Return a session as programs see it."""
    return SessionView(
        session.id,
        session.title,
        session.owner,
        str(session.address),
        session.model,
        session.turns,
        session.created_at,
        session.active_at,
        session.closed,
        session.handoff.value,
    )
