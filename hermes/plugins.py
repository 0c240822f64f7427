"""What exists and is loaded late: each part named as ``"package.module:attribute"``, loaded by one function."""

from importlib import import_module
from typing import Any

# Each platform's SPEC, loaded only where its settings say that it is used.
PLATFORMS = {
    "telegram": "gateway.platforms.telegram:SPEC",
}

GATEWAY = "hermes.app:run_gateway"
EMBEDDED = "hermes.app:embedded"
COMMANDS = "hermes.cli.commands:run"
YAML_LAYER = "hermes.yaml_layer:read"


def load(spec: str) -> Any:
    """Import ``"package.module:attribute"`` and return the attribute; errors of the import pass through."""
    module, _, attribute = spec.partition(":")
    return getattr(import_module(module), attribute)
