"""A story of the gate to be killed at any step: a call is asked about, approved and carried out.

``python -m tests.support.kills HOME POINT`` begins the story, or continues where an earlier process ended.
"""

import asyncio
import sys
from pathlib import Path

from kernel.approvals import ApprovedCall, CallResult, How
from kernel.crashpoints import arm
from kernel.turns import Held
from store import sessions
from store.units import Query
from tests.support.gate import OWNER, House, house

# The outbox has stories of its own; here a card is delivered by the test.
STORY = (
    "approval.before_request",
    "approval.after_request",
    "approval.after_tap",
    "approval.after_decision",
    "approval.after_start",
    "approval.after_run",
    "approval.after_result",
)


class Writer:
    """Carries a call out by adding a line to a file."""

    def __init__(self, root: Path) -> None:
        self._file = root / "executions"

    async def call(self, call: ApprovedCall) -> CallResult:
        """Add a line."""
        with self._file.open("a") as file:
            file.write(call.action.text + "\n")
        return CallResult("pushed", 0)


def executions(root: Path) -> int:
    """Return how often the action ran."""
    file = root / "executions"
    return len(file.read_text().splitlines()) if file.exists() else 0


def _place(q: Query) -> tuple[str, str] | None:
    session = sessions.bound(q, "telegram:bot:1:dm")
    row = q.one("SELECT id FROM turn")
    return (session.id, row["id"]) if session and row else None


async def _tell(home: House) -> None:
    """Ask, or find what was asked; approve it where it waits, and see it to its end."""
    try:
        await home.run("git push --force", attempt=1)
    except Held as held:
        found = await home.get(held.id)
    else:
        return
    if found.open:
        await home.deliver()
        await home.service.decide(found.short, OWNER, How.ONCE)
    async with asyncio.timeout(5):
        while (now := await home.get(found.id)).state in ("approved", "running"):
            await home.service.wait(now.id, 1, over=True)
    await home.service.drain(1)


async def main(root: Path, point: str) -> None:
    """Run the story with one crash point armed."""
    home = house(root)
    home.caller = Writer(root)  # pyright: ignore[reportAttributeAccessIssue] - another caller of the same port
    home.session_id = "to be found"
    if not (root / "hermes.db").exists():
        home.session_id = ""
    if point:
        arm(point)
    async with home.open():
        place = await home.database.read(_place)
        assert place is not None
        home.session_id, home.turn_id = place
        await _tell(home)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
