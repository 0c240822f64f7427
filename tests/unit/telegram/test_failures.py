"""What Telegram's refusals mean."""

import json
from typing import Any

import httpx
import pytest
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    TelegramError,
    TimedOut,
)

from gateway.platforms.telegram.failures import delivery_error, platform_error
from gateway.platforms.telegram.request import Flooded, ServerFailed, bounded, refusal
from kernel.errors import (
    DeliveryDeferred,
    DeliveryRejected,
    DeliveryUncertain,
    PlatformConflict,
    PlatformUnauthorised,
    PlatformUnavailable,
)


def body(description: str | None = "why", **parameters: Any) -> bytes:
    """Return an error as the Bot API writes it."""
    return json.dumps({"ok": False, "description": description, "parameters": parameters}).encode()


@pytest.mark.parametrize(
    ("code", "payload", "kind"),
    [
        (400, body(), BadRequest),
        (400, body(migrate_to_chat_id=-100), ChatMigrated),
        (401, body(), InvalidToken),
        (403, body(), Forbidden),
        (404, body(), InvalidToken),
        (404, b"<html>not here</html>", ServerFailed),
        (403, b"the proxy says no", ServerFailed),
        (400, b"[]", ServerFailed),
        (400, json.dumps({"description": "x", "parameters": "odd"}).encode(), BadRequest),
        (409, body(), Conflict),
        (429, body(retry_after=3), Flooded),
        (429, b"", Flooded),
        (413, body(), ServerFailed),
        (500, body(), ServerFailed),
        (502, b"<html></html>", ServerFailed),
        (599, b"\xff", ServerFailed),
    ],
)
def test_an_answer_becomes_a_typed_error(code: int, payload: bytes, kind: type[TelegramError]) -> None:
    assert type(refusal(code, payload)) is kind


@pytest.mark.parametrize(
    ("wish", "seconds"),
    [
        (3, 3),
        ("7", 7),
        (0, 1),
        (-4, 1),
        (10**12, 3600),
        (None, 5),
        ("soon", 5),
        ([], 5),
        (float("nan"), 5),
        (float("inf"), 3600),
    ],
)
def test_a_wish_to_wait_is_bounded(wish: object, seconds: float) -> None:
    assert bounded(wish) == seconds


def caused(cause: Exception) -> TelegramError:
    """Return the library's network error with its cause."""
    error = TimedOut() if isinstance(cause, httpx.TimeoutException) else NetworkError(str(cause))
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Flooded(9), DeliveryDeferred),
        (BadRequest("chat not found"), DeliveryRejected),
        (Forbidden("bot was blocked by the user"), DeliveryRejected),
        (ChatMigrated(-100), DeliveryRejected),
        (InvalidToken("Unauthorized"), DeliveryDeferred),
        (ServerFailed(500), DeliveryDeferred),
        (ServerFailed(502), DeliveryDeferred),
        (ServerFailed(504), DeliveryUncertain),
        (caused(httpx.ConnectError("refused")), DeliveryDeferred),
        (caused(httpx.ConnectTimeout("slow")), DeliveryDeferred),
        (caused(httpx.PoolTimeout("full")), DeliveryDeferred),
        (caused(httpx.ReadTimeout("silence")), DeliveryUncertain),
        (caused(httpx.ReadError("reset")), DeliveryUncertain),
        (caused(httpx.WriteError("reset")), DeliveryUncertain),
        (caused(httpx.RemoteProtocolError("closed")), DeliveryUncertain),
        (TelegramError("The server's answer could not be understood"), DeliveryUncertain),
    ],
)
def test_a_failed_sending_says_what_to_do(error: TelegramError, kind: type[Exception]) -> None:
    assert type(delivery_error(error)) is kind


@pytest.mark.parametrize("error", [caused(httpx.ReadTimeout("silence")), ServerFailed(504)])
def test_what_may_be_repeated_is_never_uncertain(error: TelegramError) -> None:
    assert type(delivery_error(error, repeatable=True)) is DeliveryDeferred


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (Flooded(9), PlatformUnavailable, "wait"),
        (InvalidToken("Unauthorized"), PlatformUnauthorised, "token"),
        (Forbidden("Forbidden"), PlatformUnauthorised, "token"),
        (
            Conflict("Conflict: can't use getUpdates method while webhook is active"),
            PlatformConflict,
            "webhook",
        ),
        (Conflict("Conflict: terminated by other getUpdates request"), PlatformConflict, "Another program"),
        (ServerFailed(502), PlatformUnavailable, "502"),
        (caused(httpx.ConnectError("https://x/bot1:secret refused")), PlatformUnavailable, "ConnectError"),
    ],
)
def test_a_failed_connection_says_what_to_do(error: TelegramError, kind: type[Exception], words: str) -> None:
    found = platform_error(error)
    assert type(found) is kind
    assert words in str(found)
    assert "secret" not in str(found)
