"""The settings of Telegram."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from gateway.platforms.telegram.adapter import TelegramAdapter
from gateway.platforms.telegram.settings import TelegramSettings
from kernel.clock import SystemClock
from kernel.errors import ConfigError

TOKEN = "4242:AAHfake-token-for-tests_0123456"


def settings(**fields: object) -> TelegramSettings:
    """Return settings with a token."""
    return TelegramSettings.model_validate({"token": TOKEN, **fields})


def test_looking_at_the_platform_loads_no_sdk() -> None:
    code = (
        "import sys; from gateway.platforms.telegram import SPEC; print('telegram' in sys.modules, SPEC.name)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "telegram"]


@pytest.mark.parametrize(
    "base", ["http://127.0.0.1:8081", "http://127.0.0.1:8081/", "http://127.0.0.1:8081/bot"]
)
def test_a_server_of_one_s_own_is_named_by_its_root(base: str) -> None:
    found = settings(api_base=base)
    assert found.bot_url == "http://127.0.0.1:8081/bot"
    assert found.file_url == "http://127.0.0.1:8081/file/bot"


def test_the_account_is_read_from_the_token() -> None:
    assert settings().account == "4242"
    assert TelegramAdapter(settings(), SystemClock()).identity.account == "4242"


@pytest.mark.parametrize("token", ["", "hello", "4242", "abc:def", "4242:with space"])
def test_what_is_no_token_is_a_sentence(token: str) -> None:
    with pytest.raises(ConfigError, match="BotFather"):
        TelegramAdapter(settings(token=token), SystemClock())


@pytest.mark.parametrize(
    "fields",
    [
        {"api_base": "ftp://x"},
        {"proxy": "socks4://x"},
        {"mode": "webhook"},
        {"webhook": {"secret": "with space"}},
        {"poll_seconds": 0},
        {"colour": "blue"},
    ],
)
def test_impossible_settings_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(**fields)


def test_every_setting_is_explained() -> None:
    assert [name for name, field in TelegramSettings.model_fields.items() if not field.description] == []


def test_the_token_is_not_shown() -> None:
    assert TOKEN not in repr(settings())
    assert TOKEN not in repr(TelegramAdapter(settings(), SystemClock()).__dict__)


def test_the_webhook_s_secret_is_derived_where_none_is_given() -> None:
    assert settings(webhook={"secret": "mine"}).webhook_secret == "mine"
    derived = settings().webhook_secret
    assert derived == settings().webhook_secret
    assert derived != settings(token="4242:another-token").webhook_secret
    assert TOKEN.partition(":")[2] not in derived
