"""The log: one rotating JSON file and standard error, both without secrets and bounded in volume."""

import json
import logging
import sys
from collections import OrderedDict
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TextIO

from hermes.home import Home
from hermes.redaction import Redactor
from hermes.schema import LogSettings
from kernel.clock import Clock, SystemClock, at

FILE_NAME = "hermes.log"

# Libraries that write a line for each request, with addresses that hold tokens; they may warn.
QUIET = (
    "aiosqlite", "anthropic", "apscheduler", "asyncio", "hpack", "httpcore", "httpx", "markdown_it", "mcp", "openai",
    "slack_bolt", "slack_sdk", "telegram", "uvicorn", "urllib3", "websockets",
)  # fmt: skip

# How often one and the same line may be written within a window; what came beyond is counted and said.
REPEATS = 5
WINDOW_SECONDS = 60.0
REMEMBERED = 500

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "repeated"}


@dataclass(slots=True)
class _Seen:
    since: float
    count: int = 0


class RepeatFilter(logging.Filter):
    """Lets a line through five times a minute; the next one afterwards carries the number of those left out."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._seen: OrderedDict[tuple[str, int, str], _Seen] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Decide for one record; memory is bounded to the lines seen last."""
        key = (record.name, record.levelno, record.getMessage())
        now = self._clock.monotonic()
        seen = self._seen.pop(key, None)
        if seen is None or now - seen.since > WINDOW_SECONDS:
            record.repeated = max(seen.count - REPEATS, 0) if seen else 0
            seen = _Seen(now)
        self._seen[key] = seen
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        seen.count += 1
        return seen.count <= REPEATS


class _Formatter(logging.Formatter):
    """Formats a record and redacts the result, tracebacks included."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(self.render(record))

    def render(self, record: logging.LogRecord) -> str:
        raise NotImplementedError

    def trace(self, record: logging.LogRecord) -> str:
        """Return the record's traceback, or an empty text."""
        return self.formatException(record.exc_info) if record.exc_info else ""


class JsonFormatter(_Formatter):
    """One JSON object a line: at, level, logger, message, what was given as ``extra``, and the traceback."""

    def render(self, record: logging.LogRecord) -> str:
        """Return the line, not yet redacted."""
        line: dict[str, Any] = {
            "at": at(int(record.created * 1000)).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **extras(record),
        }
        if record.exc_info:
            line["traceback"] = self.trace(record)
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(_Formatter):
    """A line for people: the time (the machine's own), the level where it is unusual, the message, and extras."""

    def render(self, record: logging.LogRecord) -> str:
        """Return the line, not yet redacted."""
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        more = "".join(f" {name}={value}" for name, value in extras(record).items())
        trace = f"\n{self.trace(record)}" if record.exc_info else ""
        return f"{self.formatTime(record, '%H:%M:%S')} {level}{record.getMessage()}{more}{trace}"


def extras(record: logging.LogRecord) -> dict[str, Any]:
    """Return what the caller passed as ``extra``, and how many equal lines were left out before this one."""
    found = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    repeated = getattr(record, "repeated", 0)
    return {**found, "left_out": repeated} if repeated else found


class Logs:
    """The handlers of this process; made by ``configure``."""

    def __init__(self, handlers: list[logging.Handler], redact: Redactor) -> None:
        self._handlers = handlers
        self.redact = redact

    def apply(self, settings: LogSettings, secrets: set[str]) -> None:
        """Take over a changed level and new secrets after a reload."""
        logging.getLogger().setLevel(settings.level.upper())
        self.redact.learn(secrets)

    def close(self) -> None:
        """Take the handlers off again; doing it twice is harmless."""
        for handler in self._handlers:
            logging.getLogger().removeHandler(handler)
            handler.close()


def configure(
    settings: LogSettings,
    home: Home,
    secrets: set[str],
    *,
    stream: TextIO | None = sys.stderr,
    clock: Clock | None = None,
) -> Logs:
    """Send all logging of this process to HOME/logs/hermes.log and, unless it is ``None``, to ``stream``."""
    redact = Redactor(secrets)
    handlers: list[logging.Handler] = [_file(settings, home.logs / FILE_NAME, redact)]
    if stream is not None:
        handlers.append(_console(settings, stream, redact))
    repeats = RepeatFilter(clock or SystemClock())
    root = logging.getLogger()
    for handler in handlers:
        root.addHandler(handler)
    handlers[0].addFilter(repeats)
    for handler in handlers[1:]:
        handler.addFilter(RepeatFilter(clock or SystemClock()))
    # A full disk under the log must not fill standard error with tracebacks about it.
    logging.raiseExceptions = False
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logs = Logs(handlers, redact)
    logs.apply(settings, secrets)
    return logs


def _file(settings: LogSettings, path: Path, redact: Redactor) -> logging.Handler:
    handler = RotatingFileHandler(
        path,
        maxBytes=settings.megabytes * 1_000_000,
        backupCount=settings.files - 1,
        encoding="utf-8",
        delay=True,
    )
    handler.setFormatter(JsonFormatter(redact))
    return handler


def _console(settings: LogSettings, stream: TextIO, redact: Redactor) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter(redact) if settings.format == "json" else TextFormatter(redact))
    return handler
