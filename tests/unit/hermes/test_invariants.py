"""Every invariant's query finds what breaks it, and nothing in a sound database."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kernel.bus import Bus
from kernel.clock import SystemClock
from kernel.messages import Address, Inbound, Outbound, Receipt, Sender
from store import inbox, invariants, outbox, sessions, turns
from store.database import Database
from store.inbox import Verdict
from store.invariants import inspect
from store.outbox import Owed
from store.promises import RULES
from store.sessions import Reset
from store.turns import Ending
from store.units import Unit

CHAT = Address("test", "bot", "1")
LATER = 10**15


def talk(tx: Unit, number: int) -> None:
    """Carry one message from the inbox to a confirmed answer."""
    session = sessions.resolve(tx, "test:bot:1:main", CHAT, "test:1", private=True, reset=Reset())
    inbound = Inbound(CHAT, f"m{number}", str(number), Sender("1"), text="hi")
    row = inbox.add(tx, inbound, Verdict("admit", session=lambda _: session))
    assert row is not None
    begun = turns.begin(tx, session, lambda rows, _now: rows)
    assert isinstance(begun, turns.Begun)
    answer = Owed(
        f"turn:{begun.turn.id}:0", Outbound(CHAT, "hello"), session_id=session, turn_id=begun.turn.id
    )
    turns.end(tx, Ending(begun.turn.id, "finish", "finish", owed=(answer,)))
    claimed = outbox.claim(tx, CHAT)
    assert isinstance(claimed, outbox.OutboxRow)
    outbox.confirm(tx, claimed.id, Receipt((f"r{number}",)))


@pytest.fixture
async def database(tmp_path: Path) -> Path:
    """Give a database in which two messages were answered, and which nobody has open."""
    database = await Database.open(tmp_path / "hermes.db", clock=SystemClock(), bus=Bus())
    await database.write(talk, 1)
    await database.write(talk, 2)
    await database.close()
    return database.path


def names(database: Path, tmp_path: Path, *, before: int = LATER, secrets: tuple[str, ...] = ()) -> list[str]:
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    return [finding.name for finding in inspect(database, scratch, before=before, secrets=secrets)]


def test_a_sound_database_breaks_nothing(database: Path, tmp_path: Path) -> None:
    assert names(database, tmp_path, secrets=("not in there",)) == []


def breaks() -> dict[str, str]:
    """Return the statements that break each rule, by its name."""
    blocks = Path(__file__).with_name("breaks.sql").read_text().split("--: ")[1:]
    found = dict(block.split("\n", 1) for block in blocks)
    sound = found.pop("approval")
    return {name: sound + sql if name.startswith("approval.") else sql for name, sql in found.items()}


@pytest.mark.parametrize("name", breaks())
def test_what_breaks_an_invariant_is_found(database: Path, tmp_path: Path, name: str) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.executescript(breaks()[name])
    assert name in names(database, tmp_path, secrets=('s3cr3t"quoted',))


def test_every_rule_is_tried() -> None:
    assert {rule.name for rule in RULES} - breaks().keys() == set()


def test_what_is_still_on_its_way_is_no_finding(database: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("UPDATE inbox SET state = 'queued' WHERE id = 2")
    assert names(database, tmp_path, before=1) == []


def test_a_file_that_is_no_database_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "hermes.db").write_bytes(b"SQLite format 3\0" + b"garbage" * 1000)
    assert names(tmp_path / "hermes.db", tmp_path) == ["integrity"]


def test_a_finding_tells_a_few_ids_and_how_many_there_are(database: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("UPDATE inbox SET state = 'queued', session_id = NULL")
    (tmp_path / "s").mkdir()
    found = {one.name: str(one) for one in invariants.inspect(database, tmp_path / "s", before=LATER)}
    assert (
        found["inbox.homeless"] == "I2 inbox.homeless: An inbound message is queued for no session. (2: 1, 2)"
    )
