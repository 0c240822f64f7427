"""What a table cannot say: programs whose arguments form a language of their own."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from approvals.shell.call import Call
from approvals.shell.handlers import (
    clouds,
    databases,
    files,
    finders,
    interpreters,
    network,
    projects,
    repository,
    scripts,
    shells,
    state,
    system,
)
from approvals.shell.rule import Rule

if TYPE_CHECKING:
    from approvals.shell.judge import Judge

Handler = Callable[["Judge", Rule, str, list[str], Call], None]

FUNCTIONS: Mapping[str, Handler] = {
    **clouds.FUNCTIONS,
    **databases.FUNCTIONS,
    **files.FUNCTIONS,
    **finders.FUNCTIONS,
    **interpreters.FUNCTIONS,
    **network.FUNCTIONS,
    **projects.FUNCTIONS,
    **repository.FUNCTIONS,
    **scripts.FUNCTIONS,
    **shells.FUNCTIONS,
    **state.FUNCTIONS,
    **system.FUNCTIONS,
}
