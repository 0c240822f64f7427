"""Telegram: what it is called and where its adapter lives; importing this loads no SDK."""

from gateway.platforms import PlatformSpec
from gateway.platforms.telegram.settings import TelegramSettings

SPEC = PlatformSpec(
    name="telegram",
    title="Telegram",
    adapter="gateway.platforms.telegram.adapter:TelegramAdapter",
    settings=TelegramSettings,
    # For Telegram Passport alone: 7 MiB and a tenth of the SDK's import.
    unneeded=("cryptography",),
)
