"""Where conversations work that a person has given a folder of their own."""

from pathlib import Path

from store import marks
from store.database import Database

NAME = "folder"


class Folders:
    """The folders of sessions; they stand in the store and are known here without asking it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, Path] = {}

    async def load(self) -> None:
        """Learn what was chosen before."""
        found = await self._database.read(marks.of_sessions, NAME)
        self._known = {session: Path(folder) for session, folder in found.items()}

    def of(self, session_id: str) -> Path | None:
        """Return the folder of a session, ``None`` where nobody chose one or it is gone."""
        folder = self._known.get(session_id)
        return folder if folder is not None and folder.is_dir() else None

    async def choose(self, session_id: str, folder: str) -> None:
        """Keep a session's folder; an empty one is the usual again."""
        mark = marks.of_session(session_id, NAME)
        if folder:
            await self._database.write(marks.put, mark, folder)
            self._known[session_id] = Path(folder)
        else:
            await self._database.write(marks.take, mark)
            self._known.pop(session_id, None)
