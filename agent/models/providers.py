"""Where a model's classes are found; a provider's library is imported when the first turn needs it."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from pydantic_ai.exceptions import UserError
from pydantic_ai.models import Model, infer_model
from pydantic_ai.providers import Provider, infer_provider_class

from agent.load import load
from agent.models.schemas import remember_schemas
from agent.settings import AgentSettings, ModelSettings
from kernel.errors import ModelUnavailable

# A server that speaks OpenAI's chat completions: named by base_url, or a provider that is nothing else.
COMPATIBLE_MODEL = "pydantic_ai.models.openai:OpenAIChatModel"
COMPATIBLE_PROVIDER = "pydantic_ai.providers.openai:OpenAIProvider"
COMPATIBLE = frozenset({"openai", "openai-chat", "openai-compatible", "custom"})

# Providers that serve nobody without a key; the others say themselves what they miss.
KEYED: Mapping[str, str] = {"openai": "OpenAI", "anthropic": "Anthropic"}

CONNECTIONS = httpx2.Limits(max_connections=200, max_keepalive_connections=20)
CONNECT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Built:
    """A model and the connections that are closed with it."""

    model: Model
    client: httpx2.AsyncClient | None = None


def build(spec: ModelSettings, settings: AgentSettings) -> Built:
    """Return the model of ``"provider:name"``; raise ModelUnavailable with the way out where it cannot be had.

    This imports the provider's library, which takes up to two seconds: call it in a thread.
    """
    provider, colon, name = spec.model.partition(":")
    if not colon or not name:
        raise ModelUnavailable(
            f"{spec.model!r} is no model.",
            remedy='Write "provider:name", such as "openai:gpt-5.2", or "offline".',
        )
    key = spec.api_key or settings.provider_keys.get(provider)
    access = {"base_url": spec.base_url, "api_key": key.get_secret_value() if key else ""}
    try:
        return _build(provider, name, {k: v for k, v in access.items() if v}, settings)
    except ImportError as error:
        raise ModelUnavailable(
            f"The library for {provider} is not installed.",
            remedy=f"Install it with: pip install 'pydantic-ai-slim[{provider}]'",
        ) from error
    except UserError as error:
        raise ModelUnavailable(f"{spec.model} cannot be used: {_first_sentence(error)}") from error


def _client(settings: AgentSettings) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        proxy=settings.proxy or None,
        timeout=httpx2.Timeout(settings.timeouts.answer, connect=CONNECT_SECONDS),
        limits=CONNECTIONS,
        trust_env=False,
    )


def _build(provider: str, name: str, access: dict[str, str], settings: AgentSettings) -> Built:
    client = _client(settings)
    if provider in COMPATIBLE and "base_url" in access:
        # Local servers often take no key; the SDK insists on one.
        known = load(COMPATIBLE_PROVIDER)(**{"api_key": "none", **access}, http_client=client)
        _skip_transform(known)
        return Built(remember_schemas(load(COMPATIBLE_MODEL)(name, provider=_once(known))), client)
    if provider in KEYED and "api_key" not in access:
        raise ModelUnavailable(
            f"There is no key for {KEYED[provider]}.",
            remedy=f"Run `hermes setup`, or set {provider.upper()}_API_KEY in the secrets file.",
        )
    options = {**access, "http_client": client}
    model = infer_model(f"{provider}:{name}", lambda given: _once(_provider(given, options)))
    return Built(remember_schemas(model), client)


def _skip_transform(provider: Provider[Any]) -> None:
    """Hand messages and tools to the SDK as a finished part of the body.

    They are JSON already, yet the SDK walks through all of them to see whether keys need renaming; with a hundred
    messages that is two thirds of what a request costs us (27 ms of CPU against 9).
    """
    completions = provider.client.chat.completions
    create = completions.create

    async def lean(*, messages: Any, extra_body: Any = None, **options: Any) -> Any:
        body = {**(extra_body or {}), "messages": messages}
        if isinstance(options.get("tools"), list):
            body["tools"] = options.pop("tools")
        return await create(messages=[], extra_body=body, **options)

    completions.create = lean


def _provider(name: str, options: dict[str, Any]) -> Provider[Any]:
    """Return a provider, with those of the options that it takes."""
    try:
        kind = infer_provider_class(name)
    except ValueError as error:
        raise ModelUnavailable(
            f"{name!r} is no provider.", remedy="docs/how-to/models.md has the names."
        ) from error
    takes = inspect.signature(kind.__init__).parameters
    return kind(**{option: value for option, value in options.items() if option in takes})


def _once(provider: Provider[Any]) -> Provider[Any]:
    """Switch off the SDK's own retries: they know neither our limits nor the next model."""
    client = provider.client
    if hasattr(client, "max_retries"):
        client.max_retries = 0
    return provider


def _first_sentence(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]
