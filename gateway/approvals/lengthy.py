"""Actions too long for one message: several messages, or a file with the whole and a message with its beginning."""

from collections.abc import Sequence
from pathlib import Path

from approvals.shell.characters import escape
from gateway.adapter import Adapter
from gateway.approvals import text
from gateway.pieces import pieces
from kernel.approvals import Approval
from kernel.messages import Address, Outbound, OutboundKind

# An action that would take more messages than these is attached as a file.
MOST_MESSAGES = 4


def lengthy(
    approval: Approval, action: str, place: Address, adapter: Adapter | None, folder: Path | None
) -> Sequence[Outbound]:
    """Return the messages that show the whole of an action; ``action`` is its text without secrets.

    The file is written into ``folder``; where there is none, or the platform takes no files, there are messages alone.
    """
    parts = [piece for block in text.blocks(action) for piece in pieces(block, adapter)]
    if len(parts) <= MOST_MESSAGES or folder is None or adapter is None or not adapter.capabilities.files:
        return [Outbound(place, part) for part in parts]
    shown = escape(action, text.UNLIMITED)
    # This may happen twice for one request, and then writes the same again.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{approval.id}.txt"
    path.write_text(shown, encoding="utf-8")
    told = f"The whole of request `{approval.short}` is in this file: {len(shown)} characters."
    name = f"request-{approval.short}.txt"
    beginning = text.fenced(f"{action[: text.ACTION_SHOWN]}…")
    return [
        Outbound(place, told, OutboundKind.FILE, file=path, file_name=name),
        *(Outbound(place, part) for part in pieces(beginning, adapter)),
    ]
