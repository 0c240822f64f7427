"""People admitted by pairing, and the codes that admit them."""

from dataclasses import dataclass

from kernel.people import Role
from store.units import Query, Unit

ALL = "SELECT platform, id, name, role FROM person ORDER BY platform, id"
ADMIT = """
INSERT INTO person (platform, id, name, role, added_by, added_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (platform, id) DO UPDATE SET role = excluded.role, name = excluded.name
"""
REVOKE = "DELETE FROM person WHERE platform = ? AND id = ?"
PAIRINGS = "SELECT * FROM pairing WHERE expires_at > ? ORDER BY created_at"
PAIRING = "SELECT * FROM pairing WHERE platform = ? AND id = ?"
OFFER = """
INSERT INTO pairing (platform, id, name, address, salt, hash, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (platform, id) DO UPDATE SET name = excluded.name, address = excluded.address, salt = excluded.salt,
    hash = excluded.hash, created_at = excluded.created_at, expires_at = excluded.expires_at
"""
WITHDRAW = "DELETE FROM pairing WHERE platform = ? AND id = ?"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who was admitted."""

    platform: str
    id: str
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Pairing:
    """Somebody who asks to be admitted; only a salted hash of the code is kept."""

    platform: str
    id: str
    name: str
    address: str
    salt: bytes
    hash: bytes
    created_at: int
    expires_at: int


def everyone(q: Query) -> list[Person]:
    """Return all admitted people."""
    return [Person(row["platform"], row["id"], row["name"], Role[row["role"].upper()]) for row in q.all(ALL)]


def admit(tx: Unit, person: Person, *, actor: str) -> None:
    """Admit somebody, or change the role they have; their pairing is over."""
    tx.run(ADMIT, (person.platform, person.id, person.name, person.role.word, actor, tx.now))
    tx.run(WITHDRAW, (person.platform, person.id))
    tx.emit("person.admit", f"{person.platform}:{person.id}", actor=actor, role=person.role.word)


def revoke(tx: Unit, platform: str, id: str, *, actor: str) -> bool:
    """Withdraw an admission; tell whether there was one."""
    gone = tx.run(REVOKE, (platform, id)) == 1
    if gone:
        tx.emit("person.revoke", f"{platform}:{id}", actor=actor)
    return gone


def offer(tx: Unit, pairing: Pairing) -> None:
    """Store a pairing code's hash, replacing an earlier one of the same person."""
    tx.run(
        OFFER,
        (
            pairing.platform,
            pairing.id,
            pairing.name,
            pairing.address,
            pairing.salt,
            pairing.hash,
            pairing.created_at,
            pairing.expires_at,
        ),
    )
    tx.emit("pairing.offer", f"{pairing.platform}:{pairing.id}")


def pairings(q: Query, now: int) -> list[Pairing]:
    """Return the pairings that wait for approval."""
    return [Pairing(*row) for row in q.all(PAIRINGS, (now,))]


def pairing(q: Query, platform: str, id: str) -> Pairing | None:
    """Return somebody's pairing, also an expired one."""
    row = q.one(PAIRING, (platform, id))
    return Pairing(*row) if row else None
