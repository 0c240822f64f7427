"""Tools' schemas are made ready for a provider once, and are what the provider's own walk makes of them."""

from typing import Any

import pytest
from pydantic_ai.exceptions import UserError
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.tools import ToolDefinition

from agent.models.schemas import REMEMBERED, RememberedSchemas, remember_schemas

SCHEMA = {"type": "object", "properties": {"path": {"type": "string", "title": "Path"}}, "required": ["path"]}


class Walker:
    """A transformer that counts its walks and refuses a schema that is empty."""

    walks = 0

    def __init__(self, schema: dict[str, Any], *, strict: bool | None = None) -> None:
        if not schema:
            raise UserError("It is empty.")
        self.schema = schema
        self.is_strict_compatible = strict is not False

    def walk(self) -> dict[str, Any]:
        Walker.walks += 1
        return {**self.schema, "walked": True}


def model() -> OpenAIChatModel:
    return OpenAIChatModel("any", provider=OpenAIProvider(base_url="http://127.0.0.1:9/v1", api_key="none"))


def test_a_remembered_schema_is_what_the_provider_makes_of_it() -> None:
    tools = [ToolDefinition(name="read", parameters_json_schema=SCHEMA), ToolDefinition(name="none")]
    asked = ModelRequestParameters(function_tools=tools)
    plain, remembering = model(), remember_schemas(model())
    expected = plain.prepare_request(None, asked)
    assert remembering.prepare_request(None, asked) == expected
    assert remembering.prepare_request(None, asked) == expected


def test_a_schema_is_walked_once_for_each_strictness() -> None:
    Walker.walks = 0
    schemas, schema = RememberedSchemas(Walker), {"type": "object"}
    for strict in (None, False, None, False):
        found = schemas(schema, strict=strict)
        assert (found.walk(), found.is_strict_compatible) == ({**schema, "walked": True}, strict is None)
    assert Walker.walks == 2


def test_equal_schemas_of_different_tools_are_told_apart_and_the_oldest_is_forgotten() -> None:
    Walker.walks = 0
    schemas = RememberedSchemas(Walker)
    many = [{"number": number} for number in range(REMEMBERED + 1)]
    assert [schemas(one).walk()["number"] for one in many] == list(range(REMEMBERED + 1))
    schemas(many[-1])
    assert Walker.walks == REMEMBERED + 1
    schemas(many[0])
    assert Walker.walks == REMEMBERED + 2


def test_a_schema_that_is_refused_is_refused_again() -> None:
    schemas = RememberedSchemas(Walker)
    for _ in range(2):
        with pytest.raises(UserError):
            schemas({})
