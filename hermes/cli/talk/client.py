"""The chat endpoints as a client sees them (docs/reference/chat-endpoints.md)."""

import asyncio
import json
import mimetypes
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from hermes.daemon import DaemonInfo
from kernel.errors import HermesError

PLATFORM = "terminal"
CONNECT_SECONDS = 5.0
# The server writes a comment every 25 s; after two of them are missing the connection is dead.
SILENCE_SECONDS = 60.0
RETRY_SECONDS = 0.5
# A gateway that restarts finishes what is under way for up to 20 s, and takes a few more to come back.
TRIES = 80
# While it restarts, a gateway does not know a token of its next or previous life, or is not yet ready.
COMING_BACK = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.SERVICE_UNAVAILABLE})


@dataclass(frozen=True, slots=True)
class Frame:
    """One server-sent event: ``event`` names it, ``data`` is its JSON, ``id`` is set for what must not be missed."""

    event: str
    data: dict[str, Any]
    id: str = ""


class ChatClient:
    """One chat of one daemon; ``find`` is asked again for the daemon's address whenever the connection breaks."""

    def __init__(self, find: Callable[[], DaemonInfo | None], chat: str) -> None:
        self._find = find
        self._chat = chat
        self._info: DaemonInfo | None = None
        # Our own machine is dialled by an address from a private file: no proxy, and no name to check.
        timeout = httpx.Timeout(30, connect=CONNECT_SECONDS)
        self._http = httpx.AsyncClient(trust_env=False, verify=False, timeout=timeout)  # noqa: S501 - as said above

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def say(self, text: str, attachments: Sequence[dict[str, Any]] = ()) -> str:
        """Commit a message and return its key; a broken connection is retried with the same key."""
        key = new_key()
        body = {"key": key, "text": text, "attachments": list(attachments)}
        await self._ask("POST", self._path("messages"), json=body)
        return key

    async def tap(self, value: str, message_id: str) -> None:
        """Press a button."""
        body = {"key": new_key(), "value": value, "message_id": message_id}
        await self._ask("POST", self._path("taps"), json=body)

    async def upload(self, path: Path) -> dict[str, Any]:
        """Upload a file and return what a message names it by."""
        content = await asyncio.to_thread(path.read_bytes)
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        return await self.give(path.name, content, kind)

    async def give(self, name: str, content: bytes, kind: str) -> dict[str, Any]:
        """Upload what a file would hold, of a MIME type, and return what a message names it by."""
        return await self._ask(
            "POST",
            self._path("uploads"),
            params={"name": name},
            content=content,
            headers={"Content-Type": kind},
        )

    async def sessions(self, limit: int) -> list[dict[str, Any]]:
        """Return the latest sessions of every surface."""
        return (await self._ask("GET", "/api/hermes/sessions", params={"limit": limit}))["sessions"]

    async def busy(self) -> bool:
        """Tell whether anything of this chat's conversation is under way."""
        return bool((await self._ask("GET", f"/api/hermes/sessions/{self.place}/busy"))["busy"])

    async def history(self, limit: int = 50) -> dict[str, Any]:
        """Return the latest messages, oldest first, and ``seq``, where the stream continues."""
        return await self._ask("GET", self._path("history"), params={"limit": limit})

    async def commands(self) -> list[dict[str, Any]]:
        """Return the slash commands."""
        return (await self._ask("GET", "/api/commands"))["commands"]

    @property
    def place(self) -> str:
        """The chat as an address."""
        return f"{PLATFORM}:{self._chat}"

    async def handoff(self) -> dict[str, Any]:
        """Return the latest handoff of the conversation that is, or was, in this chat."""
        return await self._ask("GET", f"/api/hermes/sessions/{self.place}/handoff")

    async def take(self, session: str) -> None:
        """Pull a conversation into this chat."""
        await self._ask("POST", f"/api/hermes/sessions/{session}/take", json={"to": self.place})

    async def frames(self, since: int) -> AsyncIterator[Frame]:
        """Yield what happens in the chat, for ever; broken connections are mended without a loss.

        A frame ``"lost"`` says that the daemon cannot be reached, until ``"ready"`` says that it can.
        """
        last = str(since)
        while True:
            try:
                async for frame in self._connection(last):
                    last = frame.id or last
                    yield frame
            except httpx.HTTPError:
                yield Frame("lost", {})
            await asyncio.sleep(RETRY_SECONDS)

    async def _connection(self, last: str) -> AsyncIterator[Frame]:
        timeout = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
        headers = {**self._headers(), "Last-Event-ID": last}
        url = f"{self._url(self._path('stream'))}?since={last}"
        async with self._http.stream("GET", url, headers=headers, timeout=timeout) as response:
            response.raise_for_status()
            async for frame in parse(response.aiter_lines()):
                yield frame

    async def _ask(self, method: str, path: str, **more: Any) -> Any:
        """Ask until there is an answer: whatever is asked here may be asked again, what is told carries its key."""
        given = more.pop("headers", {})
        problem = HermesError(
            "The gateway cannot be reached.", remedy="`hermes doctor` looks for the reason; then ask again."
        )
        for _ in range(TRIES):
            try:
                headers = {**self._headers(), **given}
                response = await self._http.request(method, self._url(path), headers=headers, **more)
            except httpx.TransportError:
                pass
            else:
                if not response.is_error:
                    return response.json()
                problem = _explained(response)
                if response.status_code not in COMING_BACK:
                    break
            await asyncio.sleep(RETRY_SECONDS)
        raise problem

    def _path(self, verb: str) -> str:
        return f"/api/chat/{PLATFORM}/{self._chat}/{verb}"

    def _url(self, path: str) -> str:
        self._info = self._find() or self._info
        if self._info is None:
            raise HermesError("No gateway runs.", remedy="Start it: hermes gateway")
        return self._info.url.rstrip("/") + path

    def _headers(self) -> dict[str, str]:
        self._info = self._find() or self._info
        return {"Authorization": f"Bearer {self._info.token if self._info else ''}"}


def new_key() -> str:
    """Return a key for one message."""
    return secrets.token_urlsafe(12)


def _explained(response: httpx.Response) -> HermesError:
    try:
        error = response.json()["error"]
        return HermesError(error["message"], remedy=error["remedy"])
    except (ValueError, KeyError, TypeError):
        return HermesError(f"The gateway answers with status {response.status_code}.")


async def parse(lines: AsyncIterator[str]) -> AsyncIterator[Frame]:
    """Read server-sent events; comments are left out."""
    event, data, id = "message", [], ""
    async for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield Frame(event, json.loads("\n".join(data)), id)
            event, data, id = "message", [], ""
        elif name == "event":
            event = value
        elif name == "data":
            data.append(value)
        elif name == "id":
            id = value
