"""Names that mean production, in a context, a host, a target or a branch."""

import re

_WORD = re.compile(r"(?<![A-Za-z])(prod|production|prd|live)(?![A-Za-z])", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z])(Prod|Production|Live)(?![a-z])")


def names_production(word: str) -> bool:
    """Tell whether a word names production: ``prod``, ``eu-live-1``, ``deployProd``; not ``livereload``."""
    return _WORD.search(word) is not None or _CAMEL.search(word) is not None
