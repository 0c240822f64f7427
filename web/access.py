"""Finds out who asks, by bearer token or by the page's cookie, and whether they may."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kernel.errors import AccessDenied
from kernel.people import Scope
from web.auth import Visitor, authenticate, login, note_use
from web.errors import Refused, TooMany, Unauthenticated
from web.guard import SAFE_METHODS
from web.limits import FailureLimit
from web.room import Call, Endpoint, Parts

# Failures from one address before it has to wait, and the seconds they count.
LOGIN_FAILURES = (10, 60.0)
BEARER_FAILURES = (60, 60.0)

Handler = Callable[[Request], Awaitable[Response]]


class Door:
    """Lets visitors in."""

    def __init__(self, parts: Parts, port: int) -> None:
        self._parts = parts
        self._logins = FailureLimit(parts.clock, *LOGIN_FAILURES)
        self._bearers = FailureLimit(parts.clock, *BEARER_FAILURES)
        # Cookies know no ports, so two gateways on one machine need two names.
        self.cookie = f"{'__Host-' if parts.settings.secure else ''}hermes_{port}"

    async def visitor(self, request: Request, *, cookie: bool = True) -> Visitor:
        """Return who asks; raise Unauthenticated, or TooMany after too many failures."""
        secret, by_cookie = self._credential(request, cookie=cookie)
        found = await authenticate(self._parts.database, self._parts.clock, secret)
        if found is None:
            raise self._refusal(request, guessed=bool(secret))
        if by_cookie:
            _check_sent_by_page(request)
        await note_use(self._parts.database, self._parts.clock, found.token, self._parts.settings.page_days)
        return found

    async def guest(self, request: Request) -> Visitor | None:
        """Return who asks, or ``None`` for a stranger."""
        try:
            return await self.visitor(request)
        except Unauthenticated:
            return None

    def _credential(self, request: Request, *, cookie: bool) -> tuple[str, bool]:
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return secret.strip(), False
        return (request.cookies.get(self.cookie, ""), True) if cookie else ("", False)

    def _refusal(self, request: Request, *, guessed: bool) -> Unauthenticated | TooMany:
        source = _source(request)
        if guessed:
            self._bearers.fail(source)
        if guessed and (wait := self._bearers.wait(source)):
            return TooMany("Too many requests with bad tokens.", retry_after=wait, remedy="Check the token.")
        if guessed:
            return Unauthenticated(
                "This token is unknown, has expired or was revoked.",
                remedy="Log in again, or make a token with: hermes tokens create",
            )
        return Unauthenticated(
            "This needs a token.", remedy="Send it as 'Authorization: Bearer TOKEN', or log in to the page."
        )

    async def login(self, request: Request, secret: str) -> str:
        """Use up a login token and return the secret of the page's session; raise Unauthenticated or TooMany."""
        source = _source(request)
        if wait := self._logins.wait(source):
            raise TooMany("Too many failed logins.", retry_after=wait, remedy=f"Try again in {wait} seconds.")
        issued = await login(self._parts.database, secret.strip(), self._parts.settings.page_days)
        if issued is None:
            self._logins.fail(source)
            raise Unauthenticated(
                "This login token is unknown, was used already or has expired.",
                remedy="Get a new one with: hermes login",
            )
        self._logins.clear(source)
        return issued.secret

    def route(self, endpoint: Endpoint) -> Route:
        """Return the route of an endpoint that asks for its scope first."""

        async def handle(request: Request) -> Response:
            visitor = await self.visitor(request)
            require(visitor, endpoint.scope)
            return await endpoint.run(Call(request, visitor))

        return Route(endpoint.path, handle, methods=[endpoint.method], name=endpoint.name)


def require(visitor: Visitor, scope: Scope) -> None:
    """Raise AccessDenied unless a visitor's token has a scope."""
    if not visitor.principal.may(scope):
        raise AccessDenied(f"This token lacks the scope {scope}.", remedy=f"Make one with the scope {scope}.")


def _source(request: Request) -> str:
    return request.client.host if request.client else ""


def _check_sent_by_page(request: Request) -> None:
    """Raise Refused for a change that carries the cookie but no proof that our own page sent it."""
    if request.method in SAFE_METHODS:
        return
    if "origin" not in request.headers and request.headers.get("sec-fetch-site") != "same-origin":
        raise Refused("A change by cookie must come from the page itself.")
