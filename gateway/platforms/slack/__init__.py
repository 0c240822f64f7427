"""Slack: what it is called and where its adapter lives; importing this loads no SDK."""

from gateway.platforms import PlatformSpec
from gateway.platforms.slack.settings import SlackSettings

SPEC = PlatformSpec(
    name="slack",
    title="Slack",
    adapter="gateway.platforms.slack.build:build",
    settings=SlackSettings,
)
