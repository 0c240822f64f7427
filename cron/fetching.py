"""Fetching over HTTP for checks and recipes: private addresses are refused, on every redirect as well."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from agent.tools.addresses import checked
from cron.recipe import RecipeFailed, Reply
from kernel.errors import AccessDenied, InvalidInput

AGENT = "hermes-gateway"
REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 5
SECONDS = 30.0


@dataclass(slots=True)
class Fetching:
    """Fetches addresses (``cron.recipe.Http``); ``allowed()`` are the private networks it may reach."""

    allowed: Callable[[], tuple[str, ...]]
    seconds: float = SECONDS
    _tls: ssl.SSLContext | None = None

    async def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, limit: int = 5_000_000
    ) -> Reply:
        """Return the answer behind redirects; raise RecipeFailed where there is none or it is over ``limit`` bytes."""
        # Making a TLS context reads every root certificate; once is enough.
        self._tls = self._tls or await asyncio.to_thread(httpx.create_ssl_context, trust_env=False)
        try:
            async with (
                asyncio.timeout(self.seconds),
                httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=self.seconds) as client,
            ):
                return await self._follow(client, _url(url), dict(headers or {}), limit)
        except TimeoutError:
            raise RecipeFailed(f"{url} did not answer within {self.seconds:g} seconds.") from None
        except httpx.HTTPError as error:
            raise RecipeFailed(f"{url} cannot be read ({type(error).__name__}).") from error
        except (AccessDenied, InvalidInput) as error:
            raise RecipeFailed(error.message, remedy=_remedy(error)) from error

    async def address(self, host: str, port: int) -> str:
        """Return the number of a host that is reached without HTTP; raise RecipeFailed where it may not be reached."""
        try:
            return str(await checked(host, port, self.allowed()))
        except (AccessDenied, InvalidInput) as error:
            raise RecipeFailed(error.message, remedy=_remedy(error)) from error

    async def _follow(
        self, client: httpx.AsyncClient, url: httpx.URL, headers: dict[str, str], limit: int
    ) -> Reply:
        for _ in range(MOST_REDIRECTS + 1):
            response = await client.send(await self._request(client, url, headers), stream=True)
            try:
                if response.status_code not in REDIRECTS or "location" not in response.headers:
                    return await _read(response, url, limit)
                there = _url(str(url.join(response.headers["location"])))
                # What is meant for one host is not told another.
                headers = headers if there.host == url.host else {}
                url = there
            finally:
                await response.aclose()
        raise RecipeFailed(f"{url} has more than {MOST_REDIRECTS} redirects.")

    async def _request(
        self, client: httpx.AsyncClient, url: httpx.URL, headers: Mapping[str, str]
    ) -> httpx.Request:
        """Return a request to the checked number that names the host it is meant for, also for TLS."""
        port = url.port or (443 if url.scheme == "https" else 80)
        address = await checked(url.host, port, self.allowed())
        return client.build_request(
            "GET",
            url.copy_with(host=str(address)),
            headers={"User-Agent": AGENT, **headers, "Host": url.netloc.decode("ascii")},
            extensions={"sni_hostname": url.host},
        )


async def _read(response: httpx.Response, url: httpx.URL, limit: int) -> Reply:
    body = bytearray()
    async for chunk in response.aiter_bytes(65536):
        body += chunk
        if len(body) > limit:
            raise RecipeFailed(f"{url} is longer than {limit:,} bytes.")
    return Reply(response.status_code, bytes(body), str(url), dict(response.headers))


def _url(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address.strip())
    except httpx.InvalidURL:
        raise InvalidInput(f"{address} is no address.") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise InvalidInput(f"{address} is no http or https address.")
    if url.userinfo:
        raise AccessDenied("An address with a password in it is not fetched.")
    return url


def _remedy(error: AccessDenied | InvalidInput) -> str:
    return error.remedy.replace("agent.fetch.allow_private", "cron.allow_private")
