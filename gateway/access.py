"""Access: who is admitted, with which role, and how strangers become known."""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Sequence

from gateway.rates import Bucket
from gateway.settings import AccessSettings
from kernel.clock import Clock
from kernel.errors import InvalidInput, NotFound
from kernel.events import Event
from kernel.messages import Inbound
from kernel.people import Principal, Role
from store import inbox, people
from store.database import Database
from store.people import Pairing, Person

CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
CODE_LENGTH = 8
STRANGERS_KEPT = 10_000
LOCAL_OWNER = "owner"
PAIRING_TRIES = 10


def new_code() -> str:
    """Return a pairing code: eight characters from an alphabet without look-alikes (40 bits)."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


def hash_code(code: str, salt: bytes) -> bytes:
    """Return the slow salted hash of a pairing code; case and spaces do not matter."""
    cleaned = "".join(code.split()).upper().encode()
    return hashlib.scrypt(cleaned, salt=salt, n=2**12, r=8, p=1)


class Access:
    """Knows everybody's role; people are cached in memory and re-read when the store says that they changed.

    ``local`` names the platforms whose senders this process has authenticated itself: there the sender ``"owner"`` is
    the owner.
    """

    def __init__(
        self, settings: AccessSettings, database: Database, clock: Clock, local: frozenset[str]
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._local = local
        self._admitted: dict[str, Role] = {}
        # The roles that each person had on their platform when they were last seen there, and when that was.
        self._worn: OrderedDict[str, tuple[int, tuple[str, ...]]] = OrderedDict()
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self._offered: OrderedDict[str, None] = OrderedDict()
        self._bootstrap = ""
        self._tries = Bucket(PAIRING_TRIES / 3600, PAIRING_TRIES, clock.monotonic())

    def configure(self, settings: AccessSettings) -> None:
        """Use new settings."""
        self._settings = settings

    async def load(self) -> None:
        """Read from the store who is admitted, and which roles people had where roles count."""
        found = await self._database.read(people.everyone)
        self._admitted = {f"{person.platform}:{person.id}": person.role for person in found}
        if self._settings.roles and not self._worn:
            self._worn.update(await self._database.read(inbox.roles_worn, STRANGERS_KEPT))

    def changed(self, event: Event) -> None:
        """Take up an admission that another room committed, such as that of a program's token."""
        if event.kind == "person.admit":
            self._admitted[event.subject] = Role[str(event.body["role"]).upper()]
        else:
            self._admitted.pop(event.subject, None)

    def role(self, platform: str, sender: str) -> Role:
        """Return somebody's role by their platform id."""
        settings, id = self._settings, f"{platform}:{sender}"
        if id in settings.owners or (platform in self._local and sender == LOCAL_OWNER):
            return Role.OWNER
        if id in settings.operators:
            return max(Role.OPERATOR, self._admitted.get(id, Role.NONE))
        if id in settings.users or platform in settings.open_to_everyone:
            return max(Role.USER, self._admitted.get(id, Role.NONE))
        return self._admitted.get(id, Role.NONE)

    def principal(self, inbound: Inbound) -> Principal:
        """Return who wrote a message, with their role now.

        A message without roles, such as a direct one, counts with those that its sender was last seen with.
        """
        platform, sender = inbound.address.platform, inbound.sender
        id = f"{platform}:{sender.id}"
        if sender.roles:
            self._remember(id, inbound.sent_at, sender.roles)
        worn = sender.roles or self._worn_by(id)
        role = max(self.role(platform, sender.id), self._role_of_groups(platform, worn))
        return Principal(id, role, sender.name)

    def _remember(self, id: str, at: int, roles: tuple[str, ...]) -> None:
        """Take note of somebody's roles, unless later ones are known: what waited long may be looked at again."""
        known = self._worn.pop(id, (0, ()))
        self._worn[id] = max((at, roles), known, key=lambda seen: seen[0])
        if len(self._worn) > STRANGERS_KEPT:
            self._worn.popitem(last=False)

    def _worn_by(self, id: str) -> tuple[str, ...]:
        return self._worn.get(id, (0, ()))[1]

    def _role_of_groups(self, platform: str, roles: Sequence[str]) -> Role:
        granted = (self._settings.roles.get(f"{platform}:{role}") for role in roles)
        return max((Role[name.upper()] for name in granted if name), default=Role.NONE)

    def principal_of(self, id: str) -> Principal:
        """Return somebody by ``platform:id``, with their role now."""
        platform, _, sender = id.partition(":")
        return Principal(
            id, max(self.role(platform, sender), self._role_of_groups(platform, self._worn_by(id)))
        )

    def has_owner(self, platform: str) -> bool:
        """Tell whether somebody on a platform is an owner."""
        prefix = f"{platform}:"
        owners = (*self._settings.owners, *(id for id, role in self._admitted.items() if role is Role.OWNER))
        return any(id.startswith(prefix) for id in owners)

    def owners_on(self, platform: str) -> list[str]:
        """Return the owners who are known on a platform, as ``platform:id``, the configured ones first."""
        prefix = f"{platform}:"
        owners = (*self._settings.owners, *(id for id, role in self._admitted.items() if role is Role.OWNER))
        return [id for id in owners if id.startswith(prefix)]

    def within_rate(self, inbound: Inbound) -> bool:
        """Tell whether somebody still may send, and count the message."""
        id, now = f"{inbound.address.platform}:{inbound.sender.id}", self._clock.monotonic()
        bucket = self._buckets.get(id)
        if bucket is None:
            per_minute = self._settings.messages_per_minute
            bucket = self._buckets[id] = Bucket(per_minute / 60.0, per_minute, now)
            if len(self._buckets) > STRANGERS_KEPT:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(id)
        allowed = bucket.wait(now) == 0.0
        if allowed:
            bucket.take()
        return allowed

    def may_be_offered(self, inbound: Inbound) -> bool:
        """Tell whether a stranger should hear from us: once, in a private chat, where pairing is on."""
        id = f"{inbound.address.platform}:{inbound.sender.id}"
        if not (self._settings.pairing and inbound.private) or id in self._offered:
            return self._is_code(inbound.text)
        self._offered[id] = None
        if len(self._offered) > STRANGERS_KEPT:
            self._offered.popitem(last=False)
        return True

    def _is_code(self, text: str) -> bool:
        cleaned = "".join(text.removeprefix("/pair").split()).upper()
        return len(cleaned) == CODE_LENGTH and set(cleaned) <= set(CODE_ALPHABET)

    def open_bootstrap(self) -> str:
        """Return the one-time code with which the first owner introduces themselves, to be printed; made once."""
        self._bootstrap = self._bootstrap or new_code()
        return self._bootstrap

    def redeem_bootstrap(self, text: str) -> bool:
        """Tell whether a stranger wrote the owner's one-time code, and use it up; guesses are rate-limited."""
        now = self._clock.monotonic()
        if not self._bootstrap or not self._is_code(text) or self._tries.wait(now) > 0:
            return False
        self._tries.take()
        cleaned = "".join(text.removeprefix("/pair").split()).upper()
        if not hmac.compare_digest(cleaned, self._bootstrap):
            return False
        self._bootstrap = ""
        return True

    async def offer(self, inbound: Inbound, received_at: int) -> str:
        """Return a new pairing code for a stranger, or an empty string while an earlier one is still valid.

        A code that is no older than the message was made for this very message and never reached anybody.
        """
        platform, sender, now = inbound.address.platform, inbound.sender, self._clock.now()
        known = await self._database.read(people.pairing, platform, sender.id)
        if known is not None and known.expires_at > now and known.created_at < received_at:
            return ""
        code, salt = new_code(), secrets.token_bytes(16)
        until = now + self._settings.pairing_minutes * 60_000
        address = str(inbound.address)
        pairing = Pairing(platform, sender.id, sender.name, address, salt, hash_code(code, salt), now, until)
        await self._database.write(people.offer, pairing)
        return code

    async def approve(self, code: str, role: Role, *, actor: str) -> Person:
        """Admit the stranger who was given a code; raise InvalidInput when it fits nobody."""
        now = self._clock.monotonic()
        if self._tries.wait(now) > 0:
            raise InvalidInput("Too many codes were tried.", remedy="Wait a few minutes.")
        self._tries.take()
        for pairing in await self._database.read(people.pairings, self._clock.now()):
            if hmac.compare_digest(hash_code(code, pairing.salt), pairing.hash):
                return await self.admit(Person(pairing.platform, pairing.id, pairing.name, role), actor=actor)
        raise InvalidInput(
            "No pairing waits for this code.", remedy="Codes are valid for an hour; ask for a new one."
        )

    async def admit(self, person: Person, *, actor: str) -> Person:
        """Give somebody a role."""
        await self._database.write(people.admit, person, actor=actor)
        await self.load()
        return person

    async def revoke(self, id: str, *, actor: str) -> None:
        """Withdraw an admission by ``platform:id``; raise NotFound when there is none."""
        platform, _, sender = id.partition(":")
        if not await self._database.write(people.revoke, platform, sender, actor=actor):
            raise NotFound(
                f"{id} was not admitted by pairing.", remedy="`hermes pairing list` shows who was."
            )
        self._offered.pop(id, None)
        await self.load()
