"""Files: people's are downloaded from Slack alone, ours go up by the current API."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from gateway.platforms.slack.failures import delivery_error, doubtful, platform_error
from gateway.platforms.slack.settings import SlackSettings
from gateway.platforms.slack.web import Api, CallFailed, Flooded, Refused, ServerFailed, Unreachable, bounded
from gateway.transport.downloads import CHUNK, TooLarge, arriving, too_large, write
from kernel.errors import DeliveryRejected, PlatformUnavailable
from kernel.messages import Attachment, Outbound

TRANSFER_SECONDS = 600.0
# Slack shares an uploaded file a moment after it was told to.
SHARE_WAITS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.5)
KEPT = 512
OK, TOO_MANY, FAILED = 200, 429, 500


class Shelf:
    """Uploads and downloads for one app."""

    def __init__(self, settings: SlackSettings, api: Api) -> None:
        self._settings = settings
        self._api = api
        self._uploaded: OrderedDict[str, str] = OrderedDict()
        self._direct: OrderedDict[str, str] = OrderedDict()

    async def channel(self, chat: str) -> str:
        """Return a channel's id; a person's stands for their direct messages, which most calls know by channel only."""
        if not chat.startswith(("U", "W")):
            return chat
        if chat not in self._direct:
            opened = await self._api.call("conversations.open", users=chat)
            _keep(self._direct, chat, str((opened.get("channel") or {}).get("id") or chat))
        return self._direct[chat]

    async def fetch(self, attachment: Attachment, target: Path, limit: int) -> int:
        """Write an attachment to ``target``, whole or not at all; return its size in bytes.

        Raises DeliveryRejected when it is larger than ``limit``, gone or elsewhere, PlatformUnavailable when it may
        work later.
        """
        if attachment.size > limit:
            raise too_large(attachment, limit)
        try:
            address = await self._address(attachment)
            async with asyncio.timeout(TRANSFER_SECONDS), arriving(target) as part:
                return await self._download(attachment, address, part, limit)
        except TooLarge:
            raise too_large(attachment, limit) from None
        except Refused as error:
            raise DeliveryRejected(f"{attachment.name} is gone at Slack: {error.code}.") from None
        except CallFailed as error:
            raise platform_error(error) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise PlatformUnavailable(f"{attachment.name} did not arrive: {type(error).__name__}.") from None

    async def _address(self, attachment: Attachment) -> str:
        """Return where a file is; the token goes to Slack's own hosts only."""
        address = attachment.ref
        if not address.startswith(("http://", "https://")):
            found = (await self._api.call("files.info", file=address)).get("file") or {}
            address = str(found.get("url_private_download") or found.get("url_private") or "")
        if not trusted(address, self._settings):
            raise DeliveryRejected(f"{attachment.name} does not lie at Slack, so it is not fetched.")
        return address

    async def _download(self, attachment: Attachment, address: str, target: Path, limit: int) -> int:
        token = self._settings.bot_token.get_secret_value().strip()
        wait = aiohttp.ClientTimeout(total=TRANSFER_SECONDS, sock_read=self._settings.request_seconds)
        async with self._api.session.get(
            address,
            headers={"Authorization": f"Bearer {token}"},
            allow_redirects=False,
            timeout=wait,
            proxy=self._api.client.proxy or None,
        ) as answer:
            if answer.status == TOO_MANY:
                raise Flooded(bounded(answer.headers.get("Retry-After")))
            if answer.status >= FAILED:
                raise ServerFailed(answer.status)
            # Where the scope files:read is missing Slack sends a page to sign in.
            if answer.status != OK or (answer.content_type == "text/html" and "html" not in attachment.mime):
                raise DeliveryRejected(
                    f"{attachment.name} cannot be read.", remedy="Does the app have the scope files:read?"
                )
            return await write(answer.content.iter_chunked(CHUNK), target, limit)

    async def share(self, message: Outbound, words: str) -> str:
        """Upload a file into a chat and return the id of its message, or the file's where Slack does not say."""
        path = message.file or Path()
        name = message.file_name or path.name
        channel = await self.channel(message.address.chat)
        before = self._uploaded.get(message.nonce, "") if message.nonce else ""
        if before and (shown := await self._shown(before, channel, tries=2)):
            return shown
        id = before or await self._upload(path, name, message.nonce)
        made = await self._complete(id, name, channel, message, words)
        return _share(made, channel) or await self._shown(id, channel, tries=len(SHARE_WAITS)) or id

    async def _complete(
        self, id: str, name: str, channel: str, message: Outbound, words: str
    ) -> dict[str, Any]:
        try:
            made = await self._api.call(
                "files.completeUploadExternal",
                files=[{"id": id, "title": name}],
                channel_id=channel,
                thread_ts=message.address.thread,
                initial_comment=words or None,
            )
        except CallFailed as error:
            if not doubtful(error):
                self._uploaded.pop(message.nonce, None)
            raise
        files = made.get("files") or [{}]
        return files[0]

    async def _upload(self, path: Path, name: str, nonce: str) -> str:
        """Bring a file's bytes to Slack, seen by nobody yet; return its id."""
        try:
            size = (await asyncio.to_thread(path.stat)).st_size
            place = await self._api.call("files.getUploadURLExternal", filename=name, length=size)
            await self._put(str(place["upload_url"]), path)
        except OSError as error:
            raise DeliveryRejected(f"{name} cannot be read: {error.strerror}.") from None
        except CallFailed as error:
            # Nothing was shown yet, so it may simply be done again.
            raise delivery_error(error, repeatable=True) from None
        if nonce:
            _keep(self._uploaded, nonce, str(place["file_id"]))
        return str(place["file_id"])

    async def _put(self, address: str, path: Path) -> None:
        if not trusted(address, self._settings):
            raise DeliveryRejected("Slack named a foreign place to upload to.")
        wait = aiohttp.ClientTimeout(total=TRANSFER_SECONDS)
        try:
            async with self._api.session.post(
                address, data=_chunks(path), timeout=wait, proxy=self._api.client.proxy or None
            ) as answer:
                if answer.status != OK:
                    raise ServerFailed(answer.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(type(error).__name__, sent=False) from None

    async def _shown(self, id: str, channel: str, *, tries: int) -> str:
        """Return the id of the message a file is in, waiting a moment for it; an empty text where there is none."""
        for wait in SHARE_WAITS[:tries]:
            try:
                found = (await self._api.call("files.info", file=id)).get("file") or {}
            except CallFailed:
                # Without the scope or the method the file's own id has to do.
                return ""
            if ts := _share(found, channel):
                return ts
            await asyncio.sleep(wait)
        return ""


def trusted(address: str, settings: SlackSettings) -> bool:
    """Tell whether an address is Slack's, or the configured server's: nowhere else does a token go."""
    try:
        found, own = urlsplit(address), urlsplit(settings.api_base)
        same = (found.scheme, found.hostname, found.port) == (own.scheme, own.hostname, own.port)
    except ValueError:
        return False
    if same and found.hostname:
        return True
    host = found.hostname or ""
    official = (own.hostname or "") == "slack.com" or (own.hostname or "").endswith(".slack.com")
    return official and found.scheme == "https" and found.port in {None, 443} and host.endswith(".slack.com")


def _share(file: dict[str, Any], channel: str) -> str:
    shares = file.get("shares") or {}
    for kind in ("private", "public"):
        for shared in (shares.get(kind) or {}).get(channel) or ():
            return str(shared.get("ts") or "")
    return ""


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk


def _keep(kept: OrderedDict[str, str], key: str, value: str) -> None:
    kept[key] = value
    while len(kept) > KEPT:
        kept.popitem(last=False)
