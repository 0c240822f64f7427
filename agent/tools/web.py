"""The tool that reads a page of the public web."""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import httpx
from pydantic import Field

from agent import framing
from agent.settings import FetchSettings
from agent.tools.addresses import checked
from agent.tools.page import text_of_html
from kernel.errors import AccessDenied, InvalidInput
from kernel.specs import Tool
from kernel.turns import ToolContext

AGENT = "Hermes (https://hermes.invalid)"
TEXT = (
    "text/",
    "application/json",
    "application/xml",
    "application/xhtml",
    "application/rss",
    "application/atom",
)
FOUND = 200
LONGEST_ADDRESS = 2000
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Page:
    """What a server sent: its final address, type and at most the allowed bytes."""

    url: httpx.URL
    status: int
    kind: str
    body: bytes
    encoding: str
    cut: bool


@dataclass(slots=True)
class Fetcher:
    """Fetches pages within the limits of the settings."""

    settings: FetchSettings
    _tls: ssl.SSLContext | None = field(default=None)

    async def fetch(self, address: str) -> Page:
        """Return the page at ``address``; raise AccessDenied for a private one and InvalidInput for none at all.

        Every redirect is checked like the first address, and the address that was checked is the one dialled.
        """
        try:
            async with asyncio.timeout(self.settings.timeout), self._client() as client:
                return await self._follow(client, _url(address))
        except TimeoutError as error:
            raise InvalidInput(
                f"{address} did not answer within {self.settings.timeout:g} seconds."
            ) from error
        except httpx.HTTPError as error:
            raise InvalidInput(f"{address} cannot be read ({type(error).__name__}).") from error

    def _client(self) -> httpx.AsyncClient:
        # Making a TLS context reads every root certificate; once is enough.
        self._tls = self._tls or httpx.create_ssl_context(trust_env=False)
        return httpx.AsyncClient(
            verify=self._tls,
            proxy=self.settings.proxy or None,
            trust_env=False,
            timeout=self.settings.timeout,
            headers={"User-Agent": AGENT, "Accept": "text/html, text/*;q=0.9, */*;q=0.5"},
        )

    async def _follow(self, client: httpx.AsyncClient, url: httpx.URL) -> Page:
        for _ in range(self.settings.redirects + 1):
            request = await self._request(client, url)
            response = await client.send(request, stream=True)
            try:
                if response.status_code not in REDIRECTS or "location" not in response.headers:
                    return await self._read(response, url)
                # The next address is relative to the name, not to the number that was dialled.
                url = _url(str(url.join(response.headers["location"])))
            finally:
                await response.aclose()
        raise InvalidInput(f"There are more than {self.settings.redirects} redirects.")

    async def _request(self, client: httpx.AsyncClient, url: httpx.URL) -> httpx.Request:
        """Return a request to the checked number that names the host it is meant for, also for TLS."""
        if self.settings.proxy:
            return client.build_request("GET", url)
        port = url.port or (443 if url.scheme == "https" else 80)
        address = await checked(url.host, port, self.settings.allow_private)
        return client.build_request(
            "GET",
            url.copy_with(host=str(address)),
            headers={"Host": url.netloc.decode("ascii")},
            extensions={"sni_hostname": url.host},
        )

    async def _read(self, response: httpx.Response, url: httpx.URL) -> Page:
        body = bytearray()
        async for chunk in response.aiter_bytes(65536):
            body += chunk
            if len(body) > self.settings.size:
                break
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        cut = len(body) > self.settings.size
        data = bytes(body[: self.settings.size])
        return Page(url, response.status_code, kind, data, response.charset_encoding or "utf-8", cut)


def _url(address: str) -> httpx.URL:
    """Read an address; raise InvalidInput for one that is not plain http or https."""
    try:
        url = httpx.URL(address.strip())
    except httpx.InvalidURL as error:
        raise InvalidInput(f"{address} is no address.") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise InvalidInput(f"{address} is no http or https address.")
    if url.userinfo:
        raise AccessDenied("An address with a password in it is not fetched.")
    return url


def _text(page: Page) -> str:
    try:
        text = page.body.decode(page.encoding, errors="replace")
    except LookupError:
        # The server named an encoding nobody knows.
        text = page.body.decode(errors="replace")
    looks_like_html = "html" in page.kind or text[:500].lstrip().lower().startswith(
        ("<!doctype html", "<html")
    )
    return text_of_html(text) if looks_like_html else text


def web_tools(settings: FetchSettings, output: int) -> Sequence[Tool]:
    """Return ``fetch_url``, which shows at most ``output`` characters of a page."""
    fetcher = Fetcher(settings)

    async def fetch_url(
        context: ToolContext,
        url: Annotated[str, Field(description="http or https address of a public page.")],
    ) -> str:
        """Read a page of the public web as text."""
        del context
        page = await fetcher.fetch(url)
        if len(str(page.url)) > LONGEST_ADDRESS:
            raise InvalidInput("The address is too long.")
        if page.kind and not page.kind.startswith(TEXT):
            raise InvalidInput(f"{page.url} is {page.kind}, not text.")
        text = await asyncio.to_thread(_text, page)
        notes = [f"[status {page.status}]"] if page.status != FOUND else []
        ends = ["[the rest of the page is left out]"] if page.cut or len(text) > output - framing.ROOM else []
        return framing.output("\n".join([*notes, text[: output - framing.ROOM], *ends]), str(page.url))

    return (
        Tool(
            "fetch_url",
            fetch_url,
            idempotent=True,
            label=lambda arguments: f"reading {arguments.get('url', '')}",
        ),
    )
