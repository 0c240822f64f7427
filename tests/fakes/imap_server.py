"""A small IMAP server on loopback: enough of RFC 3501 for a reader, and honest about what readers change."""

import asyncio
import base64
import re
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
SEEN = "\\Seen"


@dataclass(slots=True)
class StoredMail:
    """A mail in a mailbox; ``at`` is when it arrived."""

    uid: int
    raw: bytes
    at: datetime
    flags: set[str] = field(default_factory=set)


@dataclass(slots=True)
class ImapServer:
    """A mailbox that is served; ``commands`` are all that clients said, passwords included."""

    user: str = "ada"
    password: str = "correct horse"
    folder: str = "INBOX"
    validity: int = 7
    mails: list[StoredMail] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    silent: bool = False
    hangs: bool = False
    uid_last: bool = False
    tls: ssl.SSLContext | None = None
    starttls: ssl.SSLContext | None = None
    port: int = 0

    def add(self, raw: bytes | str, at: datetime, *flags: str) -> StoredMail:
        """Let a mail arrive."""
        uid = max((mail.uid for mail in self.mails), default=0) + 1
        data = raw.encode() if isinstance(raw, str) else raw
        self.mails.append(
            StoredMail(uid, data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), at, set(flags))
        )
        return self.mails[-1]

    def said(self, word: str) -> list[str]:
        """Return the commands with a word in them."""
        return [command for command in self.commands if word in command.upper()]

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["ImapServer"]:
        """Serve until the block ends."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = _Session(self, reader, writer)
        try:
            await session.run()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()


class _Session:
    def __init__(
        self, server: ImapServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.known = False
        self.read_only = True
        self.open = False

    async def run(self) -> None:
        if self.server.silent:
            return
        if self.server.hangs:
            self.server.commands.append("connected")
            await self.reader.read()
            return
        self.say("* OK [CAPABILITY IMAP4rev1] ready")
        while line := (await self.reader.readline()).decode("utf-8", "replace").rstrip("\r\n"):
            self.server.commands.append(line)
            tag, _, command = line.partition(" ")
            if not await self.obey(tag, command):
                return
            await self.writer.drain()

    def say(self, line: str) -> None:
        self.writer.write(line.encode() + b"\r\n")

    async def obey(self, tag: str, command: str) -> bool:
        word, _, rest = command.partition(" ")
        match word.upper():
            case "CAPABILITY":
                offers = " STARTTLS" if self.server.starttls else ""
                self.say(f"* CAPABILITY IMAP4rev1 AUTH=PLAIN{offers}")
                self.say(f"{tag} OK done")
            case "STARTTLS" if self.server.starttls:
                self.say(f"{tag} OK go ahead")
                await self.writer.start_tls(self.server.starttls)
            case "LOGIN":
                self.login(tag, [one[0] or one[1] for one in re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', rest)])
            case "AUTHENTICATE":
                self.say("+ ")
                line = (await self.reader.readline()).strip()
                self.login(tag, base64.b64decode(line).decode().split("\0")[1:])
            case "LOGOUT":
                self.say("* BYE see you")
                self.say(f"{tag} OK done")
                return False
            case "EXAMINE" | "SELECT" if self.known:
                self.select(tag, rest.strip('"'), word.upper() == "EXAMINE")
            case "UID" if self.open:
                self.uid(tag, rest)
            case _:
                self.say(f"{tag} BAD not now")
        return True

    def login(self, tag: str, words: list[str]) -> None:
        self.known = words == [self.server.user, self.server.password]
        self.say(f"{tag} OK done" if self.known else f"{tag} NO [AUTHENTICATIONFAILED] Invalid credentials")

    def select(self, tag: str, name: str, read_only: bool) -> None:
        if name != self.server.folder:
            self.say(f"{tag} NO no such mailbox")
            return
        self.open, self.read_only = True, read_only
        following = max((mail.uid for mail in self.server.mails), default=0) + 1
        self.say(f"* {len(self.server.mails)} EXISTS")
        self.say(f"* OK [UIDVALIDITY {self.server.validity}] valid")
        self.say(f"* OK [UIDNEXT {following}] next")
        self.say(f"{tag} OK [{'READ-ONLY' if read_only else 'READ-WRITE'}] done")

    def uid(self, tag: str, rest: str) -> None:
        word, _, rest = rest.partition(" ")
        if word.upper() == "SEARCH":
            found = " ".join(str(mail.uid) for mail in self.search(rest))
            self.say(f"* SEARCH {found}".rstrip())
        else:
            self.fetch(*rest.split(" ", 1))
        self.say(f"{tag} OK done")

    def search(self, rest: str) -> list[StoredMail]:
        found = self.server.mails
        if "UNSEEN" in rest:
            found = [mail for mail in found if SEEN not in mail.flags]
        if since := re.search(r"SINCE (\d+)-(\w+)-(\d+)", rest):
            day = datetime(int(since[3]), MONTHS.index(since[2]) + 1, int(since[1]), tzinfo=UTC)
            found = [mail for mail in found if mail.at >= day]
        if above := re.search(r"UID (\d+):\*", rest):
            last = max((mail.uid for mail in self.server.mails), default=0)
            found = [mail for mail in found if mail.uid >= min(int(above[1]), last)]
        return found

    def fetch(self, uids: str, items: str) -> None:
        for place, mail in enumerate(self.server.mails, 1):
            if str(mail.uid) not in uids.split(","):
                continue
            if "PEEK" not in items and not self.read_only:
                mail.flags.add(SEEN)
            limit = re.search(r"<0\.(\d+)>", items)
            body = mail.raw[: int(limit[1])] if limit else mail.raw
            date = f'INTERNALDATE "{mail.at.day:02d}-{MONTHS[mail.at.month - 1]}-{mail.at:%Y %H:%M:%S} +0000"'
            first, last = (
                ("", f" UID {mail.uid} {date}") if self.server.uid_last else (f"UID {mail.uid} {date} ", "")
            )
            self.writer.write(f"* {place} FETCH ({first}BODY[]<0> {{{len(body)}}}\r\n".encode() + body)
            self.say(f"{last})")
