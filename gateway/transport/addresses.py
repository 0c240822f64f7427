"""Addresses in the settings of platforms, checked where they are written."""

import re
from typing import Annotated

from pydantic import AfterValidator


def _proxy(value: str) -> str:
    if value and not re.match(r"https?://[^/\s]", value):
        raise ValueError("write an address that begins with http:// or https://")
    return value


def _root(value: str) -> str:
    value = value.strip().rstrip("/")
    if not re.match(r"https?://[^/\s]", value):
        raise ValueError("write an address that begins with https:// or http://")
    return value


# An HTTP proxy, or an empty text for none.
Proxy = Annotated[str, AfterValidator(_proxy)]
# Where a platform's API is, without the slash at its end.
Root = Annotated[str, AfterValidator(_root)]
