"""Mailboxes read over IMAP: only looked at (``EXAMINE``, ``BODY.PEEK``), so that nothing is marked as read."""

import base64
import imaplib
import re
import socket
import ssl
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from cron.recipe import RecipeFailed
from cron.recipes.mails import Mail, parsed

SECOND_MS = 1000
SECONDS = 20.0
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Enough for the text of nearly every mail; what comes after it is attachments as a rule.
PART = 65_536
_UID = re.compile(rb"\bUID (\d+)")
Client: TypeAlias = imaplib.IMAP4


@dataclass(frozen=True, slots=True)
class Account:
    """Where a mailbox is, and how it is opened; ``number`` is the address that was found for the host."""

    host: str
    number: str
    port: int
    security: Literal["tls", "starttls", "none"]
    user: str
    password: str
    folder: str
    authorities: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted: unread mails above a UID while the mailbox' validity is the same, else those since a time."""

    validity: int
    above: int
    since: datetime
    most: int


@dataclass(frozen=True, slots=True)
class Found:
    """The newest wanted mails, how many there were, and where the next run goes on."""

    mails: list[Mail]
    count: int
    validity: int
    last: int


class Visit:
    """A look at a mailbox that another thread may end, so that nobody who stops waits for a silent server."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._over = False

    def began(self, made: socket.socket) -> None:
        """Keep the connection; it ends at once where the visit is over by now."""
        self._socket = made
        if self._over:
            self.end()

    def end(self) -> None:
        """End the connection, whatever is waited for on it."""
        self._over = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


def look(account: Account, wanted: Wanted, visit: Visit) -> Found:
    """Return what is unread and new, blocking while it does; raise RecipeFailed where the mailbox cannot be read."""
    try:
        with _opened(account, visit) as client:
            return _read(client, account, wanted)
    except imaplib.IMAP4.error as error:
        raise RecipeFailed(f"{account.host} refused: {_said(error)}.") from error
    except ssl.SSLCertVerificationError as error:
        raise RecipeFailed(
            f"The certificate of {account.host} is not trusted: {error.verify_message}.",
            remedy="With an authority of your own, set authorities to its PEM file.",
        ) from error
    except OSError as error:
        raise RecipeFailed(f"{account.host} cannot be reached ({_said(error)}).") from error


@contextmanager
def _opened(account: Account, visit: Visit) -> Generator[Client]:
    client = _connected(account, visit)
    try:
        _login(client, account)
        yield client
    finally:
        try:
            client.logout()
        except (imaplib.IMAP4.error, OSError):
            # It has gone already; what it said before that is what counts.
            _gone(client)


def _gone(client: Client) -> None:
    with suppress(OSError):
        client.shutdown()


class _Plain(imaplib.IMAP4):
    """A client that dials the number that was checked, and not whatever the name leads to by now."""

    def __init__(self, account: Account, tls: ssl.SSLContext | None, visit: Visit) -> None:
        self._account = account
        self._visit = visit
        self._tls = tls
        super().__init__(account.host, account.port, SECONDS)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        made = socket.create_connection((self._account.number, self._account.port), timeout)
        try:
            opened = self._tls.wrap_socket(made, server_hostname=self._account.host) if self._tls else made
        except OSError:
            made.close()
            raise
        self._visit.began(opened)
        return opened


def _connected(account: Account, visit: Visit) -> Client:
    tls = None
    if account.security != "none":
        tls = ssl.create_default_context(cafile=account.authorities or None)
    client = _Plain(account, tls if account.security == "tls" else None, visit)
    if account.security == "starttls":
        try:
            client.starttls(tls)
            visit.began(client.socket())
        except (imaplib.IMAP4.error, OSError):
            _gone(client)
            raise
    return client


def _login(client: Client, account: Account) -> None:
    """Log in; raise RecipeFailed where the password is refused."""
    user, password = account.user, account.password
    try:
        if (user + password).isascii():
            client.login(user, password)
        else:
            # LOGIN knows ASCII alone.
            client.authenticate("PLAIN", lambda _asked: f"\0{user}\0{password}".encode())
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        raise RecipeFailed(
            f"{account.host} does not let {user} in: {_said(error)}.",
            remedy="Is the secret right? Many services want a password made for one app.",
        ) from error


def _read(client: Client, account: Account, wanted: Wanted) -> Found:
    answered, data = client.select(_quoted(account.folder), readonly=True)
    if answered != "OK":
        raise RecipeFailed(f"There is no folder {account.folder!r}: {_text(data)}.")
    validity, following = _number(client, "UIDVALIDITY"), _number(client, "UIDNEXT")
    continued = bool(validity) and validity == wanted.validity
    uids = _search(client, wanted, continued)
    mails = _fetch(client, uids[-wanted.most :])
    if not continued:
        mails = [mail for mail in mails if mail.at >= wanted.since.timestamp() * SECOND_MS]
    count = len(uids) if continued or len(uids) > wanted.most else len(mails)
    before = wanted.above if continued else 0
    return Found(mails, count, validity, max([before, following - 1, *uids]))


def _search(client: Client, wanted: Wanted, continued: bool) -> list[int]:
    """Return the UIDs of unread mails, rising."""
    if continued:
        criteria = ["UNSEEN", "UID", f"{wanted.above + 1}:*"]
    else:
        # SINCE knows days only, and they are the server's.
        day = wanted.since - timedelta(days=1)
        criteria = ["UNSEEN", "SINCE", f"{day.day:02d}-{MONTHS[day.month - 1]}-{day.year}"]
    answered, data = client.uid("SEARCH", *criteria)
    if answered != "OK":
        raise RecipeFailed(f"The mailbox cannot be searched: {_text(data)}.")
    words = b" ".join(part for part in data if isinstance(part, bytes)).split()
    uids = sorted(int(word) for word in words if word.isdigit())
    # ``n:*`` always has the last mail, also where its number is below n.
    return [uid for uid in uids if not continued or uid > wanted.above]


def _fetch(client: Client, uids: list[int]) -> list[Mail]:
    """Return mails, the newest first."""
    if not uids:
        return []
    asked = f"(UID INTERNALDATE BODY.PEEK[]<0.{PART}>)"
    answered, data = client.uid("FETCH", ",".join(map(str, uids)), asked)
    if answered != "OK":
        raise RecipeFailed(f"Mails cannot be fetched: {_text(data)}.")
    mails: list[Mail] = []
    for place, part in enumerate(data):
        if isinstance(part, tuple):
            # What is not the body may stand before it or after it.
            after = data[place + 1] if place + 1 < len(data) else b""
            around = part[0] + b" " + (after if isinstance(after, bytes) else b"")
            mails.append(parsed(part[1], _uid(around), _arrived(around)))
    return sorted(mails, key=lambda mail: -mail.uid)


def _uid(around: bytes) -> int:
    found = _UID.search(around)
    return int(found[1]) if found else 0


def _arrived(around: bytes) -> int:
    moment = imaplib.Internaldate2tuple(around)
    return int(time.mktime(moment)) * SECOND_MS if moment else 0


def _number(client: Client, name: str) -> int:
    """Return a number that the server told when the folder was opened, 0 where it told none."""
    _kind, data = client.response(name)
    value = data[0] if data else None
    return int(value) if isinstance(value, bytes) and value.isdigit() else 0


def _quoted(folder: str) -> str:
    """Return a folder's name as IMAP writes it: modified UTF-7 in quotes (RFC 3501, 5.1.3)."""
    pieces = re.findall(r"[ -~]+|[^ -~]+", folder)
    words = [piece.replace("&", "&-") if piece.isascii() else _shifted(piece) for piece in pieces]
    return '"' + "".join(words).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _shifted(piece: str) -> str:
    coded = base64.b64encode(piece.encode("utf-16-be")).decode().rstrip("=")
    return f"&{coded.replace('/', ',')}-"


def _text(data: list[bytes | None] | list[object]) -> str:
    return b" ".join(part for part in data if isinstance(part, bytes)).decode("utf-8", "replace")[:200]


def _said(error: Exception) -> str:
    """Return a server's words, which imaplib keeps as bytes."""
    told = error.args[0] if error.args and isinstance(error.args[0], bytes) else None
    text = told.decode("utf-8", "replace") if told else str(error) or type(error).__name__
    return text.strip().rstrip(".")[:200]
