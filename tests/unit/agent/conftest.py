"""What the agent's tests share: ports in memory, a workspace, and a chat with the offline operator."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.agent_ports import Chat, Ports, runner_on


@pytest.fixture
async def ports() -> AsyncIterator[Ports]:
    made = Ports()
    yield made
    await made.processes.close()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
def chat(ports: Ports, tmp_path: Path, workspace: Path) -> Chat:
    return Chat(runner_on(ports, tmp_path), ports, workspace)
