"""Which addresses a fetch may reach."""

from ipaddress import ip_address

import pytest

from agent.tools.addresses import checked, is_public
from kernel.errors import AccessDenied, InvalidInput

PRIVATE = [
    "127.0.0.1",
    "0.0.0.0",  # noqa: S104 - nothing listens here, it is refused
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(address: str):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_a_public_address_is_allowed(address: str):
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f000001", "017700000001", "127.1", "localhost"]
)
async def test_every_spelling_of_loopback_is_refused(host: str):
    with pytest.raises(AccessDenied, match="not a public address"):
        await checked(host, 80, ())


async def test_an_allowed_network_is_reached_and_an_unknown_name_is_explained():
    assert str(await checked("127.0.0.1", 80, ["127.0.0.0/8"])) == "127.0.0.1"
    with pytest.raises(InvalidInput, match="cannot be found"):
        await checked("nobody.invalid", 80, ())
