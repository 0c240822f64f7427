"""``/handoff``."""

from collections.abc import Sequence

from gateway.handoff.service import Handoffs
from gateway.handoff.targets import Asker
from gateway.keys import answer_key
from kernel.errors import InvalidInput
from kernel.specs import Command, CommandCall, CommandReply

USAGE = "<platform | platform:chat[:thread] | me> [note] [--when-idle]"
WHEN_IDLE = "--when-idle"
CANCEL = "cancel"


class HandoffCommands:
    """The command that sends a conversation elsewhere."""

    def __init__(self, handoffs: Handoffs) -> None:
        self._handoffs = handoffs

    def commands(self) -> Sequence[Command]:
        """Return the commands in the order of the help."""
        return (
            Command(
                "handoff", "Continue this conversation on another platform or chat.", self.handoff, USAGE
            ),
        )

    async def handoff(self, call: CommandCall) -> CommandReply:
        """Ask for the conversation to be handed over, or withdraw that."""
        to, note, when_idle = read(call.args)
        if not to:
            raise InvalidInput("Where to?", remedy=f"/handoff {USAGE}")
        if to == CANCEL:
            await self._handoffs.cancel(call.session_id, call.principal.id)
            return CommandReply("")
        asker = Asker(call.principal, call.address)
        told = answer_key(call.inbox_id)
        if not await self._handoffs.done(told):
            await self._handoffs.request(asker, call.session_id, to, note, when_idle=when_idle, told=told)
        return CommandReply("")


def read(args: str) -> tuple[str, str, bool]:
    """Return target, note and whether to wait for the agent to be idle, as they were typed."""
    given = args.split()
    when_idle = WHEN_IDLE in given
    rest = [word for word in given if word != WHEN_IDLE]
    return (rest[0] if rest else ""), " ".join(rest[1:]), when_idle
