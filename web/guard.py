"""The first thing every request meets: is it meant for us, does it come from our own page, and what may the answer do?

A page of another site can make a browser send requests here (DNS rebinding, cross-site requests), so the name that was
asked for and the origin that asks are checked before anything else, with or without a credential.
"""

from collections.abc import Mapping
from email.utils import formatdate
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kernel.clock import Clock
from kernel.errors import HermesError
from web.errors import Refused, explained, reply
from web.settings import WebSettings

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:;"
    " font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none';"
    " base-uri 'none'"
)

HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # With "no-referrer" browsers would hide the Origin of our own forms too.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",
}
STRICT_TRANSPORT = "max-age=31536000"


def name_of(host: str) -> str:
    """Return the name in a Host header, small and without port and brackets; an empty text when it is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def allowed_names(settings: WebSettings) -> frozenset[str]:
    """Return the names under which this page may be asked for."""
    own = {settings.host.lower()} - {"", "0.0.0.0", "::"}  # noqa: S104 - compared, not bound
    public = {name_of(urlsplit(settings.public_url).netloc)} - {""}
    return LOOPBACK_NAMES | own | public | {name.lower() for name in settings.trusted_hosts}


def same_origin(origin: str, host: str, settings: WebSettings) -> bool:
    """Tell whether an Origin header names the page that the Host header was asked for."""
    if settings.public_url and origin == settings.public_url:
        return True
    parts = urlsplit(origin)
    return parts.scheme in {"http", "https"} and parts.netloc.lower() == host.lower()


class Guard:
    """Refuses what is not meant for us, and gives every answer its protecting headers."""

    def __init__(self, app: ASGIApp, settings: WebSettings, clock: Clock) -> None:
        self._app = app
        self._settings = settings
        self._clock = clock
        self._names = allowed_names(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        sender = self._protected(send)
        try:
            self._check(scope["method"], Headers(scope=scope))
        except HermesError as error:
            await explained(error)(scope, receive, sender)
            return
        if scope["path"] == "/api" or "\x00" in scope["path"]:
            await reply(404, "not_found", "There is nothing at this address.")(scope, receive, sender)
            return
        await self._app(scope, receive, sender)

    def _check(self, method: str, headers: Headers) -> None:
        host = headers.get("host", "")
        if name_of(host) not in self._names:
            raise Refused(
                f"This Hermes does not answer to the name {name_of(host) or '(none)'!r}.",
                remedy="Add it to web.trusted_hosts if it is yours.",
            )
        origin = headers.get("origin")
        if origin is not None and not same_origin(origin, host, self._settings):
            raise Refused("A page of another site asked for this.")
        # Without an Origin (a link, an image) another site may only lead a person to a page.
        foreign = headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}
        if foreign and (method not in SAFE_METHODS or headers.get("sec-fetch-mode") != "navigate"):
            raise Refused("A page of another site asked for this.")

    def _protected(self, send: Send) -> Send:
        async def protect(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if self._settings.secure:
                    headers.setdefault("strict-transport-security", STRICT_TRANSPORT)
                headers["date"] = formatdate(self._clock.now() / 1000, usegmt=True)
            await send(message)

        return protect
