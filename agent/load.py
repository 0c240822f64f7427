"""Late loading: what is expensive to import is named as ``"package.module:attribute"`` and loaded here."""

import importlib
from typing import Any


def load(spec: str) -> Any:
    """Import ``"package.module:attribute"`` and return the attribute."""
    module, _, attribute = spec.partition(":")
    return getattr(importlib.import_module(module), attribute)
