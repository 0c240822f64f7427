"""Discord: what it is called and where its adapter lives; importing this loads no SDK."""

from gateway.platforms import PlatformSpec
from gateway.platforms.discord.settings import DiscordSettings

SPEC = PlatformSpec(
    name="discord",
    title="Discord",
    adapter="gateway.platforms.discord.adapter:DiscordAdapter",
    settings=DiscordSettings,
)
