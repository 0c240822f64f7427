"""Session keys: which conversation a message belongs to."""

from kernel.messages import Address, Inbound


def chat_prefix(address: Address) -> str:
    """Return what every key of a chat begins with."""
    return f"{address.platform}:{address.account}:{address.chat}:"


def session_key(inbound: Inbound, *, shared_groups: bool) -> str:
    """Return the key of the session that answers a message.

    A private chat belongs to its person and a thread to all its members, so neither carries a user id; a group has
    one session per person unless it is shared.
    """
    address = inbound.address
    prefix = chat_prefix(address)
    if address.thread:
        return f"{prefix}thread:{address.thread}"
    if inbound.private or shared_groups:
        return f"{prefix}main"
    return f"{prefix}user:{inbound.sender.id}"


def answer_key(number: int, part: int = 0) -> str:
    """Return the outbox key of a part of the answer to a command, which came in as the inbox's row ``number``."""
    return f"command:{number}:{part}"
