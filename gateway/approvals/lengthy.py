"""Actions too long for one message: several messages, or a file with the whole and a message with its beginning."""

from collections.abc import Sequence

from approvals.shell.characters import escape
from gateway.approvals import text
from gateway.approvals.scenery import Scenery
from gateway.pieces import pieces
from kernel.approvals import Approval
from kernel.messages import Address, Outbound, OutboundKind

# An action that would take more messages than these is attached as a file.
MOST_MESSAGES = 4


def shown(
    approval: Approval, whole: str, about: str, place: Address, scenery: Scenery, *, action: str = ""
) -> list[Outbound]:
    """Return the messages that show a request with the whole of its action; both texts are without secrets.

    ``whole`` says everything, action included. Where that is more than one message the action has messages of its own
    or a file, and ``about``, which says the rest, stands under them: an edit of the last never touches the action.
    ``action`` is what to show of it where that is not its text.
    """
    adapter = scenery.adapter(place)
    parts = pieces(whole, adapter)
    if len(parts) > 1:
        said = lengthy(approval, scenery.redact(action or approval.action.text), place, scenery)
        return [*said, *(Outbound(place, part) for part in pieces(about, adapter))]
    return [Outbound(place, parts[0])]


def lengthy(approval: Approval, action: str, place: Address, scenery: Scenery) -> Sequence[Outbound]:
    """Return the messages that show the whole of an action; ``action`` is its text without secrets.

    The file is written into the scenery's folder; where there is none, or the platform takes no files, there are
    messages alone.
    """
    adapter = scenery.adapter(place)
    parts = [piece for block in text.blocks(action) for piece in pieces(block, adapter)]
    if len(parts) <= MOST_MESSAGES or not takes_files(place, scenery):
        return [Outbound(place, part) for part in parts]
    beginning = text.fenced(f"{action[: text.ACTION_SHOWN]}…")
    file = filed(
        approval.id, f"request-{approval.short}", f"request `{approval.short}`", action, place, scenery
    )
    return [file, *(Outbound(place, part) for part in pieces(beginning, adapter))]


def takes_files(place: Address, scenery: Scenery) -> bool:
    """Tell whether a long text can be shown in a place as a file."""
    adapter = scenery.adapter(place)
    return scenery.folder is not None and adapter is not None and adapter.capabilities.files


def filed(id: str, name: str, what: str, whole: str, place: Address, scenery: Scenery) -> Outbound:
    """Write a long text into a file and return the message that brings it; raise ValueError without a folder.

    ``id`` names the file here, ``name`` for the person; ``what`` says what is in it.
    """
    if scenery.folder is None:
        raise ValueError("There is no folder for long texts.")
    content = escape(whole, text.UNLIMITED)
    # This may happen twice for one request, and then writes the same again.
    scenery.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = scenery.folder / f"{id}.txt"
    path.write_text(content, encoding="utf-8")
    told = f"The whole of {what} is in this file: {len(content)} characters."
    return Outbound(place, told, OutboundKind.FILE, file=path, file_name=f"{name}.txt")
