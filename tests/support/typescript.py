"""The coding agent on the protocol's TypeScript SDK, installed once from its lock."""

import asyncio
import hashlib
import shutil
import tempfile
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "fakes" / "acp_typescript"
INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
PATIENCE = 50.0


async def agent() -> tuple[str, str]:
    """Return node and the agent's program, with the locked packages beside it; skip the test where that cannot be."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed; .ci/run installs them")
    digest = hashlib.sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"hermes-acp-typescript-{digest}"
    if not await asyncio.to_thread((folder / "node_modules").is_dir):
        await _install(npm, folder)
    await asyncio.to_thread(shutil.copy, SOURCE / "agent.mjs", folder)
    return node, str(folder / "agent.mjs")


async def _install(npm: str, folder: Path) -> None:
    """Install into a folder of its own and put that in place, so that nobody sees half of it."""
    fresh = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="hermes-acp-"))
    await asyncio.to_thread(shutil.copytree, SOURCE, fresh, dirs_exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        npm, *INSTALL, cwd=fresh, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(PATIENCE):
        said, _ = await process.communicate()
    if process.returncode:
        pytest.skip(f"npm could not install the locked packages: {said.decode()[-300:]}")
    try:
        await asyncio.to_thread(fresh.rename, folder)
    except OSError:
        # Another test run was quicker.
        await asyncio.to_thread(shutil.rmtree, fresh)
