"""The watchdog of the event loop: names whoever blocks it."""

import asyncio
import logging
import sys
import threading
import traceback

from kernel.clock import Clock

log = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
BLOCKED_SECONDS = 2.0


class LoopWatchdog:
    """A thread that logs the loop's stack when the loop has not answered for ``BLOCKED_SECONDS``.

    It asks every ``BEAT_SECONDS`` and costs two wake-ups each time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._over = threading.Event()
        self._answered = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="loop-watchdog", daemon=True)

    def start(self) -> None:
        """Watch the running loop."""
        self._loop = asyncio.get_running_loop()
        self._ident = threading.get_ident()
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(BEAT_SECONDS):
            self._answered.clear()
            try:
                self._loop.call_soon_threadsafe(self._answered.set)
            except RuntimeError:
                return
            if not self._answered.wait(BLOCKED_SECONDS):
                self._report()
                self._answered.wait()

    def _report(self) -> None:
        frame = sys._current_frames().get(self._ident)  # noqa: SLF001 - the documented way to see another thread's stack
        stack = "".join(traceback.format_stack(frame)) if frame else "unknown"
        log.error("The event loop has been blocked for more than %.0f s by:\n%s", BLOCKED_SECONDS, stack)
