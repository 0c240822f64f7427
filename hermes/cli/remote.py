"""Talking to the running daemon through its local API."""

import http.client
import json
import ssl
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from hermes import daemon
from hermes.daemon import DaemonInfo
from hermes.home import Home
from kernel.errors import AccessDenied, ConfigError, HermesError, InvalidInput, NotFound, Stale
from store.lock import holder

TIMEOUT_SECONDS = 30.0
PREFIX = "/api/hermes"
# Failures that a command may want to tell apart; any other is a HermesError with the daemon's words.
KINDS: dict[str, type[HermesError]] = {
    "access_denied": AccessDenied,
    "config_error": ConfigError,
    "invalid_input": InvalidInput,
    "not_found": NotFound,
    "stale": Stale,
}


class GatewayAway(HermesError):
    """The gateway does not answer now; it may after a restart."""


class Remote:
    """The daemon that ``info`` names."""

    def __init__(self, info: DaemonInfo) -> None:
        self.info = info
        self._address = urlsplit(info.url)

    def get(self, path: str, **query: Any) -> Any:
        """Ask for something below ``/api/hermes``; raises HermesError with the daemon's own words."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", f"{path}?{urlencode(given)}" if given else path)

    def post(self, path: str, **body: Any) -> Any:
        """Do something below ``/api/hermes``; errors as in ``get``."""
        return self._ask("POST", path, json.dumps(body).encode())

    def delete(self, path: str, name: str) -> Any:
        """Remove ``path/name``; errors as in ``get``."""
        return self._ask("DELETE", f"{path}/{quote(name, safe='')}", b"{}")

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.info.token}", "Content-Type": "application/json"}
        connection = self._connection()
        try:
            connection.request(method, PREFIX + path, body, headers)
            response = connection.getresponse()
            return _understood(response.status, response.read())
        except (OSError, http.client.HTTPException) as error:
            raise GatewayAway(
                f"The gateway at {self.info.url} does not answer ({error}).",
                remedy="`hermes doctor` looks for the reason; `hermes logs` shows what it was doing.",
            ) from None
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._address.hostname or "127.0.0.1", self._address.port
        if self._address.scheme != "https":
            return http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
        # The certificate names the public host; what we dial is our own machine, known from a private file.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=context)


def _understood(status: int, body: bytes) -> Any:
    try:
        content = json.loads(body or b"null")
    except ValueError:
        content = None
    if status < http.client.BAD_REQUEST:
        return content
    error = content.get("error") if isinstance(content, dict) else None
    if not isinstance(error, dict):
        raise HermesError(
            f"The gateway answers with status {status}.", remedy="Is it the same version as this command?"
        )
    kind = KINDS.get(str(error.get("code")), HermesError)
    if status == http.client.SERVICE_UNAVAILABLE:
        kind = GatewayAway
    raise kind(str(error.get("message", status)), remedy=str(error.get("remedy", "")))


def running(home: Home) -> Remote | None:
    """Return the daemon that works in ``home``, or ``None`` where nobody does.

    Raises HermesError where somebody does and cannot be reached: it is starting, or its page is off.
    """
    if not home.root.is_dir():
        return None
    who = holder(home.root)
    if who is None:
        return None
    info = daemon.read(home)
    if info is None or (who.pid is not None and info.pid != who.pid):
        raise HermesError(
            f"A Hermes (process {who.pid or 'unknown'}) works in {home.root}, but tells no address.",
            remedy="Wait a moment if it has just been started; otherwise set web.enabled and restart it.",
        )
    return Remote(info)


def required(home: Home) -> Remote:
    """Return the daemon that works in ``home``; raise HermesError where none does."""
    found = running(home)
    if found is None:
        raise HermesError(
            f"No gateway runs in {home.root}.", remedy="Start it: hermes gateway, or hermes service start."
        )
    return found
