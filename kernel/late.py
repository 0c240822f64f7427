"""Loading late: a part is named as ``"package.module:attribute"`` and imported when it is needed."""

from importlib import import_module
from typing import Any


def load(spec: str) -> Any:
    """Import ``"package.module:attribute"`` and return the attribute; errors of the import pass through."""
    module, _, attribute = spec.partition(":")
    return getattr(import_module(module), attribute)
