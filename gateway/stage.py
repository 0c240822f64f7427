"""The stage of a running turn: what the person sees while it works, and what reaches it meanwhile.

All of it is transient: nothing here is owed, and everything is dropped first when a platform limits the rate.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.adapter import Adapter, Drafts, Mark, Reactions, Streaming, Typing, ability
from gateway.progress import Bubble, Keeper
from gateway.rates import Gate
from kernel.clock import Clock
from kernel.errors import HermesError
from kernel.messages import Address
from kernel.turns import TurnInput

log = logging.getLogger(__name__)

FIRST_SIGN_SECONDS = 0.6
TYPING_SECONDS = 4.5
TAIL = 3000


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a turn plays: its address and the message it answers; ``quiet`` shows nothing while it works."""

    address: Address
    message_id: str
    group: bool
    quiet: bool
    verbose: bool
    silent_after: float


class Stage:
    """Shows a turn's progress (a ``TurnIO``): drafts or an edited bubble, typing, reactions; collects steering."""

    def __init__(
        self,
        scene: Scene,
        adapter: Adapter,
        gate: Gate,
        clock: Clock,
        *,
        draft_id: int,
        keeper: Keeper,
    ) -> None:
        self.stop = asyncio.Event()
        self.stopped_by = ""
        self._scene = scene
        self._adapter = adapter
        self._gate = gate
        self._clock = clock
        self._draft_id = draft_id
        self._bubble = Bubble(scene.address, adapter, keeper, clock)
        self._text: list[str] = []
        self._activities: deque[str] = deque(maxlen=50)
        self._steering: deque[TurnInput] = deque()
        self._steered = asyncio.Event()
        self._changed = asyncio.Event()
        self._drafts = adapter.capabilities.streaming is Streaming.DRAFT
        self._shown = ""
        self._seen = False
        self._hushed = False
        self._sign_of_life = clock.monotonic()

    def hush(self) -> None:
        """Show nothing of what is said and done from now on."""
        self._hushed = True

    def text(self, delta: str) -> None:
        """Show a piece of the answer as it is written."""
        self._text.append(delta)
        self._sign()

    def activity(self, label: str) -> None:
        """Say what the agent does now."""
        self._activities.append(label)
        self._sign()

    def _sign(self) -> None:
        self._sign_of_life = self._clock.monotonic()
        self._changed.set()

    def offer(self, item: TurnInput) -> None:
        """Hand a message to the running turn."""
        self._steering.append(item)
        self._steered.set()

    def steering(self) -> Sequence[TurnInput]:
        """Take the messages that arrived since the last call."""
        taken = tuple(self._steering)
        self._steering.clear()
        self._steered.clear()
        return taken

    async def steered(self) -> None:
        """Wait until a message arrived."""
        await self._steered.wait()

    def halt(self, actor: str) -> None:
        """Ask the turn to stop."""
        self.stopped_by = actor
        self.stop.set()

    @property
    def doing(self) -> str:
        """What the agent does now, in a few words."""
        return self._activities[-1] if self._activities else "thinking"

    async def show(self) -> None:
        """Keep the person informed until cancelled."""
        await asyncio.sleep(FIRST_SIGN_SECONDS)
        await self._mark(Mark.SEEN)
        self._seen = True
        typed = -TYPING_SECONDS
        while True:
            self._changed.clear()
            now = self._clock.monotonic()
            if now - typed >= TYPING_SECONDS:
                typed = now
                await self._typing()
            await self._refresh()
            await self._pause()

    async def _pause(self) -> None:
        await asyncio.sleep(self._adapter.capabilities.edit_interval)
        try:
            async with asyncio.timeout(TYPING_SECONDS):
                await self._changed.wait()
        except TimeoutError:
            return

    def _rendered(self) -> str:
        lines: list[str] = []
        silent = self._clock.monotonic() - self._sign_of_life
        if self._activities:
            kept = list(self._activities) if self._scene.verbose else [self.doing]
            lines += [f"⚙️ {label}" for label in kept]
        if silent >= self._scene.silent_after:
            lines.append(
                f"⏳ Still at it: {self.doing}, no sign of life for {int(silent // 60)} min. /stop ends it."
            )
        text = "".join(self._text)
        return "\n".join(lines) + ("\n\n" if lines and text else "") + text[-TAIL:]

    async def _refresh(self) -> None:
        text = self._rendered()
        if not text or text == self._shown or self._scene.quiet or self._hushed:
            return
        if not self._gate.try_acquire(self._scene.address, group=self._scene.group):
            return
        try:
            self._shown = await self._display(text)
        except HermesError as error:
            log.debug("Progress was not shown: %s", error)

    async def _display(self, text: str) -> str:
        drafts = ability(self._adapter, Drafts) if self._drafts else None
        if drafts is not None:
            try:
                await drafts.draft(self._scene.address, self._draft_id, text)
            except HermesError as error:
                log.debug("Drafts are not possible here: %s", error)
                self._drafts = False
            else:
                return text
        return await self._bubble.show(text, f"⚙️ {self.doing}")

    async def _typing(self) -> None:
        typing = ability(self._adapter, Typing)
        if typing is None or not self._gate.try_acquire(self._scene.address, group=self._scene.group):
            return
        try:
            await typing.typing(self._scene.address)
        except HermesError as error:
            log.debug("Typing was not shown: %s", error)

    async def _mark(self, mark: Mark) -> None:
        reactions = ability(self._adapter, Reactions)
        if reactions is None or not self._scene.message_id:
            return
        try:
            await reactions.react(self._scene.address, self._scene.message_id, mark)
        except HermesError as error:
            log.debug("A reaction was not shown: %s", error)

    async def settle(self) -> None:
        """Show no more of the answer: what is on its way arrives first."""
        await self._bubble.settle()

    def replaced(self) -> str:
        """Return the id of the bubble that the final text replaces, or an empty string where a new message rings."""
        return self._bubble.replaced()

    async def clear(self, *, good: bool, replaced: str) -> None:
        """Remove what is left of the progress once the turn has ended."""
        await self._bubble.burst(replaced)
        if self._seen:
            await self._mark(Mark.DONE if good else Mark.FAILED)
