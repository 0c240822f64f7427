"""The program ``hermes``: errors as one sentence with the way out, and the quickest road to a running gateway."""

import gc
import sys
import traceback
from collections.abc import Sequence

from hermes import plugins
from kernel.errors import ConfigError, ForeignDatabase, HermesError, HomeLocked, InvalidInput, StoreReadOnly

# sysexits.h: EX_CONFIG is what the service file does not restart on, EX_TEMPFAIL what a second start gets.
EXIT_CONFIG = 78
# What the parser of the command line ends with, too.
EXIT_USAGE = 2
EXIT_LOCKED = 75
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # Imports make objects by the hundred thousand and garbage hardly ever: collecting less saves a tenth of a start.
    gc.set_threshold(50_000, 20, 50)
    try:
        # The command parser costs 100 ms; the daemon has nothing to parse.
        return (
            plugins.load(plugins.START)() if words == ["gateway"] else plugins.load(plugins.COMMANDS)(words)
        )
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return 1
    except Exception as error:  # noqa: BLE001 - the last resort: people get a sentence, the log file the traceback
        return _told(_first(error))


def _first(error: Exception) -> Exception:
    """Return what a group of errors is about: its first one."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _told(error: Exception) -> int:
    """Say what went wrong in one sentence and return the exit code."""
    if isinstance(error, HermesError):
        print(f"hermes: {error}", file=sys.stderr)
        return _exit_code(error)
    print(f"hermes: something unforeseen happened: {error!r}. {_keep(error)}", file=sys.stderr)
    return 1


def _exit_code(error: HermesError) -> int:
    if isinstance(error, (ConfigError, StoreReadOnly, ForeignDatabase)):
        return EXIT_CONFIG
    if isinstance(error, InvalidInput):
        return EXIT_USAGE
    return EXIT_LOCKED if isinstance(error, HomeLocked) else 1


def _keep(error: Exception) -> str:
    """Write the traceback to HOME/logs/crash.log and say so."""
    path = plugins.load(plugins.CRASH_FILE)()
    try:
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError:
        return "This is a bug; please report it."
    return f"This is a bug; please report it with {path}."


if __name__ == "__main__":
    sys.exit(main())
