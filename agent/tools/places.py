"""Places: a path given by a model, resolved inside the workspace or refused."""

from pathlib import Path

from kernel.errors import AccessDenied


def inside(workspace: Path, path: str) -> Path:
    """Return the real path of ``path`` below ``workspace``; raise AccessDenied when it leads out of it.

    Links are followed before the check, so a link inside the workspace that points outside is refused.
    """
    if "\0" in path:
        raise AccessDenied("A path holds no zero character.")
    root = workspace.resolve()
    target = (root / path.strip()).resolve()
    if target != root and root not in target.parents:
        raise AccessDenied(f"{path} is outside the workspace.", remedy="Use a path inside the workspace.")
    return target


def shown(workspace: Path, path: Path) -> str:
    """Return a path as people see it: relative to the workspace, folders with a slash."""
    name = path.relative_to(workspace.resolve()).as_posix()
    return f"{name}/" if path.is_dir() else name
