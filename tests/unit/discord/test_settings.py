"""The settings of Discord."""

import base64
import subprocess
import sys

import pytest
from pydantic import ValidationError

from gateway.platforms.discord.adapter import DiscordAdapter
from gateway.platforms.discord.settings import DiscordSettings
from kernel.clock import SystemClock
from kernel.errors import ConfigError

TOKEN = base64.b64encode(b"80351110224678912").decode().rstrip("=") + ".Gabcde.not-a-secret"


def settings(**fields: object) -> DiscordSettings:
    """Return settings with a token."""
    return DiscordSettings.model_validate({"token": TOKEN, **fields})


def test_looking_at_the_platform_loads_no_sdk() -> None:
    code = (
        "import sys; from gateway.platforms.discord import SPEC; print('discord' in sys.modules, SPEC.name)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "discord"]


def test_the_account_is_read_from_the_token() -> None:
    assert settings().account == "80351110224678912"
    assert settings(token=f"Bot {TOKEN}").account == "80351110224678912"
    assert DiscordAdapter(settings(), SystemClock()).identity.account == "80351110224678912"


def test_another_server_s_token_has_a_stable_account_too() -> None:
    found = settings(token="whatever-that-server-calls-a-token").account
    assert found == settings(token="whatever-that-server-calls-a-token").account
    assert "whatever" not in found


def test_without_a_token_the_platform_is_off() -> None:
    assert not settings(token=" ").configured
    with pytest.raises(ConfigError, match="token"):
        DiscordAdapter(settings(token=""), SystemClock())


@pytest.mark.parametrize(
    "fields",
    [
        {"api_base": "discord.com"},
        {"gateway_url": "https://discord.com"},
        {"proxy": "socks4://x"},
        {"archive_minutes": 5},
        {"shards": -1},
        {"colour": "blue"},
    ],
)
def test_what_makes_no_sense_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(**fields)
