"""Fills a home with requests that wait for a decision: ``python -m benchmarks.crowd HOME COUNT``."""

import asyncio
import secrets
import sys
from pathlib import Path

from kernel.approvals import Action, ActionKind, Approval, Runs, arguments_text, digest
from kernel.bus import Bus
from kernel.clock import SystemClock
from kernel.messages import Address, Button, Outbound, Receipt
from kernel.risk import Reason, Tier
from kernel.transitions import APPROVAL
from store import approval_cards, approvals, outbox
from store.database import Database
from store.outbox import OutboxRow, Owed
from store.units import Unit

BATCH = 500
WEEK = 7 * 86_400_000
CHAT = Address("telegram", "1", "5000")
ASKER = "agent:s_crowd"


def request(number: int, now: int) -> Approval:
    """Return a request as an agent asks it."""
    text = f"rm notes-{number}.txt"
    action = Action(
        ActionKind.TERMINAL, "terminal", arguments_text({"command": text}), text, cwd="/work", host="box"
    )
    return Approval(
        id=secrets.token_hex(16),
        short="",
        state=APPROVAL.initial,
        requester=ASKER,
        behalf="telegram:5000",
        origin=CHAT,
        session_id="",
        turn_id="",
        call_key="",
        action=action,
        digest=digest(action, ASKER),
        tier=Tier.MEDIUM,
        reasons=(Reason(Tier.MEDIUM, "rm.file", "deletes a file of the workspace", text),),
        consequence="This command deletes a file of the workspace.",
        runs=Runs.HERE,
        created_at=now,
        expires_at=now + WEEK,
    )


def ask(tx: Unit, numbers: range) -> None:
    """Store requests with their delivered cards."""
    for number in numbers:
        stored = approvals.ask(tx, request(number, tx.now), (f"q{number}",), None)
        button = Button("Approve", f"a:{stored.id}:once:0")
        card = Outbound(CHAT, stored.action.text, buttons=((button,),))
        approval_cards.add(tx, stored.id, [Owed(f"approval:{stored.id}:card:0:{CHAT}:0", card)])
        row = outbox.claim(tx, CHAT)
        if isinstance(row, OutboxRow):
            outbox.confirm(tx, row.id, Receipt((str(number),)))


async def main(home: Path, count: int) -> None:
    """Fill a home's store."""
    database = await Database.open(home / "hermes.db", clock=SystemClock(), bus=Bus())
    for start in range(0, count, BATCH):
        await database.write(ask, range(start, min(start + BATCH, count)))
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
