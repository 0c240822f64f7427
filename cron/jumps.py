"""Hearing that the machine's clock was changed, or that the machine was asleep, without looking at it again and again.

Linux cancels a timer on the real-time clock when that clock is set (``TFD_TIMER_CANCEL_ON_SET``, timerfd_create(2));
the timer itself stands so far ahead that it never rings.
"""

import asyncio
import ctypes
import os
import struct
import sys
from collections.abc import Callable

CLOCK_REALTIME = 0
TFD_NONBLOCK, TFD_CLOEXEC = os.O_NONBLOCK, os.O_CLOEXEC
TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET = 1, 2
# Never: the year 2242, in seconds.
FAR = 1 << 33


class JumpWatch:
    """Calls ``jumped`` whenever the wall clock is set; ``works`` tells whether this system can say so."""

    def __init__(self, jumped: Callable[[], None]) -> None:
        self._jumped = jumped
        self._fd = -1

    @property
    def works(self) -> bool:
        """Whether a change of the clock is heard."""
        return self._fd >= 0

    def open(self) -> None:
        """Begin to listen, where the system can."""
        if not sys.platform.startswith("linux"):
            return
        try:
            library = ctypes.CDLL(None, use_errno=True)
            fd = library.timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC)
        except (OSError, AttributeError):
            return
        if fd < 0:
            return
        self._fd = fd
        if not self._set(library):
            self.close()
            return
        asyncio.get_running_loop().add_reader(fd, self._read)

    def _set(self, library: ctypes.CDLL) -> bool:
        spec = struct.pack("qqqq", 0, 0, FAR, 0)
        flags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET
        return library.timerfd_settime(self._fd, flags, ctypes.c_char_p(spec), None) == 0

    def _read(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            return
        except OSError:
            # ECANCELED: the clock was set. The timer has to be set again to hear of the next time.
            if not self._set(ctypes.CDLL(None, use_errno=True)):
                self.close()
        self._jumped()

    def close(self) -> None:
        """Stop listening."""
        if self._fd >= 0:
            asyncio.get_running_loop().remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1
