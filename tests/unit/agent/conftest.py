"""What the agent's tests share: ports in memory and a runner on them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.build import AgentPorts, build_runner
from agent.runner import AgentRunner
from agent.settings import AgentSettings
from kernel.clock import SystemClock
from tests.fakes.agent_ports import Ports


@pytest.fixture
def ports() -> Ports:
    """Fresh ports."""
    return Ports()


@pytest.fixture
def make_runner(ports: Ports, tmp_path: Path) -> Callable[..., AgentRunner]:
    """A factory of runners on the same ports, as after a restart."""

    def make(settings: AgentSettings | None = None) -> AgentRunner:
        given = AgentPorts(ports.log, ports.journal, ports.ledger, ports.notes, ports.people, ports.people)
        return build_runner(settings or AgentSettings(), given, home=tmp_path, clock=SystemClock())

    return make


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """An empty workspace."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder
