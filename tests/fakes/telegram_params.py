"""The parameters of one Bot API call, from a query string, a form, JSON or multipart."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.telegram_world import Json, bad_request


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a call."""

    name: str
    mime: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Params:
    """Typed access to a call's parameters; structured values arrive as JSON text or as they are."""

    values: Mapping[str, Any]
    files: Mapping[str, Upload] = field(default_factory=dict[str, Upload])

    def text(self, name: str, default: str = "") -> str:
        """Return a string parameter."""
        value = self.values.get(name)
        return default if value is None else str(value)

    def integer(self, name: str) -> int | None:
        """Return an integer parameter or None; refuse what is no integer."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        try:
            return int(value)
        except ValueError:
            raise bad_request(f'parameter "{name}" is invalid') from None

    def needed(self, name: str) -> int:
        """Return an integer parameter that must be there."""
        value = self.integer(name)
        if value is None:
            raise bad_request(f"{name.replace('_', ' ').removesuffix(' id')} identifier is not specified")
        return value

    def chat_id(self) -> int:
        """Return the chat's id; the fake knows no channels by name."""
        raw = self.text("chat_id")
        if not raw:
            raise bad_request("chat_id is empty")
        if not raw.lstrip("-").isdigit():
            raise bad_request("chat not found")
        return int(raw)

    def flag(self, name: str) -> bool:
        """Return a boolean parameter, false by default."""
        return self.text(name).lower() in {"true", "1"}

    def value(self, name: str) -> Any:
        """Return a structured parameter, None where it is missing."""
        raw = self.values.get(name)
        if not isinstance(raw, str):
            return raw
        try:
            return json.loads(raw) if raw else None
        except ValueError:
            raise bad_request(f"can't parse {name} JSON object") from None

    def decoded(self) -> Json:
        """Return all parameters with JSON texts parsed, for a test to look at."""
        return {name: _decode(value) for name, value in self.values.items()}


def _decode(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in {"[", "{"}:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


async def read_params(request: web.Request) -> Params:
    """Read a call's parameters from wherever the client put them."""
    values: Json = dict(request.query)
    files: dict[str, Upload] = {}
    if not request.body_exists:
        return Params(values)
    if request.content_type == "application/json":
        values |= await request.json()
        return Params(values)
    for name, part in (await request.post()).items():
        if isinstance(part, web.FileField):
            files[name] = Upload(part.filename, part.content_type, part.file.read())
        else:
            values[name] = part if isinstance(part, str) else part.decode()
    return Params(values, files)
