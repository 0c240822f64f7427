"""What a model may be called; nothing is loaded to know it."""

import difflib

OFFLINE = "offline"

# The providers of pydantic-ai that serve language models.
PROVIDERS = frozenset(
    {
        "alibaba",
        "anthropic",
        "azure",
        "azure-responses",
        "bedrock",
        "bedrock-mantle",
        "cerebras",
        "cohere",
        "crusoe",
        "deepseek",
        "fireworks",
        "github",
        "github-copilot",
        "google",
        "google-cloud",
        "groq",
        "heroku",
        "huggingface",
        "litellm",
        "meta",
        "mistral",
        "moonshotai",
        "nebius",
        "ollama",
        "openai",
        "openai-chat",
        "openai-chatgpt",
        "openai-codex",
        "openai-responses",
        "openrouter",
        "ovhcloud",
        "sambanova",
        "snowflake",
        "together",
        "vercel",
        "vllm",
        "xai",
        "zai",
    }
)
# Names of ours for a server that speaks OpenAI's protocol; they need a base_url.
OWN_SERVER = frozenset({"openai-compatible", "custom"})


def full(name: str, standard: str) -> str:
    """Return a model's name with its provider; a bare name is one of the provider of ``standard``."""
    provider, colon, _ = standard.partition(":")
    return name if ":" in name or name == OFFLINE or not colon else f"{provider}:{name}"


def trouble(model: str, base_url: str = "") -> str:
    """Return a sentence about what is wrong with a model's name, or an empty text."""
    provider, colon, name = model.partition(":")
    if model == OFFLINE:
        return ""
    if not (provider and colon and name) or any(sign.isspace() for sign in model):
        return f"{model!r} names no model; write provider:name such as openai:gpt-5.2, or offline."
    if provider in OWN_SERVER and not base_url:
        return f"{provider} needs an address: set agent.base_url."
    if provider in PROVIDERS | OWN_SERVER:
        return ""
    close = difflib.get_close_matches(provider, sorted(PROVIDERS), 1, 0.6)
    return f"There is no provider {provider!r}" + (f"; did you mean {close[0]}?" if close else ".")
