"""``hermes setup``: from nothing to a running gateway, by questions or by flags."""

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
