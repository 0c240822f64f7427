"""Asking a platform whether it takes the credentials that are set, for set-up and doctor."""

import asyncio
from typing import Any, Protocol, runtime_checkable

from gateway.adapter import Adapter, Probe, Probes, ability
from hermes import plugins
from kernel.clock import SystemClock
from kernel.errors import PlatformUnavailable

PROBE_SECONDS = 25.0


@runtime_checkable
class _Closes(Protocol):
    async def close(self) -> None: ...


def probe(name: str, section: Any) -> Probe | None:
    """Ask the platform with these settings; ``None`` where its adapter cannot ask.

    Raises PlatformUnauthorised for refused credentials, PlatformUnavailable for no answer. Not to be called in an
    event loop: it runs one of its own.
    """
    spec = plugins.load(plugins.PLATFORMS[name])
    adapter: Adapter = plugins.load(spec.adapter)(section, SystemClock())
    return asyncio.run(_asked(adapter, spec.title))


async def _asked(adapter: Adapter, title: str) -> Probe | None:
    probes = ability(adapter, Probes)
    if probes is None:
        return None
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            return await probes.probe()
    except TimeoutError:
        raise PlatformUnavailable(f"{title} does not answer.") from None
    finally:
        await _closed(adapter)


async def _closed(adapter: Adapter) -> None:
    """Close what the adapter opened for its question; its ``run``, which would have closed it, never ran."""
    if isinstance(adapter, _Closes):
        await adapter.close()
