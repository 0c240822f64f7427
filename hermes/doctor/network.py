"""Checks of what lies beyond this machine: Telegram and the model."""

import difflib

import httpx

from agent.models import names
from gateway.platforms.telegram.settings import Mode
from hermes.bot_api import Bot, BotApi
from hermes.doctor.patient import Level, Patient, Result, unread
from kernel.errors import HermesError, PlatformUnauthorised

SKEW_SECONDS = 30
ANSWER_SECONDS = 10.0

# Where providers list their models; the offline operator and unknown providers have none.
ADDRESSES = {
    "anthropic": "https://api.anthropic.com/v1",
    "cerebras": "https://api.cerebras.ai/v1",
    "deepseek": "https://api.deepseek.com/v1",
    "groq": "https://api.groq.com/openai/v1",
    "mistral": "https://api.mistral.ai/v1",
    "openai": "https://api.openai.com/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "xai": "https://api.x.ai/v1",
}


def token(patient: Patient) -> Result:
    """Check that Telegram takes the token."""
    bot = patient.bot
    if patient.settings is None:
        return unread("token")
    if bot is None:
        return Result("token", Level.SKIP, "Telegram is off: no token is set.")
    if isinstance(bot, PlatformUnauthorised):
        return Result(
            "token",
            Level.FAIL,
            "Telegram refuses the token.",
            "Ask @BotFather for it (/token) and set it: hermes config set platforms.telegram.token -",
        )
    if isinstance(bot, Exception):
        reason = bot.message if isinstance(bot, HermesError) else f"{type(bot).__name__}."
        return Result(
            "token",
            Level.FAIL,
            reason,
            "Check the network, platforms.telegram.proxy and platforms.telegram.api_base.",
        )
    return Result("token", Level.OK, f"Telegram knows it as {bot.name}.")


def webhook(patient: Patient) -> Result:
    """Check that no other program has the updates posted to itself."""
    if patient.settings is None:
        return unread("webhook")
    if not isinstance(patient.bot, Bot):
        return Result("webhook", Level.SKIP, "Telegram is off or cannot be reached.")
    section = patient.settings.platforms.telegram
    api = BotApi(section)
    try:
        address = api.webhook()
    except HermesError as error:
        return Result("webhook", Level.FAIL, error.message, "Try again in a moment.")
    finally:
        api.close()
    wanted = section.webhook.url if section.mode is Mode.WEBHOOK else ""
    if address and address != wanted:
        return Result(
            "webhook",
            Level.FAIL,
            f"Updates are posted to {address}, so they do not come here.",
            "Stop that program and set platforms.telegram.take_over for one start, or use another bot.",
        )
    return Result("webhook", Level.OK, "No other program takes the updates.")


def privacy(patient: Patient) -> Result:
    """Check that the bot hears in groups what the settings want it to answer."""
    if patient.settings is None:
        return unread("privacy mode")
    if not isinstance(patient.bot, Bot):
        return Result("privacy mode", Level.SKIP, "Telegram is off or cannot be reached.")
    if patient.settings.access.group_trigger == "all" and not patient.bot.reads_groups:
        return Result(
            "privacy mode",
            Level.WARN,
            "In groups every message should be answered, but Telegram shows the bot only those that address it.",
            "Turn privacy mode off at @BotFather (/setprivacy) and add the bot to the group anew.",
        )
    heard = "every message" if patient.bot.reads_groups else "what addresses it"
    return Result("privacy mode", Level.OK, f"In groups the bot hears {heard}.")


def clock(patient: Patient) -> Result:
    """Check the machine's clock against Telegram's."""
    if patient.settings is None:
        return unread("clock")
    if not isinstance(patient.bot, Bot) or patient.bot.at is None:
        return Result("clock", Level.SKIP, "There is no other clock to compare with.")
    skew = (patient.machine.clock.now() - patient.bot.at) / 1000
    if abs(skew) > SKEW_SECONDS:
        return Result(
            "clock",
            Level.FAIL,
            f"This machine's clock is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}.",
            "Turn time synchronisation on: timedatectl set-ntp true",
        )
    return Result("clock", Level.OK, "The clock is right.")


