"""Describes the endpoints as OpenAPI 3.1."""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

from web.bodies import adapter
from web.errors import ErrorReply
from web.room import Endpoint

REFERENCE = "#/components/schemas/{model}"
PATH_PARAMETER = re.compile(r"{(\w+)}")
TITLE = "Hermes"


def describe(endpoints: Sequence[Endpoint], version: str) -> dict[str, Any]:
    """Return the OpenAPI document."""
    schemas, definitions = _schemas(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": version},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas(endpoints: Sequence[Endpoint]) -> tuple[dict[tuple[type[Any], str], Any], dict[str, Any]]:
    """Return the schema of every input and output, and the definitions that they share."""
    inputs = {endpoint.input for endpoint in endpoints if endpoint.input}
    outputs = {endpoint.output for endpoint in endpoints if endpoint.output} | {ErrorReply}
    wanted: list[tuple[type[Any], Any, TypeAdapter[Any]]] = [
        *((kind, "validation", adapter(kind)) for kind in sorted(inputs, key=lambda kind: kind.__name__)),
        *((kind, "serialization", adapter(kind)) for kind in sorted(outputs, key=lambda kind: kind.__name__)),
    ]
    schemas, shared = TypeAdapter.json_schemas(wanted, ref_template=REFERENCE)
    return {(kind, str(mode)): schema for (kind, mode), schema in schemas.items()}, shared.get("$defs", {})


def _operation(endpoint: Endpoint, schemas: dict[tuple[type[Any], str], Any]) -> dict[str, Any]:
    in_path = PATH_PARAMETER.findall(endpoint.path)
    found: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": f"Needs the scope `{endpoint.scope}`.",
        "tags": [endpoint.tag],
        "parameters": [_parameter(name, "path", {"type": "string"}, required=True) for name in in_path],
        "responses": {
            str(endpoint.status): {
                "description": "Done.",
                "content": {endpoint.media: _answer(endpoint, schemas)},
            },
            "default": {
                "description": "What went wrong.",
                "content": {"application/json": {"schema": schemas[ErrorReply, "serialization"]}},
            },
        },
    }
    if endpoint.input:
        _add_input(found, endpoint, schemas[endpoint.input, "validation"], in_path)
    return found


def _answer(endpoint: Endpoint, schemas: dict[tuple[type[Any], str], Any]) -> dict[str, Any]:
    return {"schema": schemas[endpoint.output, "serialization"]} if endpoint.output else {}


def _add_input(
    found: dict[str, Any], endpoint: Endpoint, schema: dict[str, Any], in_path: Sequence[str]
) -> None:
    flat = adapter(endpoint.input).json_schema(ref_template=REFERENCE) if endpoint.input else {}
    properties: dict[str, Any] = {k: v for k, v in flat.get("properties", {}).items() if k not in in_path}
    required: Sequence[str] = flat.get("required", ())
    if endpoint.method == "GET" or endpoint.body != "application/json":
        found["parameters"] += [
            _parameter(name, "query", value, required=name in required) for name, value in properties.items()
        ]
    elif properties:
        found["requestBody"] = {
            "required": bool(set(required) - set(in_path)),
            "content": {endpoint.body: {"schema": schema}},
        }
    if endpoint.body != "application/json":
        found["requestBody"] = {"required": True, "content": {endpoint.body: {}}}


def _parameter(name: str, place: str, schema: dict[str, Any], *, required: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "in": place, "required": required, "schema": schema}
    if description := schema.get("description"):
        found["description"] = description
    return found
