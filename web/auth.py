"""Secrets and who holds them.

A secret is 256 random bits, shown once; the store keeps its SHA-256, which needs no salt for a secret that nobody can
guess. A login token is good for one login and becomes a page's session.
"""

import hmac
import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from kernel.clock import Clock
from kernel.errors import StoreError
from kernel.people import Principal, Role, Scope
from store import tokens
from store.database import Database
from store.tokens import Grant, Token, TokenKind

HOUR = 3_600_000
DAY = 24 * HOUR

# What the owner's own page may do.
EVERYTHING = frozenset(Scope)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token: its id, and the secret that is shown this once."""

    token: Token
    secret: str


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever holds a live token."""

    principal: Principal
    token: Token


def digest(secret: str) -> bytes:
    """Return what the store keeps of a secret."""
    return sha256(secret.encode()).digest()


def new_secret(kind: TokenKind) -> str:
    """Return a fresh secret such as ``"hermes_api_…"``."""
    return f"hermes_{kind}_{secrets.token_urlsafe(32)}"


async def create(database: Database, grant: Grant, *, actor: str = "system") -> Issued:
    """Make a token and return it with its secret."""
    secret = new_secret(grant.kind)
    return Issued(await database.write(tokens.add, grant, digest(secret), actor=actor), secret)


async def issue(
    database: Database,
    kind: TokenKind,
    name: str,
    scopes: frozenset[Scope] = EVERYTHING,
    role: Role = Role.OWNER,
    ttl: timedelta | None = None,
) -> str:
    """Make a token and return its secret; a login or cli token ends the one of its kind before it."""
    milliseconds = None if ttl is None else ttl // timedelta(milliseconds=1)
    return (await create(database, Grant(kind, name, scopes, role, milliseconds))).secret


async def authenticate(database: Database, clock: Clock, secret: str) -> Visitor | None:
    """Return who holds a secret, or ``None``; a login token is no credential by itself."""
    hashed = digest(secret)
    token = await database.read(tokens.find, hashed, clock.now()) if secret else None
    if token is None or token.kind is TokenKind.LOGIN or not hmac.compare_digest(token.hash, hashed):
        return None
    return Visitor(principal_of(token), token)


def principal_of(token: Token) -> Principal:
    """Return whom a token stands for: the owner at the page or the command line, else the program it was made for."""
    ids = {TokenKind.PAGE: "web:owner", TokenKind.LOGIN: "web:owner", TokenKind.CLI: "cli"}
    return Principal(ids.get(token.kind, f"token:{token.id}"), token.role, token.name, token.scopes)


async def login(database: Database, secret: str, page_days: int) -> Issued | None:
    """Turn a login token into a page's session, or return ``None``; a second login with it fails."""
    used = await database.write(tokens.take_login, digest(secret)) if secret else None
    if used is None:
        return None
    return await create(
        database, Grant(TokenKind.PAGE, used.name, used.scopes, used.role, page_days * DAY), actor="web:owner"
    )


async def note_use(database: Database, clock: Clock, token: Token, page_days: int) -> None:
    """Keep a page's session alive and note when a token was last used, at most once an hour."""
    if clock.now() - (token.used_at or 0) < HOUR:
        return
    try:
        if token.kind is TokenKind.PAGE:
            await database.write(tokens.extend, token.id, page_days * DAY)
        else:
            await database.write(tokens.touch, token.id)
    except StoreError as error:
        _log.warning("The use of a token was not noted: %s", error)
