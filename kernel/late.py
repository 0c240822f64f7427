"""Loading late: a part is named as ``"package.module:attribute"`` and imported when it is needed."""

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any


def load(spec: str, without: Sequence[str] = ()) -> Any:
    """Import ``"package.module:attribute"`` and return the attribute; errors of the import pass through.

    Modules named in ``without`` count as not installed meanwhile, for libraries that import more than is asked of them
    where they find it. Nothing else may be importing then.
    """
    module, _, attribute = spec.partition(":")
    with _hidden(without):
        return getattr(import_module(module), attribute)


@contextmanager
def _hidden(modules: Sequence[str]) -> Generator[None]:
    hidden = [name for name in modules if name not in sys.modules]
    for name in hidden:
        # To the import machinery, None says: not to be had.
        sys.modules[name] = None  # pyright: ignore[reportArgumentType]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
