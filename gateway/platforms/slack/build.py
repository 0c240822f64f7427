"""Which adapter the settings ask for."""

from gateway.adapter import Adapter
from gateway.platforms.slack.adapter import SlackAdapter
from gateway.platforms.slack.outgoing import SlackOutlet
from gateway.platforms.slack.settings import SlackSettings
from kernel.clock import Clock


def build(settings: SlackSettings, clock: Clock) -> Adapter:
    """Return the app's adapter, or the webhook's where there is nothing but a webhook."""
    return SlackOutlet(settings, clock) if settings.outgoing_only else SlackAdapter(settings, clock)
