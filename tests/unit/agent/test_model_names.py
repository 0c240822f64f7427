"""Names of models: what is plainly wrong is said before anything is loaded."""

import ast
from pathlib import Path

import pydantic_ai.providers
import pytest

from agent.models.names import PROVIDERS, full, trouble

# Providers of the library that serve no conversations.
NO_CHAT = {
    "elevenlabs",
    "voyageai",
    "sentence-transformers",
    "system-one",
    "typesafe",
    "openai-decisions",
    "google-decisions",
}


def test_every_provider_of_the_library_is_known() -> None:
    tree = ast.parse(Path(pydantic_ai.providers.__file__).read_text("utf-8"))
    cases = [case for node in ast.walk(tree) if isinstance(node, ast.Match) for case in node.cases]
    values = [
        node.value
        for case in cases
        for node in ast.walk(case.pattern)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert set(values) - NO_CHAT == set(PROVIDERS)


@pytest.mark.parametrize("name", ["offline", "openai:gpt-5.2", "ollama:qwen3:8b", "bedrock:a.b/c-v1:0"])
def test_a_name_that_can_be_right(name: str) -> None:
    assert trouble(name) == ""


@pytest.mark.parametrize("name", ["", "gpt-5", "openai:", ":x", "openai:a b", "opnai:x", "custom:x"])
def test_a_name_that_cannot(name: str) -> None:
    assert trouble(name)


def test_a_bare_name_is_one_of_the_configured_provider() -> None:
    assert full("gpt-5-mini", "openai:gpt-5.2") == "openai:gpt-5-mini"
    assert full("anthropic:x", "openai:gpt-5.2") == "anthropic:x"
    assert full("offline", "openai:gpt-5.2") == "offline"
    assert full("gpt-5", "offline") == "gpt-5"
