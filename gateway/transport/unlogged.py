"""Secrets stay out of what the platforms' libraries log, addresses and bodies included."""

import logging
from collections.abc import Sequence


class Redaction(logging.Filter):
    """Takes secrets out of records."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__()
        self.secrets = secrets

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the record, without the secrets."""
        text = record.getMessage()
        if any(secret in text for secret in self.secrets):
            for secret in self.secrets:
                text = text.replace(secret, "<token>")
            record.msg, record.args = text, ()
        return True


def redact(loggers: Sequence[str], *secrets: str) -> None:
    """Keep secrets out of what loggers write from now on."""
    for name in loggers:
        logger = logging.getLogger(name)
        if not any(isinstance(known, Redaction) and known.secrets == secrets for known in logger.filters):
            logger.addFilter(Redaction(secrets))
