"""The approval gate, wired: its service, its cards and taps in the chats, and the agents it guards."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from agent.tools.terminal.surroundings import user_name
from approvals.digest import unmeasured
from approvals.policy import Policy, Surroundings
from approvals.service import ApprovalService
from approvals.settings import ApprovalSettings
from gateway.approvals import batches, buttons
from gateway.approvals.aftercare import Aftercare
from gateway.approvals.alive import DeadManSignal
from gateway.approvals.batches import Batches
from gateway.approvals.buttons import Buttons
from gateway.approvals.cards import Cards
from gateway.approvals.commands import ApprovalCommands, Parts
from gateway.approvals.forms import CardForms
from gateway.approvals.moving import Moving
from gateway.approvals.scenery import Scenery
from gateway.approvals.taps import CardTaps
from gateway.gateway import Gateway
from hermes.agents import Agents, Caller
from hermes.schema import Settings
from kernel.bus import Bus


@dataclass(frozen=True, slots=True)
class Surrounding:
    """What the gate is told of its place.

    The home, the owner's timezone, what removes secrets from a text, a session's folder, the port that Hermes' own
    interface really has, and what measures the inputs of an action that are no files.
    """

    home: Path
    zone: ZoneInfo
    redact: Callable[[str], str]
    workspace: Callable[[str], Path]
    port: int
    measured: Callable[[str], str] = unmeasured


class Gatekeeping:
    """The gate of one daemon."""

    def __init__(
        self,
        service: ApprovalService,
        cards: Cards,
        alive: DeadManSignal,
        aftercare: Aftercare,
        agents: Agents,
        place: Surrounding,
    ) -> None:
        self.service = service
        self._agents = agents
        self._cards = cards
        self._alive = alive
        self._aftercare = aftercare
        self._place = place

    @classmethod
    async def build(
        cls,
        gateway: Gateway,
        bus: Bus,
        agents: Agents,
        settings: Settings,
        **surrounding: Any,
    ) -> "Gatekeeping":
        """Put the gate together and connect it with the gateway's control lane and with the agents.

        ``surrounding`` are the fields of a ``Surrounding``.
        """
        place = Surrounding(**surrounding)
        database, clock, chosen = gateway.database, gateway.clock, settings.approvals
        keys = await Buttons.load(database)
        scenery = Scenery(
            gateway.adapters,
            place.zone,
            settings.web.public_url,
            place.redact,
            place.home / "media" / "actions",
        )
        cards = Cards(keys, gateway.access, clock, scenery, chosen, gateway.chats.is_group)
        caller = Caller(agents, gateway.access.principal_of, place.workspace)
        service = ApprovalService(
            database, bus, clock, chosen, _policy(settings, place), cards, caller, redact=place.redact
        )
        batch = Batches(database, service, scenery)
        forms = CardForms(database, service, keys, scenery)
        gateway.control.taps[buttons.TAP] = CardTaps(database, service, keys, clock, scenery, forms).tapped
        gateway.control.taps[buttons.FORM_TAP] = forms.filled
        gateway.control.taps[batches.TAP] = batch.tapped
        parts = Parts(database, service, clock, scenery)
        gateway.registry.extend(ApprovalCommands(parts).commands())
        gateway.cancels.append(service.cancel)
        gateway.handoff.moves.travels.append(Moving(cards))
        agents.guard(service)
        alive = DeadManSignal(chosen, lambda: bool(gateway.reporter.health()["alive"]))

        async def alarm(key: str, text: str, platform: str) -> None:
            await gateway.notices.alarm(key, text, not_on=platform)

        return cls(service, cards, alive, Aftercare(database, bus, cards, alarm), agents, place)

    async def open(self, group: asyncio.TaskGroup) -> None:
        """Take up what the last process left; with requests open, what carries them out is loaded beforehand."""
        await self.service.open(group)
        if any(name != "approvals_mode" for name in await self.service.facts()):
            group.create_task(self._agents.preload(), name="agents")
        group.create_task(self._alive.run(), name="dead-man signal")
        group.create_task(self._aftercare.run(), name="cards")

    def configure(self, settings: Settings) -> None:
        """Use new settings; what is asked already keeps what it was asked with."""
        self.service.configure(settings.approvals, _policy(settings, self._place))
        self._cards.configure(settings.approvals)
        self._alive.configure(settings.approvals)

    async def facts(self) -> Mapping[str, Any]:
        """Return what a status says of the gate; trust is a warning for as long as it lasts."""
        facts = dict(await self.service.facts())
        mode = str(facts["approvals_mode"])
        warnings: list[str] = []
        if mode.startswith("trust"):
            warnings.append(f"Approvals: {mode}; medium risk runs unasked.")
        if unshown := await self.service.unshown():
            warnings.append(f"Approvals: {unshown} messages of waiting requests could not be delivered.")
        return {**facts, "warnings": warnings} if warnings else facts


def _policy(settings: Settings, place: Surrounding) -> Policy:
    chosen: ApprovalSettings = settings.approvals
    surroundings = Surroundings(
        str(Path.home()),
        str(place.home),
        user_name(),
        settings.agent.tools.terminal.path,
        port=place.port,
        projects=tuple(str(Path(folder).expanduser()) for folder in settings.workspace.projects),
    )
    return Policy(chosen, surroundings, place.measured)
