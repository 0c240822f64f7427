"""Errors, named for what the caller does next.

HermesError
├── IllegalTransition       our bug: the table has no such move
├── Stale                   look again: somebody moved the row first
├── NotFound                there is no such thing
├── InvalidInput            the person or program asked for something impossible
├── AccessDenied            the principal may not do this
├── ConfigError             fix the configuration
├── StoreError
│   ├── StoreFull           wait: the disk is full, nothing was written
│   ├── StoreReadOnly       repair: the database is damaged, reads still work
│   ├── HomeLocked          another process owns this home
│   ├── ForeignDatabase     not ours, or newer than this program
│   └── OutcomeUnknown      stop: a commit may or may not have happened
├── DeliveryError
│   ├── DeliveryDeferred    wait and send again
│   ├── DeliveryRejected    stop: the platform will never take it
│   └── DeliveryUncertain   reconcile: it may have been delivered
├── PlatformError
│   ├── PlatformUnavailable retry with backoff
│   ├── PlatformConflict    somebody else uses this token
│   └── PlatformUnauthorised stop until the operator acts
├── SpawnFailed             an attempt could not be started; it counts as one
└── AgentError
    ├── ModelUnavailable    try the next model, or tell the person
    └── BudgetSpent         stop: the limit the owner set is reached
"""


class HermesError(Exception):
    """Something went wrong that Hermes can explain.

    ``remedy`` is one sentence that tells the reader the way out; it may be empty.
    """

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class IllegalTransition(HermesError):
    """The transition table has no such move."""


class Stale(HermesError):
    """The row has moved on since it was read; look again."""


class NotFound(HermesError):
    """There is no such thing."""


class InvalidInput(HermesError):
    """The request cannot be carried out as it was written."""


class AccessDenied(HermesError):
    """The principal may not do this."""


class ConfigError(HermesError):
    """The configuration cannot be used."""


class StoreError(HermesError):
    """The store could not do what was asked."""


class StoreFull(StoreError):
    """The disk is full; nothing was written."""


class StoreReadOnly(StoreError):
    """The database is damaged; reads still work."""


class HomeLocked(StoreError):
    """Another process owns this home.

    ``pid`` is its process id and ``kind`` is ``"gateway"`` or ``"embedded"``, where the holder wrote them down.
    """

    def __init__(self, message: str, *, remedy: str = "", pid: int | None = None, kind: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.pid = pid
        self.kind = kind


class ForeignDatabase(StoreError):
    """The database belongs to another product or to a newer Hermes."""


class OutcomeUnknown(StoreError):
    """A commit failed in a way that leaves its outcome unknown; all side effects must stop."""


class DeliveryError(HermesError):
    """A message could not be delivered now."""


class DeliveryDeferred(DeliveryError):
    """The platform asks to wait ``retry_after`` seconds; the message was not delivered."""

    def __init__(self, message: str, *, retry_after: float = 1.0, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after = retry_after


class DeliveryRejected(DeliveryError):
    """The platform will never take this message."""


class DeliveryUncertain(DeliveryError):
    """The message was handed over but no receipt came back."""


class PlatformError(HermesError):
    """The connection to a platform failed."""


class PlatformUnavailable(PlatformError):
    """The platform cannot be reached or is failing; retry with backoff.

    ``retry_after`` is the platform's own wish in seconds, where it named one.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after = retry_after


class PlatformConflict(PlatformError):
    """Another process receives with the same credentials."""


class PlatformUnauthorised(PlatformError):
    """The platform refuses the credentials; retrying cannot help."""


class SpawnFailed(HermesError):
    """An attempt could not be started.

    ``lasting`` says that trying again cannot help: the folder or the program does not exist.
    """

    def __init__(self, message: str, *, lasting: bool = False, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.lasting = lasting


class AgentError(HermesError):
    """A turn could not be carried out."""


class ModelUnavailable(AgentError):
    """No configured model gave an answer."""


class BudgetSpent(AgentError):
    """A limit that the owner set is reached."""
