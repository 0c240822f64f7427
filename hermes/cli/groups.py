"""How a group of commands is made."""

from enum import StrEnum

import typer


def group(summary: str, epilog: str = "") -> typer.Typer:
    """Return a group that shows its help when it is called bare."""
    return typer.Typer(help=summary, epilog=epilog, no_args_is_help=True, rich_markup_mode=None)


def examples(*lines: str) -> str:
    """Return an epilog that keeps its lines as they are."""
    return "Examples:\n\n\b\n" + "\n".join(f"  {line}" for line in lines)


class RoleName(StrEnum):
    """A role as it is typed."""

    USER = "user"
    OPERATOR = "operator"
    OWNER = "owner"
