"""Reads requests and writes answers, by the types that operations declare."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from kernel.errors import InvalidInput
from web.errors import TooLarge, invalid

# A message may be a megabyte of text; JSON may need six bytes for one of its characters.
BODY_LIMIT = 8 * 1024 * 1024


@cache
def adapter(kind: type[Any]) -> TypeAdapter[Any]:
    """Return the validator and serialiser of a type, made once."""
    return TypeAdapter(kind)


async def read(request: Request, limit: int = BODY_LIMIT) -> bytes:
    """Return a request's body; raise TooLarge beyond ``limit`` bytes."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise TooLarge(f"The request is larger than {limit // 1024 // 1024} MB.")
    except ClientDisconnect:
        raise InvalidInput("The connection broke while the request was sent.") from None
    return bytes(body)


async def read_json(request: Request) -> dict[str, Any]:
    """Return a JSON object; an empty body is an empty object."""
    if (
        request.headers.get("content-type", "application/json").partition(";")[0].strip()
        != "application/json"
    ):
        raise InvalidInput(
            "The body must be JSON.", remedy="Send the header 'Content-Type: application/json'."
        )
    body = await read(request)
    try:
        found = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise InvalidInput("The body is no JSON.") from None
    if not isinstance(found, dict):
        raise InvalidInput("The body must be a JSON object.")
    return found


def query(request: Request, kind: type[Any] | None = None) -> dict[str, Any]:
    """Return the query as an object; a name given several times, or whose field is a list, is a list."""
    lists = _list_fields(kind) if kind else frozenset[str]()
    values = {name: request.query_params.getlist(name) for name in request.query_params}
    return {name: given if name in lists or len(given) > 1 else given[0] for name, given in values.items()}


@cache
def _list_fields(kind: type[Any]) -> frozenset[str]:
    properties: Mapping[str, Any] = adapter(kind).json_schema().get("properties", {})
    return frozenset(name for name, schema in properties.items() if schema.get("type") == "array")


def parse(kind: type[Any], values: Mapping[str, Any]) -> Any:
    """Return ``values`` as ``kind``; raise InvalidInput."""
    try:
        return adapter(kind).validate_python(values)
    except ValidationError as error:
        raise invalid(error) from None


def answer(kind: type[Any], value: Any, status: int = 200) -> Response:
    """Return a value as JSON."""
    return Response(adapter(kind).dump_json(value), status_code=status, media_type="application/json")
