"""From any platform to the store: what breaks is set aside by itself, and a store that has trouble is waited for."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any

from gateway.adapter import Link
from kernel.errors import OutcomeUnknown, StoreError
from kernel.messages import Inbound

RAW_LIMIT = 64 * 1024
WAITS = (0.2, 1.0, 2.0, 5.0, 10.0)


def dump(raw: Any) -> str:
    """Return what came over the wire as text of bounded length."""
    return json.dumps(raw, ensure_ascii=True, default=str)[:RAW_LIMIT]


def bad_key(raw: Any, id: object = None) -> str:
    """Return a key that is the same whenever the same malformed thing comes again; ``id`` is its own, if it has one."""
    digest = hashlib.sha256(dump(raw).encode()).hexdigest()[:16]
    return f"u:{digest}" if id is None else f"u:{id}:{digest}"


async def commit(link: Link, batch: Sequence[Inbound]) -> list[Inbound]:
    """Commit messages and return those that are durable; one that breaks the commit by itself is set aside.

    Raises StoreError where nothing more can be committed: then none of the batch may be acknowledged.
    """
    try:
        await link.receive(batch)
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever one message breaks must not hold up the others for ever
        if len(batch) > 1:
            return [stored for message in batch for stored in await commit(link, [message])]
        reason = f"{type(error).__name__} while committing it"
        await link.quarantine(f"x:{batch[0].key}", batch[0].text[:RAW_LIMIT], reason)
        return []
    return list(batch)


async def until_stored(
    link: Link,
    platform: str,
    store: Callable[[], Awaitable[object]],
    restored: Callable[[], None],
    tries: int = 0,
) -> None:
    """Call ``store`` until it raises no StoreError, saying meanwhile where messages wait; then call ``restored``.

    Raises OutcomeUnknown, after which only a new process knows what was committed, and the StoreError of the last of
    ``tries`` (0: without end).
    """
    for attempt in count(1):
        try:
            await store()
        except OutcomeUnknown:
            raise
        except StoreError as error:
            if attempt == tries:
                raise
            link.degraded(f"Messages wait at {platform}: {error}")
            await asyncio.sleep(WAITS[min(attempt, len(WAITS)) - 1])
            link.progress()
        else:
            if attempt > 1:
                restored()
            return
