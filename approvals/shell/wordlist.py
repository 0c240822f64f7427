"""Sets of words written as prose."""


def words(text: str) -> frozenset[str]:
    """Return the blank-separated words of a text."""
    return frozenset(text.split())
