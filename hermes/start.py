"""Starting the gateway: from an environment to a running daemon, with as few imports as that takes."""

import gc
import logging
import sys
from collections.abc import Callable, Mapping

from hermes import logs, plugins
from hermes.home import Home
from hermes.settings import environment, load_or_last_good, secret_values
from kernel.crashpoints import arm
from kernel.errors import ConfigError
from kernel.ids import seed

log = logging.getLogger(__name__)


def gateway(environ: Mapping[str, str] | None = None) -> int:
    """Run the gateway of the environment's home in the foreground and return its exit code.

    ``environ`` stands in for this process's environment. Raises ConfigError where settings or home cannot be used,
    HomeLocked where another process has the home.
    """
    # Imports allocate much and free nothing: collecting garbage between them costs a tenth of the start.
    gc.disable()
    # Where click and rich are installed, httpx loads its own command line, which the daemon has no use for.
    sys.modules["httpx._main"] = None  # pyright: ignore[reportArgumentType] - None says: not to be had
    environ = environment() if environ is None else environ
    home = Home.locate(environ)
    home.prepare()
    loaded = load_or_last_good(home, environ=environ)
    arm_tests(
        environ.get("HERMES_TEST", ""), environ.get("HERMES_CRASHPOINT", ""), environ.get("HERMES_SEED", "")
    )
    handlers = logs.configure(loaded.settings.log, home, secret_values(loaded.settings))
    if loaded.problem:
        log.error("The configuration is broken; the last good one stands in. %s", loaded.problem)
    run: Callable[..., int] = plugins.load(plugins.GATEWAY)
    try:
        return run(loaded.settings, home, problem=str(loaded.problem or ""), logs=handlers)
    finally:
        handlers.close()


def arm_tests(flag: str, point: str, number: str) -> None:
    """Arm a crash point (``"name"`` or ``"name:count"``) and seed ids and jitter; only under ``HERMES_TEST=1``."""
    if flag != "1":
        return
    if number:
        seed(int(number))
    if point:
        name, _, count = point.partition(":")
        try:
            arm(name, int(count or 1))
        except KeyError:
            raise ConfigError(
                f"There is no crash point {name}.", remedy="`hermes debug crashpoints` lists them."
            ) from None
