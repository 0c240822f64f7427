"""A child process, started without copying the daemon's memory and awaited without a thread.

An event loop's own way of starting a process forks, which takes a daemon of this size several milliseconds in which
nothing else happens; ``subprocess`` lets the kernel share the memory until the new program runs.
"""

import asyncio
import contextlib
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence


class Child:
    """A process in a session of its own; ``returncode`` is ``None`` while it runs, negative for a signal."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        try:
            self._watched = os.pidfd_open(process.pid)
        except (AttributeError, OSError):
            # Not Linux, or a kernel older than 5.3: a thread waits.
            threading.Thread(target=self._wait_in_thread, daemon=True).start()
        else:
            self._loop.add_reader(self._watched, self._reap)

    @classmethod
    def start(
        cls, argv: Sequence[str], *, program: str, cwd: str, environment: Mapping[str, str], output: int
    ) -> "Child":
        """Start a program whose output and errors go to a file descriptor; raise OSError when it cannot be started."""
        return cls(
            subprocess.Popen(
                argv,
                executable=program,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        )

    def _reap(self) -> None:
        self._loop.remove_reader(self._watched)
        os.close(self._watched)
        self._process.wait()
        self._ended.set()

    def _wait_in_thread(self) -> None:
        self._process.wait()
        # The loop may have ended before the process.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._ended.set)

    @property
    def pid(self) -> int:
        """The process id, which is also that of its group."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code once it has ended."""
        return self._process.returncode

    async def wait(self) -> None:
        """Wait until it has ended."""
        await self._ended.wait()
