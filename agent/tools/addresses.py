"""Addresses a fetch may reach: public ones, each checked after resolution and then dialled as it was checked."""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from kernel.errors import AccessDenied, InvalidInput

Address = IPv4Address | IPv6Address
NAT64 = IPv6Network("64:ff9b::/96")


async def checked(host: str, port: int, allowed: Sequence[str]) -> Address:
    """Return the address to dial for ``host``; raise AccessDenied when any of its addresses is not public.

    One private address among public ones refuses them all: whoever owns the name chooses which is answered first.
    """
    addresses = await _resolve(host, port)
    for address in addresses:
        if not is_public(address) and not _is_allowed(address, allowed):
            raise AccessDenied(
                f"{host} is at {address}, which is not a public address.",
                remedy="The owner can list its network in agent.fetch.allow_private.",
            )
    return addresses[0]


async def _resolve(host: str, port: int) -> list[Address]:
    if (number := _number(host)) is not None:
        return [number]
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        raise InvalidInput(f"{host} cannot be found.") from error
    return [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def _number(host: str) -> Address | None:
    """Read a host that is a number in any spelling that a system's resolver takes: 127.1, 0x7f000001, 2130706433."""
    try:
        return IPv4Address(socket.inet_aton(host)) if ":" not in host else ip_address(host.partition("%")[0])
    except (OSError, ValueError, UnicodeError):
        # It is a name.
        return None


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the public internet, looking through what wraps an IPv4 address."""
    inner = _inner(address)
    if inner is not None:
        return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _inner(address: Address) -> Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _is_allowed(address: Address, allowed: Sequence[str]) -> bool:
    inner = _inner(address) or address
    return any(inner in ip_network(network, strict=False) for network in allowed)
