"""A small piece of disk kept back, so that a full disk still lets an alert out."""

import os
import shutil
from pathlib import Path

RESERVE_BYTES = 1024 * 1024

# Below this much free space the disk counts as full: the reserve has to fit again, and some work beside it.
ROOM_BYTES = 4 * RESERVE_BYTES


class Reserve:
    """The file ``reserve`` beside the database; its blocks are really allocated."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "reserve"

    def keep(self) -> bool:
        """Allocate the reserve and return whether it is there; a disk too full for it is no error."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return False
        try:
            os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
        except OSError:
            self.free()
            return False
        finally:
            os.close(descriptor)
        return True

    def free(self) -> bool:
        """Give the blocks back to the disk; return whether there were any."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        return True

    def has_room(self) -> bool:
        """Tell whether the disk has room for ordinary work again."""
        return shutil.disk_usage(self._path.parent).free >= ROOM_BYTES
