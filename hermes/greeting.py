"""What a person who started the gateway in a terminal is shown."""

import sys
from collections.abc import Sequence
from datetime import timedelta

from hermes.version import VERSION


def page(url: str, login_url: str, ttl: timedelta) -> list[str]:
    """Return the lines about the local page and the one-time login."""
    minutes = int(ttl.total_seconds() // 60)
    return [f"Page:   {url}", f"Login:  {login_url}", f"        (works once, within {minutes} minutes)"]


def owner(platform: str, code: str) -> str:
    """Return the line that tells the first owner of a bot how to introduce themselves."""
    return f"Owner:  send this one-time code to your {platform} bot: {code}"


def show(lines: Sequence[str]) -> None:
    """Write the greeting to standard output."""
    text = "\n".join(
        (f"\nHermes {VERSION} is running.\n", *(f"  {line}" for line in lines), "\nCtrl-C stops it.\n")
    )
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
