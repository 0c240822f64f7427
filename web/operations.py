"""The operations of this room: making, listing and revoking tokens."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from kernel.clock import Clock
from kernel.errors import AccessDenied, InvalidInput
from kernel.people import Principal, Role, Scope
from kernel.specs import Operation
from store import tokens
from store.database import Database
from store.tokens import Grant, Token, TokenKind
from web.auth import DAY, create

ROLES = {role.word: role for role in Role if role is not Role.NONE}


class CreateToken(BaseModel):
    """What a new token may do."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=64, description="What it is for, such as 'editor'.")
    scopes: list[Scope] = Field(default=[Scope.READ], min_length=1, description="What it may be used for.")
    role: str = Field(
        default="user", pattern="^(user|operator|owner)$", description="What its holder may do."
    )
    days: int | None = Field(
        None, ge=1, le=3650, description="Days until it expires; without it, it does not."
    )


class TokenView(BaseModel):
    """A token without its secret; times are in milliseconds since the epoch."""

    id: str
    name: str
    kind: TokenKind
    scopes: list[Scope]
    role: str
    created_at: int
    expires_at: int | None
    used_at: int | None


class CreatedToken(TokenView):
    """A new token; ``secret`` is shown this once."""

    secret: str


class ListTokens(BaseModel):
    """Nothing to say."""


class TokenList(BaseModel):
    """The live tokens, oldest first."""

    tokens: list[TokenView]


class TokenId(BaseModel):
    """Which token."""

    id: str


class Revoked(BaseModel):
    """The token that is over."""

    id: str


def _view(token: Token) -> dict[str, object]:
    return {
        "id": token.id,
        "name": token.name,
        "kind": token.kind,
        "scopes": sorted(token.scopes),
        "role": token.role.word,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "used_at": token.used_at,
    }


class CreateLogin(BaseModel):
    """Nothing to say."""


class LoginLink(BaseModel):
    """A one-time login: the address that logs a browser in, and its token for typing."""

    url: str
    token: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """Carries the operations out; ``login_url`` makes an address from a login token."""

    database: Database
    clock: Clock
    login_url: Callable[[str], str]
    login_minutes: int

    async def create(self, principal: Principal, asked: CreateToken) -> CreatedToken:
        """Make a token that can do no more than its maker."""
        role, scopes = ROLES[asked.role], frozenset(asked.scopes)
        if not asked.name.strip():
            raise InvalidInput("A token needs a name.")
        if role > principal.role or not all(principal.may(scope) for scope in scopes):
            raise AccessDenied("A token cannot be given more than its maker may do.")
        if Scope.APPROVALS_DECIDE in scopes and role < Role.OPERATOR:
            raise InvalidInput(
                "Whoever decides approvals is an operator at least.", remedy="Make it with the role operator."
            )
        ttl = None if asked.days is None else asked.days * DAY
        issued = await create(
            self.database, Grant(TokenKind.API, asked.name.strip(), scopes, role, ttl), actor=principal.id
        )
        return CreatedToken.model_validate({**_view(issued.token), "secret": issued.secret})

    async def list(self, _principal: Principal, _asked: ListTokens) -> TokenList:
        """Return the tokens of programs and pages."""
        found = await self.database.read(tokens.listed, self.clock.now())
        return TokenList(tokens=[TokenView.model_validate(_view(token)) for token in found])

    async def revoke(self, principal: Principal, asked: TokenId) -> Revoked:
        """End a token at once; streams that it opened are closed."""
        await self.database.write(tokens.revoke, asked.id, actor=principal.id)
        return Revoked(id=asked.id)

    async def login(self, principal: Principal, _asked: CreateLogin) -> LoginLink:
        """Make a one-time login for the owner's browser; the one before it ends."""
        if principal.role is not Role.OWNER:
            raise AccessDenied("Only the owner may log a browser in.")
        ttl = self.login_minutes * 60_000
        # The page may do what its maker may do: a token that cannot decide approvals makes no page that can.
        scopes = frozenset(scope for scope in Scope if principal.may(scope))
        grant = Grant(TokenKind.LOGIN, "page", scopes, Role.OWNER, ttl)
        issued = await create(self.database, grant, actor=principal.id)
        return LoginLink(
            url=self.login_url(issued.secret), token=issued.secret, expires_at=issued.token.expires_at or 0
        )


def operations(room: Tokens) -> Sequence[Operation]:
    """Return this room's operations."""
    admin = Scope.ADMIN
    return (
        Operation(
            "logins.create", "Make a one-time login for the owner's browser.", admin, CreateLogin, LoginLink,
            room.login, "POST", "/logins", mcp=False,
        ),
        Operation(
            "tokens.create", "Make a token; its secret is shown this once.", admin, CreateToken, CreatedToken,
            room.create, "POST", "/tokens", mcp=False,
        ),
        Operation(
            "tokens.list", "List the live tokens, without their secrets.", admin, ListTokens, TokenList,
            room.list, "GET", "/tokens", mcp=False,
        ),
        Operation(
            "tokens.revoke", "End a token at once.", admin, TokenId, Revoked,
            room.revoke, "DELETE", "/tokens/{id}", mcp=False,
        ),
    )  # fmt: skip
