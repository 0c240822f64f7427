"""The settings of Slack, its manifest, and what each setting leads to."""

import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.platforms.slack.files import trusted
from gateway.platforms.slack.manifest import SCOPES, manifest, missing
from gateway.platforms.slack.settings import SlackSettings
from gateway.platforms.slack.web import bounded

TOKEN = "xoxb-1111111111-2222222222-AbCdEf"


def settings(**fields: Any) -> SlackSettings:
    return SlackSettings.model_validate({"bot_token": TOKEN, **fields})


def test_looking_at_the_platform_loads_no_sdk() -> None:
    code = (
        "import sys; from gateway.platforms.slack import SPEC; "
        "print('slack_sdk' in sys.modules, 'aiohttp' in sys.modules, SPEC.name)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "slack"]


def test_the_account_outlives_a_new_token() -> None:
    assert settings().installation == "1111111111-2222222222"
    assert settings(bot_token="xoxb-1111111111-2222222222-Other").installation == "1111111111-2222222222"
    assert settings(bot_token="odd", app_token="xapp-1-A0APP-3-x").installation == "A0APP"
    assert settings(account="acme").installation == "acme"
    hook = "https://hooks.slack.com/services/T1/B2/secret"
    assert SlackSettings.model_validate({"webhook_url": hook}).installation == "T1-B2"
    assert "secret" not in SlackSettings.model_validate({"webhook_url": "https://x.org/secret"}).installation


def test_what_is_set_decides_what_slack_is() -> None:
    assert not SlackSettings().configured
    assert settings().configured
    assert not settings(webhook_url="https://hooks.slack.com/x").outgoing_only
    assert SlackSettings.model_validate({"webhook_url": "https://hooks.slack.com/x"}).outgoing_only


@pytest.mark.parametrize("field", [{"api_base": "slack.com"}, {"proxy": "host"}, {"webhook_url": "x"}])
def test_an_address_without_a_scheme_is_refused(field: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        settings(**field)


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("https://files.slack.com/files-pri/T1-F1/a.png", True),
        ("https://acme.enterprise.slack.com/files/x", True),
        ("http://files.slack.com/files-pri/T1-F1/a.png", False),
        ("https://files.slack.com:8443/x", False),
        ("https://slack.com.example.org/x", False),
        ("https://evilslack.com/x", False),
        ("https://files.slack.com@example.org/x", False),
        ("https://[broken", False),
        ("", False),
    ],
)
def test_a_token_goes_to_slack_alone(address: str, *, good: bool) -> None:
    assert trusted(address, settings()) is good


def test_with_a_server_of_one_s_own_the_token_goes_there_alone() -> None:
    own = settings(api_base="http://127.0.0.1:7000/api")
    assert trusted("http://127.0.0.1:7000/files/x", own)
    assert not trusted("http://127.0.0.1:7001/files/x", own)
    assert not trusted("https://files.slack.com/x", own)


def test_the_manifest_follows_the_settings() -> None:
    socket = manifest(settings(command="/ask"))
    assert socket["settings"]["socket_mode_enabled"]
    assert "request_url" not in socket["settings"]["event_subscriptions"]
    assert socket["features"]["slash_commands"][0]["command"] == "/ask"
    http = manifest(settings(mode="http", http={"url": "https://h.example.org/slack/events"}))
    assert not http["settings"]["socket_mode_enabled"]
    assert http["settings"]["interactivity"]["request_url"] == "https://h.example.org/slack/events"
    assert http["features"]["slash_commands"][0]["url"] == "https://h.example.org/slack/events"
    assert set(socket["oauth_config"]["scopes"]["bot"]) == set(SCOPES)


def test_a_missing_scope_is_said_with_what_it_is_for() -> None:
    assert missing(set(SCOPES)) == ()
    assert missing(set()) == ()
    (one,) = missing(set(SCOPES) - {"files:write"})
    assert "files:write" in one


@pytest.mark.parametrize("wish", [None, "soon", "-5", "0", "1e12", "nan"])
def test_a_senseless_wish_to_wait_becomes_a_sensible_one(wish: str | None) -> None:
    assert 1 <= bounded(wish) <= 3600
