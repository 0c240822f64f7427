"""Who may do what: roles, scopes and principals."""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class Role(IntEnum):
    """What a person may do; a higher role includes the lower ones."""

    NONE = 0
    USER = 1
    OPERATOR = 2
    OWNER = 3

    @property
    def word(self) -> str:
        """The role as a word, such as ``"operator"``."""
        return self.name.lower()


class Scope(StrEnum):
    """What a token may be used for."""

    READ = "read"
    CHAT = "chat"
    SEND = "send"
    TASKS = "tasks"
    ADMIN = "admin"
    APPROVALS_READ = "approvals:read"
    APPROVALS_ASK = "approvals:ask"
    APPROVALS_DECIDE = "approvals:decide"


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever causes something: a person on a platform, a token's holder, or the daemon itself.

    ``id`` is ``"platform:stable-id"``, ``"token:name"``, ``"cli"`` or ``"system"``; never a display name.
    """

    id: str
    role: Role
    name: str = ""
    scopes: frozenset[Scope] = field(default_factory=frozenset[Scope])

    def may(self, scope: Scope) -> bool:
        """Tell whether the principal holds ``scope``; ADMIN includes all but deciding approvals."""
        return scope in self.scopes or (Scope.ADMIN in self.scopes and scope is not Scope.APPROVALS_DECIDE)