def model_key(patient: Patient) -> Result:
    """Check that there is a key for the model."""
    if patient.settings is None:
        return unread("model key")
    agent = patient.settings.agent
    provider = agent.model.partition(":")[0]
    if agent.model == "offline":
        return Result(
            "model key",
            Level.WARN,
            "No language model is configured; the built-in operator answers a small command language.",
            "Choose one: hermes model openai:gpt-5.2, and set its key in secrets.env",
        )
    if problem := names.trouble(agent.model, agent.base_url):
        return Result("model key", Level.FAIL, problem, "Choose another: hermes model provider:name")
    if not _key(patient) and not agent.base_url and provider not in ADDRESSES:
        return Result("model key", Level.OK, f"No key for {provider} is set here; it may need none.")
    if _key(patient) or agent.base_url:
        return Result("model key", Level.OK, f"{agent.model} can be asked.")
    return Result(
        "model key",
        Level.FAIL,
        f"There is no key for {provider}.",
        f"Set it: hermes config set agent.provider_keys.{provider} -",
    )


def model(patient: Patient) -> Result:
    """Check that the model's server answers and takes the key."""
    if patient.settings is None:
        return unread("model")
    agent = patient.settings.agent
    if agent.model == "offline":
        return Result("model", Level.SKIP, "No language model is configured.")
    provider = agent.model.partition(":")[0]
    if not agent.base_url and not _key(patient):
        return Result("model", Level.SKIP, "Without a key there is nobody to ask.")
    address = agent.base_url.rstrip("/") or ADDRESSES.get(provider, "")
    if not address:
        return Result("model", Level.SKIP, f"The address of {provider} is not known here.")
    try:
        with httpx.Client(proxy=agent.proxy or None, timeout=ANSWER_SECONDS, trust_env=False) as client:
            answer = client.get(f"{address}/models", headers=_credentials(provider, _key(patient)))
            status = answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return Result(
            "model",
            Level.FAIL,
            f"{address} does not answer ({type(error).__name__}).",
            "Check the network, agent.base_url and agent.proxy; is the server running?",
        )
    if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        return Result(
            "model",
            Level.FAIL,
            f"{address} refuses the key.",
            f"Set another: hermes config set agent.provider_keys.{provider} -",
        )
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return Result(
            "model",
            Level.FAIL,
            f"{address} fails with status {status}.",
            "Try again later, or set agent.fallback.",
        )
    return _listed(answer, address, agent.model)


def _listed(answer: httpx.Response, address: str, model: str) -> Result:
    """Tell whether a server that answers knows the model; one that lists none, or shortens names, is believed."""
    provider, _, wanted = model.partition(":")
    offered = _offered(answer)
    if not offered or any(one == wanted or one.startswith((f"{wanted}-", f"{wanted}:")) for one in offered):
        return Result("model", Level.OK, f"{address} answers.")
    near = difflib.get_close_matches(wanted, offered, 3, 0.4)
    hint = f"Nearest: {', '.join(near)}. " if near else ""
    sentence = f"{address} does not list a model {wanted}."
    return Result("model", Level.WARN, sentence, f"{hint}Choose one: hermes model {provider}:NAME")


def _offered(answer: httpx.Response) -> list[str]:
    """Return the models that a server lists, or none where it lists them in another way."""
    try:
        return [str(one["id"]) for one in answer.json()["data"]]
    except (ValueError, KeyError, TypeError):
        return []


def _key(patient: Patient) -> str:
    assert patient.settings is not None  # noqa: S101 - the callers looked
    agent = patient.settings.agent
    secret = agent.provider_keys.get(agent.model.partition(":")[0])
    return agent.api_key.get_secret_value() or (secret.get_secret_value() if secret else "")


def _credentials(provider: str, key: str) -> dict[str, str]:
    if not key:
        return {}
    if provider == "anthropic":
        return {"x-api-key": key, "anthropic-version": "2023-06-01"}
    return {"Authorization": f"Bearer {key}"}
