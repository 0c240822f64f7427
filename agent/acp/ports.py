"""What coding agents need from the rooms above."""

from typing import Protocol

from kernel.approvals import Action, Approval


class Decisions(Protocol):
    """The requests that people decide."""

    async def wait(self, id: str, seconds: float) -> Approval:
        """Return a request once nothing is left to happen to it, or as it is when time is up."""
        ...

    async def bind(self, action: Action) -> Action:
        """Return an action bound to all that its effect depends on now."""
        ...

    async def cancel(self, session_id: str) -> None:
        """Withdraw what waits for a decision in a session: nobody is there any more who would hear it."""
        ...
