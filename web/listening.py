"""Takes the port, before anything that is slow to import."""

import errno
import socket
import ssl

from kernel.errors import ConfigError
from web.settings import WebSettings

BACKLOG = 128


def bind(settings: WebSettings) -> socket.socket:
    """Return a socket that listens where the settings say.

    Raises ConfigError with the way out where the port is taken, forbidden or the address is not this machine's, and
    where the certificate cannot be used.
    """
    if settings.tls_certificate:
        _check_certificate(settings)
    try:
        family, _, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return _listen(family, address)
    except OSError as error:
        raise _explained(settings, error) from error


def _check_certificate(settings: WebSettings) -> None:
    """Read the certificate now: the page itself starts late, and a mistake is to be told first."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            settings.tls_certificate, settings.tls_key, _ask_no_word
        )
    except ssl.SSLError as error:
        reason = (
            "they do not belong together" if "MISMATCH" in str(error) else "they are no PEM files, or locked"
        )
    except OSError as error:
        reason = error.strerror or str(error)
    else:
        return
    raise ConfigError(
        f"The certificate of the page cannot be used ({reason}): web.tls_certificate is {settings.tls_certificate},"
        f" web.tls_key is {settings.tls_key}.",
        remedy="Name a certificate chain and its unencrypted key, both in PEM and readable by this user.",
    )


def _ask_no_word() -> str:
    """Answer for an encrypted key: nobody sits at a daemon's terminal."""
    return ""


def _listen(
    family: int, address: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
) -> socket.socket:
    # Named as TCP: asyncio turns Nagle's algorithm, which costs 40 ms an answer, off only where it sees that.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # A port left in TIME_WAIT by the gateway before a restart is not in use.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _explained(settings: WebSettings, error: OSError) -> ConfigError:
    place = f"{settings.host}:{settings.port}"
    another = "set web.port (HERMES_WEB__PORT) to another one; 0 takes any free port"
    if error.errno == errno.EADDRINUSE:
        return ConfigError(
            f"The port {place} is in use by another program.", remedy=f"Stop it, or {another}."
        )
    if error.errno == errno.EACCES:
        return ConfigError(
            f"This user may not listen on {place}.", remedy=f"Use a port above 1023: {another}."
        )
    return ConfigError(
        f"Hermes cannot listen on {place}: {error.strerror or error}.",
        remedy="Set web.host to an address of this machine.",
    )


def address_of(listener: socket.socket, settings: WebSettings) -> str:
    """Return the URL under which the listener is reached from this machine, or the public one where it is set."""
    if settings.public_url:
        return settings.public_url
    scheme = "https" if settings.tls_certificate else "http"
    return f"{scheme}://{_reachable(settings.host)}:{listener.getsockname()[1]}"


def local_address_of(listener: socket.socket, settings: WebSettings) -> str:
    """Return the URL for programs on this machine, whatever the public one is."""
    scheme = "https" if settings.tls_certificate else "http"
    return f"{scheme}://{_reachable(settings.host)}:{listener.getsockname()[1]}"


def _reachable(host: str) -> str:
    if host in {"", "0.0.0.0"}:  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    if host == "::":
        return "[::1]"
    return f"[{host}]" if ":" in host else host
