"""A few questions to the Telegram Bot API, for set-up and doctor: no SDK, nothing received, nothing confirmed."""

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from gateway.platforms.telegram.settings import TelegramSettings
from kernel.errors import PlatformConflict, PlatformUnauthorised, PlatformUnavailable

REFUSED, CONFLICT = {401, 403, 404}, 409


@dataclass(frozen=True, slots=True)
class Bot:
    """What ``getMe`` says; ``at`` is the server's clock (ms since the epoch, ``None`` for none)."""

    id: int
    name: str
    reads_groups: bool
    at: int | None


class BotApi:
    """Asks the Bot API server that the settings name, with the token that they hold."""

    def __init__(self, settings: TelegramSettings, *, timeout: float = 10.0) -> None:
        self._url = f"{settings.bot_url}{settings.token.get_secret_value().strip()}"
        self._client = httpx.Client(proxy=settings.proxy or None, timeout=timeout, trust_env=False)

    def me(self) -> Bot:
        """Return the bot; raise PlatformUnauthorised for a refused token, PlatformUnavailable for no answer."""
        result, headers = self._ask("getMe")
        date = headers.get("Date")
        at = int(parsedate_to_datetime(date).timestamp() * 1000) if date else None
        reads = bool(result.get("can_read_all_group_messages"))
        return Bot(int(result["id"]), f"@{result.get('username', '')}", reads, at)

    def webhook(self) -> str:
        """Return the address that updates are posted to, or an empty text; errors as in ``me``."""
        return str(self._ask("getWebhookInfo")[0].get("url") or "")

    def who_wrote(self, code: str) -> int | None:
        """Return the id of whoever wrote ``code`` to the bot in private; nothing is confirmed, so nothing is lost.

        Raises PlatformConflict while another program polls; other errors as in ``me``.
        """
        updates: Any = self._ask("getUpdates")[0]
        for update in updates:
            message = update.get("message") or {}
            text = str(message.get("text", "")).removeprefix("/start").strip().upper()
            if text == code and message.get("chat", {}).get("type") == "private":
                return int(message["from"]["id"])
        return None

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _ask(self, method: str) -> tuple[Any, httpx.Headers]:
        try:
            response = self._client.post(f"{self._url}/{method}")
            content = response.json()
        # The address in the error's text holds the token, so only its kind is told.
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise PlatformUnavailable(f"Telegram does not answer ({type(error).__name__}).") from None
        if response.status_code in REFUSED:
            raise PlatformUnauthorised("Telegram refuses the token.")
        if response.status_code == CONFLICT:
            raise PlatformConflict("Another program receives with this token.", remedy="Stop it first.")
        if not content.get("ok"):
            raise PlatformUnavailable(
                f"Telegram answers: {content.get('description', response.status_code)}."
            )
        return content["result"], response.headers
