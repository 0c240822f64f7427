"""What is said to whoever works on a task: it steers the attempt, answers what it asks, or begins a follow-up."""

from dataclasses import replace

from kernel.errors import Stale
from kernel.messages import Inbound, InboundKind, Sender
from kernel.tasks import Task
from store import inbox, questions, remarks, sessions, tasks
from store.inbox import Verdict
from store.sessions import Session
from store.units import Query, Unit


def say(tx: Unit, id: int, text: str, speaker: str, sender: Sender, key: str) -> None:
    """Put words into a task's conversation; ``speaker`` is who says them (``platform:id``), ``key`` knows them again.

    Raises Stale where nobody has begun the task.
    """
    task = tasks.get(tx, id)
    session = sessions.get(tx, task.session_id) if task.session_id else None
    if session is None or session.closed:
        raise Stale(f"Nobody has begun task {id}; there is no conversation yet.", remedy="Comment on it.")
    known = _known_there(tx, task, session, speaker, sender)
    inbound = Inbound(session.address, f"say:{key}", key, known, InboundKind.MESSAGE, text, session.private)
    if tap := _answer(tx, session, text):
        inbox.add(tx, replace(inbound, kind=InboundKind.TAP, tap=tap), Verdict(""))
    else:
        inbox.add(tx, inbound, _verdict(tx, session))
    remarks.add_comment(tx, id, text, author=speaker)


def _known_there(q: Query, task: Task, session: Session, speaker: str, sender: Sender) -> Sender:
    """Return the speaker as their platform knows them; from elsewhere, words are the person's the task is done for."""
    if speaker.partition(":")[0] == session.address.platform:
        return sender
    platform, _, person = tasks.brief(q, task.id).behalf.partition(":")
    return replace(sender, id=person) if platform == session.address.platform else sender


def _answer(q: Query, session: Session, text: str) -> str:
    """Return the button that says the same about what the task asks, or nothing: only the task can take it so."""
    taps = (question.tap(text) for question in reversed(questions.open_of_session(q, session.id)))
    return next(filter(None, taps), "")


def _verdict(q: Query, session: Session) -> Verdict:
    # In a chat or thread of the task's own it is taken like any message there; elsewhere it is the task's at once.
    alone = sessions.key_of(q, session.id).endswith((":main", f":thread:{session.address.thread}"))
    return Verdict("") if alone else Verdict("admit", session=lambda _: session.id)
