"""Tools on files: list, read and search in the workspace; write there, and elsewhere where the gate lets it pass."""

import asyncio
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from agent.settings import ToolSettings
from agent.tools import edits
from agent.tools.places import inside, shown
from agent.tools.terminal import surroundings
from kernel.approvals import Action, ActionKind, arguments_text
from kernel.errors import AccessDenied, InvalidInput, NotFound
from kernel.specs import Tool
from kernel.turns import ToolContext

# Folders that hold no text a person wrote; a search would drown in them.
SKIPPED = frozenset({".git", ".hg", ".venv", "node_modules", "__pycache__"})
LONGEST_LINE = 300
# Files a search opens before it gives up, so that a huge tree cannot hold a turn for ever.
MOST_FILES = 20_000

FilePath = Annotated[str, Field(description="Path inside the workspace.")]


def workspace_tools(settings: ToolSettings, media: Path | None = None) -> Sequence[Tool]:
    """Return ``list_files``, ``read_file``, ``search_files`` and ``write_file``.

    ``media`` is the folder that keeps files of sessions; each session may read its own.
    """

    async def list_files(context: ToolContext, folder: FilePath = ".") -> str:
        """List the files and folders directly inside a folder of the workspace."""
        return await asyncio.to_thread(_listing, context.request.workspace, folder, settings.entries)

    async def read_file(
        context: ToolContext,
        path: FilePath,
        first_line: Annotated[int, Field(description="First line to return, from 1.", ge=1)] = 1,
    ) -> str:
        """Read a text file of the workspace."""
        file = _kept(media, context, path) or inside(context.request.workspace, path)
        text = await asyncio.to_thread(_read, file, path, settings.read_file)
        return text if first_line == 1 else "".join(text.splitlines(keepends=True)[first_line - 1 :])

    async def search_files(
        context: ToolContext,
        text: Annotated[str, Field(description="Text to find, upper and lower case alike.")],
        folder: FilePath = ".",
    ) -> str:
        """Find lines that contain a text in the files of a folder and below it."""
        return await asyncio.to_thread(_search, context.request.workspace, folder, text, settings)

    async def write_file(
        context: ToolContext,
        path: Annotated[
            str, Field(description="Path in the workspace; an absolute one elsewhere needs an approval.")
        ],
        text: str,
    ) -> str:
        """Write a text file; what was in it before is replaced."""
        data = text.encode()
        if len(data) > settings.write_file:
            raise InvalidInput(f"The text is larger than {settings.write_file:,} bytes.")
        if context.approved is None:
            raise AccessDenied("No file is written without the approval gate.")
        await asyncio.to_thread(_write, context.approved, path, data)
        return f"Wrote {len(data):,} bytes to {path}."

    async def writing(context: ToolContext, arguments: Mapping[str, Any]) -> Action:
        workspace, text = context.request.workspace, str(arguments["text"])
        target = await asyncio.to_thread(edits.absolute, workspace, str(arguments["path"]))
        return Action(
            ActionKind.FILE,
            "write_file",
            arguments_text(arguments),
            await asyncio.to_thread(edits.change, target, text),
            effect="write",
            target=target,
            workspaces=(await asyncio.to_thread(os.path.realpath, workspace),),
            host=surroundings.host(),
        )

    return (
        Tool("list_files", list_files, idempotent=True, label=lambda _: "listing files"),
        Tool(
            "read_file",
            read_file,
            idempotent=True,
            label=lambda arguments: f"reading {arguments.get('path', '')}",
        ),
        Tool("search_files", search_files, idempotent=True, label=lambda _: "searching files"),
        Tool(
            "write_file",
            write_file,
            idempotent=True,
            label=lambda arguments: f"writing {arguments.get('path', '')}",
            action=writing,
        ),
    )


def _kept(media: Path | None, context: ToolContext, path: str) -> Path | None:
    """Return the real path of a file that is kept for the session, ``None`` for any other."""
    if media is None or "\0" in path or not Path(path).is_absolute():
        return None
    folder, file = (media / context.request.session_id).resolve(), Path(path).resolve()
    return file if folder in file.parents else None


def _listing(workspace: Path, folder: str, limit: int) -> str:
    place = inside(workspace, folder)
    if not place.is_dir():
        raise NotFound(f"There is no folder {folder}.")
    names = sorted(f"{path.name}/" if path.is_dir() else path.name for path in place.iterdir())
    if not names:
        return "The folder is empty."
    left_out = [f"[{len(names) - limit} more]"] if len(names) > limit else []
    return "\n".join(names[:limit] + left_out)


def _read(file: Path, path: str, limit: int) -> str:
    if not file.is_file():
        raise NotFound(f"There is no file {path}.")
    if file.stat().st_size > limit:
        raise InvalidInput(f"{path} is larger than {limit:,} bytes.", remedy="Search it instead.")
    data = file.read_bytes()
    if b"\0" in data:
        raise InvalidInput(f"{path} is not a text file.")
    return data.decode(errors="replace")


def _search(workspace: Path, folder: str, text: str, settings: ToolSettings) -> str:
    if not text.strip():
        raise InvalidInput("There is nothing to search for.")
    place = inside(workspace, folder)
    if not place.is_dir():
        raise NotFound(f"There is no folder {folder}.")
    found: list[str] = []
    for file in _files(place, settings.read_file):
        found.extend(_matches(file, shown(workspace, file), text.lower(), settings.entries - len(found)))
        if len(found) >= settings.entries:
            return "\n".join([*found, f"[stopped after {settings.entries} matches]"])
    return "\n".join(found) or f"Nothing contains {text!r}."


def _files(place: Path, limit: int) -> Iterator[Path]:
    """Yield the ordinary files below a folder; links are not followed, so nothing outside is read."""
    seen = 0
    for folder, folders, names in os.walk(place):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        for name in sorted(names):
            file = Path(folder, name)
            seen += 1
            if seen > MOST_FILES:
                return
            if not file.is_symlink() and file.is_file() and file.stat().st_size <= limit:
                yield file


def _matches(file: Path, name: str, text: str, limit: int) -> list[str]:
    try:
        data = file.read_bytes()
    except OSError:
        # A file that may not be read holds nothing for this search.
        return []
    if b"\0" in data or limit <= 0:
        return []
    lines = enumerate(data.decode(errors="replace").splitlines(), 1)
    return [
        f"{name}:{number}: {line.strip()[:LONGEST_LINE]}" for number, line in lines if text in line.lower()
    ][:limit]


def _write(action: Action, path: str, data: bytes) -> None:
    """Write a file in one step: whoever reads it sees the old text or the new one, never half of it."""
    file = edits.landing(action)
    if file.is_dir():
        raise InvalidInput(f"{path} is a folder.")
    file.parent.mkdir(parents=True, exist_ok=True)
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o644
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name[:80]}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(edits.landing(action))
    finally:
        Path(temporary).unlink(missing_ok=True)
