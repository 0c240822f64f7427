"""The surfaces of approvals on a loopback port: a real gate and store behind the real page, API and commands."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from approvals.operations import operations
from approvals.service import ApprovalService
from hermes import daemon
from hermes.daemon import DaemonInfo
from hermes.home import Home
from hermes.redaction import Redactor
from kernel.bus import Bus
from kernel.clock import Clock
from kernel.people import Role, Scope
from kernel.specs import Operation
from store.database import Database
from store.lock import HomeLock
from store.tokens import TokenKind
from tests.fakes.web_site import Site, running_site
from tests.support.gate import House, house

SECRET = "planted-secret-4711"
PROGRAM = Path(sys.executable).with_name("hermes")
APPROVALS = "/api/hermes/approvals"


@dataclass
class ApprovalSite:
    """A running site with a gate; ``house`` is the agent's side of it."""

    site: Site
    house: House

    @property
    def service(self) -> ApprovalService:
        """The gate."""
        return self.house.service

    async def client(
        self, *scopes: Scope, role: Role = Role.OWNER, kind: TokenKind = TokenKind.API
    ) -> httpx.AsyncClient:
        """Return the client of a program with a token of its own."""
        return self.site.client(await self.site.token(*scopes, role=role, kind=kind))

    async def decider(self) -> httpx.AsyncClient:
        """Return the client of somebody who may decide."""
        return await self.client(Scope.APPROVALS_READ, Scope.APPROVALS_DECIDE)

    async def asker(self, role: Role = Role.USER) -> httpx.AsyncClient:
        """Return the client of a program that may only ask."""
        return await self.client(Scope.APPROVALS_ASK, Scope.READ, role=role)

    async def command(self, *words: str, given: bytes = b"", cwd: Path | None = None) -> tuple[int, str, str]:
        """Run ``hermes …`` on this home; return its exit code, standard output and standard error."""
        process = await self.launch(*words, cwd=cwd)
        out, err = await process.communicate(given)
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def launch(self, *words: str, cwd: Path | None = None) -> asyncio.subprocess.Process:
        """Start ``hermes …`` on this home."""
        return await asyncio.create_subprocess_exec(
            PROGRAM,
            *words,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.house.root),
                "HERMES_HOME": str(self.site.home),
            },
            cwd=cwd or self.house.workspace,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def waiting(self, count: int = 1) -> list[dict[str, Any]]:
        """Wait until so many requests wait for a decision, and return them."""
        async with await self.decider() as client:
            while True:
                found = (await client.get(APPROVALS)).json()["approvals"]
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.02)

    async def decide(self, id: str, decision: str = "approve", **more: Any) -> httpx.Response:
        """Decide as somebody who may."""
        async with await self.decider() as client:
            return await client.post(f"{APPROVALS}/{id}", json={"decision": decision, **more})


@asynccontextmanager
async def approval_site(root: Path, *, again: bool = False, **settings: Any) -> AsyncGenerator[ApprovalSite]:
    """Serve a gate until the block ends, with a turn of an agent that may be held; ``again`` is after a restart."""
    agents = house(root, **settings)
    redact = Redactor([SECRET])

    def offered(database: Database, bus: Bus, clock: Clock) -> Sequence[Operation]:
        agents.database = database
        agents.service = ApprovalService(
            database, bus, clock, agents.settings, agents.policy(), agents.cards, agents.caller, redact=redact
        )
        bus.listen("", agents.events.append)
        return operations(agents.service, database, clock, redact)

    home = Home(root / "home" / ".hermes")
    async with running_site(home.root, operations=offered) as site:
        if not again:
            agents.session_id, agents.turn_id = await agents.begin_turn()
        token = await site.token(kind=TokenKind.CLI)
        group = asyncio.TaskGroup()
        with HomeLock.acquire(home.root, "gateway"):
            daemon.publish(home, DaemonInfo(os.getpid(), site.url, token, "1.2.3"))
            async with group:
                await agents.service.open(group)
                yield ApprovalSite(site, agents)
                await agents.service.drain(5)
