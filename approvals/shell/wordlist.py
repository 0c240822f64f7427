"""Sets of words written as prose, and the shell's reserved ones."""


def words(text: str) -> frozenset[str]:
    """Return the blank-separated words of a text."""
    return frozenset(text.split())


RESERVED = words(
    "if then elif else fi do done case esac while until for select function in { } ( ) ! [[ ]] coproc"
)
"""Words that open or close something in the shell's grammar; as the name of a program they are never expected."""
