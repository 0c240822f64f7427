"""Tokens: of programs, of one login, of a page's session and of the commands of this machine; hashes only."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from kernel.errors import NotFound
from kernel.ids import new_id
from kernel.people import Role, Scope
from store import people
from store.people import Person
from store.units import Query, Unit

INSERT = """
INSERT INTO token (id, name, kind, hash, scopes, role, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
LIVE = "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)"
BY_HASH = f"SELECT * FROM token WHERE hash = ? AND {LIVE}"  # noqa: S608 - our own text
BY_ID = "SELECT * FROM token WHERE id = ?"
LISTED = f"SELECT * FROM token WHERE kind IN ('api', 'page') AND {LIVE} ORDER BY created_at, id"  # noqa: S608 - our own text
TAKE = (
    f"UPDATE token SET used_at = ?, revoked_at = ? WHERE hash = ? AND kind = 'login' AND {LIVE} RETURNING *"  # noqa: S608 - our own text
)
TOUCH = "UPDATE token SET used_at = ? WHERE id = ?"
EXTEND = "UPDATE token SET used_at = ?, expires_at = ? WHERE id = ? AND revoked_at IS NULL"
REVOKE = "UPDATE token SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL"
SUPERSEDED = "SELECT id FROM token WHERE kind = ? AND revoked_at IS NULL"
PRUNE = "DELETE FROM token WHERE kind <> 'api' AND (expires_at < ? OR revoked_at < ?)"

# How long a token that is over stays readable for whoever looks into an incident, in milliseconds.
KEPT = 7 * 24 * 3600 * 1000


class TokenKind(StrEnum):
    """What a token is for."""

    API = "api"
    LOGIN = "login"
    PAGE = "page"
    CLI = "cli"


# Where the holder of a program's token speaks as the person ``token:ID``.
SURFACES = ("web", "terminal")

# Of these there is one at a time: a new one ends the one before.
SINGLE = (TokenKind.LOGIN, TokenKind.CLI)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a new token may do; ``ttl`` is in milliseconds, ``None`` for one that does not expire."""

    kind: TokenKind
    name: str
    scopes: frozenset[Scope]
    role: Role
    ttl: int | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is stored; times are in milliseconds since the epoch."""

    id: str
    name: str
    kind: TokenKind
    hash: bytes
    scopes: frozenset[Scope]
    role: Role
    created_at: int
    expires_at: int | None
    used_at: int | None


def row_of(row: sqlite3.Row) -> Token:
    """Map a row of the table."""
    return Token(
        row["id"],
        row["name"],
        TokenKind(row["kind"]),
        row["hash"],
        frozenset(Scope(scope) for scope in json.loads(row["scopes"])),
        Role[row["role"].upper()],
        row["created_at"],
        row["expires_at"],
        row["used_at"],
    )


def _scopes_text(scopes: Iterable[Scope]) -> str:
    return json.dumps(sorted(scopes))


def add(tx: Unit, grant: Grant, hash: bytes, *, actor: str = "system") -> Token:  # noqa: A002 - the column's own name
    """Store a new token; a login or command token ends the one of its kind before it."""
    _prune(tx)
    if grant.kind in SINGLE:
        for row in tx.all(SUPERSEDED, (grant.kind,)):
            revoke(tx, row["id"], actor=actor)
    id = new_id("tok")
    expires = None if grant.ttl is None else tx.now + grant.ttl
    scopes = _scopes_text(grant.scopes)
    tx.run(INSERT, (id, grant.name, grant.kind, hash, scopes, grant.role.word, tx.now, expires))
    if grant.kind is TokenKind.API:
        for platform in SURFACES:
            people.admit(tx, Person(platform, f"token:{id}", grant.name, grant.role), actor=actor)
    tx.emit("token.create", id, actor=actor, token_kind=grant.kind.value, role=grant.role.word, scopes=scopes)
    return Token(id, grant.name, grant.kind, hash, grant.scopes, grant.role, tx.now, expires, None)


def _prune(tx: Unit) -> None:
    tx.run(PRUNE, (tx.now - KEPT, tx.now - KEPT))


def find(q: Query, hash: bytes, now: int) -> Token | None:  # noqa: A002 - the column's own name
    """Return the live token with a hash."""
    row = q.one(BY_HASH, (hash, now))
    return row_of(row) if row else None


def listed(q: Query, now: int) -> list[Token]:
    """Return the live tokens of programs and pages, oldest first."""
    return [row_of(row) for row in q.all(LISTED, (now,))]


def take_login(tx: Unit, hash: bytes) -> Token | None:  # noqa: A002 - the column's own name
    """Use up a login token and return it, or ``None`` when it is not live."""
    row = tx.one(TAKE, (tx.now, tx.now, hash, tx.now))
    if row is None:
        return None
    tx.emit("token.use", row["id"], actor=f"token:{row['id']}")
    return row_of(row)


def touch(tx: Unit, id: str) -> None:
    """Note that a token was used."""
    tx.run(TOUCH, (tx.now, id))


def extend(tx: Unit, id: str, ttl: int) -> None:
    """Let a page's session last ``ttl`` milliseconds from now."""
    tx.run(EXTEND, (tx.now, tx.now + ttl, id))


def revoke(tx: Unit, id: str, *, actor: str) -> None:
    """End a token; raise NotFound where there is none, doing it twice is harmless."""
    if tx.run(REVOKE, (tx.now, id)):
        for platform in SURFACES:
            people.revoke(tx, platform, f"token:{id}", actor=actor)
        tx.emit("token.revoke", id, actor=actor)
    elif tx.one(BY_ID, (id,)) is None:
        raise NotFound(f"There is no token {id}.", remedy="List the tokens to see their ids.")
