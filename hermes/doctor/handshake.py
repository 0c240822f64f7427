"""A coding agent's hello: which version of the protocol it speaks, asked without a library of the protocol."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from agent.tools.terminal.sweep import end_group

SECONDS = 15.0
LONGEST = 1_000_000
GRACE = 2.0
HELLO = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": 1,
        "clientCapabilities": {"fs": {"readTextFile": False, "writeTextFile": False}, "terminal": False},
    },
}


@dataclass(frozen=True, slots=True)
class Hello:
    """What an agent answered: the protocol's version (0 where none came), its own, and why there is no answer."""

    version: int = 0
    release: str = ""
    problem: str = ""


def greet(
    program: str, words: Sequence[str], environment: Mapping[str, str], seconds: float = SECONDS
) -> Hello:
    """Start a program in an empty folder, say hello, and end it with everything it has started."""
    with tempfile.TemporaryDirectory(prefix="hermes-doctor-") as folder:
        try:
            process = subprocess.Popen(
                (program, *words),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # What is not taken must not be tried again when the pipe is closed.
                bufsize=0,
                cwd=folder,
                env=dict(environment),
                start_new_session=True,
            )
        except OSError as error:
            return Hello(problem=f"could not be started: {error.strerror}")
        with process:
            try:
                return _answer(process, seconds)
            finally:
                _end(process)


def _answer(process: "subprocess.Popen[bytes]", seconds: float) -> Hello:
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    try:
        process.stdin.write(json.dumps(HELLO).encode() + b"\n")
    except BrokenPipeError:
        return Hello(problem="ended before it said hello")
    end, read = time.monotonic() + seconds, b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left := end - time.monotonic()) > 0 and len(read) < LONGEST:
            if not selector.select(left):
                continue
            chunk = os.read(process.stdout.fileno(), 65536)
            read += chunk
            for line in read.split(b"\n")[:-1]:
                if (hello := _hello(line)) is not None:
                    return hello
            if not chunk:
                return Hello(problem="ended before it said hello")
    return Hello(problem=f"did not say hello within {seconds:g} seconds")


def _hello(line: bytes) -> Hello | None:
    try:
        found: object = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict) or cast("dict[str, Any]", found).get("id") != 0:
        return None
    result = cast("dict[str, Any]", found).get("result")
    if not isinstance(result, dict):
        return Hello(problem="answered the hello with an error")
    said = cast("dict[str, Any]", result)
    version, about = said.get("protocolVersion"), said.get("agentInfo")
    release = cast("dict[str, Any]", about).get("version", "") if isinstance(about, dict) else ""
    if not isinstance(version, int):
        return Hello(problem="named no version of the protocol")
    return Hello(version, str(release))


def _end(process: "subprocess.Popen[bytes]") -> None:
    end_group(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    end_group(process.pid, signal.SIGKILL)
