"""Tasks of frameworks and migration tools that lose what is in a database, however their words are put together."""

import re
from collections.abc import Sequence
from itertools import pairwise

from approvals.shell.wordlist import words

TOOLS = (
    "drizzle-kit sequelize sequelize-cli knex typeorm alembic flyway liquibase dbmate goose sqlx diesel atlas"
    " migrate golang-migrate node-pg-migrate db-migrate mikro-orm yoyo sea-orm-cli"
)
"""Programs that do nothing else than change databases."""

_TOOLS = words(TOOLS)
_FRAMEWORKS = words(
    "php mix npx npm yarn pnpm bun bunx rake rails python python3 django-admin flask prisma doctrine console"
)
_FAMILIES = words("db database migrate migrations migration ecto schema structure")
_LOSSES = words(
    "drop reset fresh refresh wipe purge truncate undo rollback revert down downgrade clean flush destroy"
)
# What empties a database by itself, and tasks that load a whole structure over what is there.
_ALONE = re.compile(r"drop-?all|dropAll|reset_db|flush|db:(schema|structure):load(:\w+)?")
# What goes back where the program's only trade is databases.
_BACK = re.compile(r"(drop|down|undo|rollback|revert|downgrade|reset)([-:]\w[-\w]*)?")
_SEPARATORS = re.compile(r"[:.]")
_MOST_WORDS = 8


def loses_data(program: str, arguments: Sequence[str]) -> str:
    """Return the task among a program's words that loses data, empty without one.

    A task is one word, ``db:migrate:undo``, or two, ``database reset``; Django's ``migrate APP zero`` undoes all.
    """
    tool = program in _TOOLS
    if not tool and program not in _FRAMEWORKS:
        return ""
    bare = [word for word in arguments[:_MOST_WORDS] if not word.startswith("-")]
    for word in bare:
        alone = _ALONE.fullmatch(word) or (tool and _BACK.fullmatch(word))
        if alone or _is_loss(_SEPARATORS.split(word)):
            return word
    for first, second in pairwise(bare):
        if _is_loss((first, second)):
            return f"{first} {second}"
    return "migrate zero" if "migrate" in bare and bare[-1:] == ["zero"] else ""


def _is_loss(parts: Sequence[str]) -> bool:
    """Tell whether a task of a family that is about databases has a destructive part."""
    return len(parts) > 1 and parts[0] in _FAMILIES and any(part in _LOSSES for part in parts[1:])
