"""The room of diagnoses: its parts, wired to the gateway, the board and the gate."""

import asyncio
from collections.abc import Callable, Sequence

from approvals.service import ApprovalService
from board.diagnosis.running import TestRunner
from board.diagnosis.sources import Sources
from board.diagnosis.tools import diagnosis_tools
from board.service import Board
from gateway.adapter import Adapter
from gateway.diagnosis import buttons
from gateway.diagnosis.buttons import Buttons
from gateway.diagnosis.commands import DiagnosisCommands
from gateway.diagnosis.finding import Finder
from gateway.diagnosis.fixing import Fixer
from gateway.diagnosis.following import Follower
from gateway.diagnosis.service import Diagnoses
from gateway.diagnosis.settings import DiagnosisSettings
from gateway.diagnosis.telling import Teller
from gateway.gateway import Gateway
from kernel.messages import Address
from kernel.specs import Tool


class DiagnosisRoom:
    """Diagnoses of one daemon."""

    def __init__(
        self,
        gateway: Gateway,
        board: Board,
        sources: Sources,
        runner: TestRunner,
        gate: Callable[[], ApprovalService],
    ) -> None:
        self._gateway = gateway
        self._sources = sources
        self._keys = Buttons()

        def adapter(place: Address) -> Adapter | None:
            return gateway.adapters.get((place.platform, place.account))

        room = board.room
        teller = Teller(self._keys, room.redact, adapter, room.home / "diagnosis")
        self._fixer = Fixer(board, sources, runner, teller, gate)
        self._follower = Follower(board, self._fixer, teller)
        finder = Finder(gateway.directory, gateway.reader)
        diagnoses = Diagnoses(board, finder, sources, self._keys, gateway.front.zone, self._follower.note)
        self._commands = DiagnosisCommands(board, diagnoses, self._fixer, teller, self._keys)
        gateway.registry.extend(self._commands.commands())
        gateway.control.taps[buttons.TAP] = self._commands.tapped
        self.tools: Sequence[Tool] = (*self._commands.tools(), *diagnosis_tools(board, sources))

    def configure(self, settings: DiagnosisSettings, runner: TestRunner) -> None:
        """Use new settings; ``runner`` runs tests as they say."""
        self._fixer.settings, self._fixer.runner = settings, runner
        self._sources.configure(runner.environment)

    async def open(self, group: asyncio.TaskGroup) -> None:
        """Learn the key of this home, and follow what is under way."""
        await self._keys.load(self._gateway.database)
        await self._follower.open(self._gateway.front.bus, group)

    def close(self) -> None:
        """Hear of nothing more."""
        self._follower.close()
