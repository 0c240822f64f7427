"""What was sent of messages that failed in their middle, so that the next try continues there."""

from collections import OrderedDict

KEPT = 512


class Halves:
    """The ids that the platform gave, under each message's nonce."""

    def __init__(self) -> None:
        self._sent: OrderedDict[str, list[str]] = OrderedDict()

    def of(self, nonce: str) -> list[str]:
        """Return the ids of what has been sent of a message, in order, in a list of the caller's own."""
        return list(self._sent.get(nonce, ()))

    def keep(self, nonce: str, sent: list[str], parts: int) -> None:
        """Remember what has been sent of a message of so many parts; forget it once that is all."""
        self._sent.pop(nonce, None)
        if nonce and 0 < len(sent) < parts:
            self._sent[nonce] = sent
        while len(self._sent) > KEPT:
            self._sent.popitem(last=False)
