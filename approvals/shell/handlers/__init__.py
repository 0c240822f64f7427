"""What a table cannot say: programs whose arguments form a language of their own."""

from collections.abc import Callable, Mapping

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
from approvals.shell.job import Job

Handler = Callable[[Job], None]

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
