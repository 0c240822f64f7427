"""A coding agent at work for one session: its process, its connection, and the prompt that is under way."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acp.core import ClientSideConnection
from acp.exceptions import RequestError
from acp.schema import (
    ClientCapabilities,
    FileSystemCapabilities,
    Implementation,
    InitializeResponse,
    LoadSessionResponse,
    NewSessionResponse,
    PromptResponse,
    ResumeSessionResponse,
)

from agent.acp import modes
from agent.acp.client import Client
from agent.acp.errors import AgentBroke
from agent.acp.process import AgentProcess
from agent.acp.profiles import VERSION
from agent.acp.words import BROKE, LOGGED_OUT, OTHER_VERSION
from agent.settings import AcpAgentSettings

AUTH_REQUIRED = -32000


@dataclass(slots=True)
class Opened:
    """A session of the agent: its id, whether it is the one that was wished for, and the modes it offers."""

    id: str
    resumed: bool
    modes: modes.Modes


class Live:
    """A running agent; ``prompt`` is the one under way, ``hello`` what it said about itself."""

    def __init__(self, name: str, settings: AcpAgentSettings, process: AgentProcess, client: Client) -> None:
        self.name = name
        self.client = client
        self.prompt: asyncio.Task[PromptResponse] | None = None
        self.hello: InitializeResponse | None = None
        self._settings = settings
        self._process = process
        self._frames = process.frames
        self._connection: Any = ClientSideConnection(client, process.frames)

    @classmethod
    async def start(
        cls,
        name: str,
        settings: AcpAgentSettings,
        environment: Mapping[str, str],
        folder: Path,
        client: Client,
    ) -> "Live":
        """Start the program and agree on the protocol; raise AgentBroke."""
        live = cls(name, settings, await AgentProcess.start(name, settings, environment, folder), client)
        try:
            await live._greet()
        except BaseException:
            await live.close()
            raise
        return live

    async def _greet(self) -> None:
        offered = ClientCapabilities(
            fs=FileSystemCapabilities(read_text_file=True, write_text_file=True), terminal=True
        )
        hello: InitializeResponse = await self._asked(
            self._connection.initialize(
                VERSION, offered, client_info=Implementation(name="hermes", title="Hermes", version="1")
            ),
            "said hello",
        )
        self.hello = hello
        if hello.protocol_version != VERSION:
            raise AgentBroke(
                f"{self.name} speaks version {hello.protocol_version} {OTHER_VERSION} {VERSION}.",
                remedy=f"Install another version: {self._settings.install}" if self._settings.install else "",
            )

    @property
    def alive(self) -> bool:
        """Whether its process can still be spoken to."""
        return not self._process.gone.is_set() and not self._frames.broken

    @property
    def takes_images(self) -> bool:
        """Whether it offers to look at images."""
        offered = self.hello.agent_capabilities if self.hello else None
        return bool(offered and offered.prompt_capabilities and offered.prompt_capabilities.image)

    async def open(self, folder: Path, known: str) -> Opened:
        """Take up the agent's session ``known`` where it can, else begin one; raise AgentBroke."""
        if known and (taken := await self._taken_up(folder, known)) is not None:
            return taken
        begun: NewSessionResponse = await self._asked(
            self._connection.new_session(str(folder), mcp_servers=[]), "opened a session"
        )
        return Opened(begun.session_id, resumed=False, modes=modes.of(self.name, begun.modes))

    async def _taken_up(self, folder: Path, known: str) -> Opened | None:
        offered = self.hello.agent_capabilities if self.hello else None
        if offered is None:
            return None
        way: Any = None
        if offered.session_capabilities and offered.session_capabilities.resume:
            way = self._connection.resume_session(cwd=str(folder), session_id=known, mcp_servers=[])
        elif offered.load_session:
            way = self._connection.load_session(cwd=str(folder), session_id=known, mcp_servers=[])
        if way is None:
            return None
        try:
            response: LoadSessionResponse | ResumeSessionResponse | None = await self._asked(
                way, "took a session up", refusable=True
            )
        except RequestError:
            # It has forgotten the session: another one is begun, and the person is told.
            return None
        there = modes.of(self.name, response.modes if response is not None else None)
        return Opened(known, resumed=True, modes=there)

    async def change_mode(self, id: str, mode: str) -> None:
        """Let one of its sessions go on in another mode; raise AgentBroke."""
        await self._asked(
            self._connection.set_session_mode(session_id=id, mode_id=mode),
            "changed its mode",
        )

    async def _asked(self, answer: Any, what: str, *, refusable: bool = False) -> Any:
        """Wait for an answer of the beginning; explain every way in which it may fail to come."""
        try:
            async with asyncio.timeout(self._settings.start):
                return await answer
        except TimeoutError as error:
            raise AgentBroke(
                f"{self.name} has not {what} within {self._settings.start:g} seconds."
            ) from error
        except RequestError as error:
            if refusable:
                raise
            raise self.refused(error) from error
        except (ConnectionError, ValueError) as error:
            raise await self.broken(error) from error

    def refused(self, error: RequestError) -> AgentBroke:
        """Return the explanation of an error that the agent answered with."""
        if error.code == AUTH_REQUIRED and "uthent" in str(error):
            how = (
                f"Log in with: {self._settings.login}" if self._settings.login else "Log in with its program."
            )
            return AgentBroke(f"{self.name} {LOGGED_OUT}.", remedy=how)
        detail = error.data.get("details", "") if isinstance(error.data, dict) else ""
        said = " ".join(f"{error} {detail}".split())[:300]
        return AgentBroke(f"{self.name} answered with an error: {said}", remedy="/retry tries again.")

    async def broken(self, error: Exception) -> AgentBroke:
        """Return the explanation of a connection that ended or of an answer that is none."""
        if isinstance(error, ConnectionError):
            with contextlib.suppress(TimeoutError):
                # The end of the process, and its last words, come a moment after that of its output.
                async with asyncio.timeout(0 if self._frames.broken else 1.0):
                    await self._process.gone.wait()
            return AgentBroke(f"{self.name} {BROKE}: {self._process.ending()}", remedy="/retry tries again.")
        return AgentBroke(
            f"{self.name} gave an answer that is not of the protocol.", remedy="/retry tries again."
        )

    def send(self, session_id: str, blocks: Sequence[Any]) -> None:
        """Begin a prompt."""
        self._frames.refresh()
        self.prompt = asyncio.ensure_future(  # noqa: TID251 - kept here, ended by close
            self._connection.prompt(session_id=session_id, prompt=list(blocks))
        )

    @property
    def silence(self) -> float:
        """Seconds it may be silent."""
        return self._settings.silence

    @property
    def keep(self) -> float:
        """Seconds it is kept while idle."""
        return self._settings.keep

    @property
    def signs(self) -> int:
        """How many frames have come since the prompt began."""
        return self._frames.signs

    async def cancel(self, session_id: str) -> None:
        """Ask it to stop; the prompt ends soon after, or is ended with the process."""
        with contextlib.suppress(ConnectionError, OSError):
            await self._connection.cancel(session_id=session_id)

    async def close(self) -> None:
        """End the process, and with it everything that waits for an answer."""
        await self.client.close()
        if self.prompt is not None:
            self.prompt.cancel()
            await asyncio.wait((self.prompt,))
            if not self.prompt.cancelled():
                # It ended in the same moment; how does not matter any more.
                self.prompt.exception()
        with contextlib.suppress(ConnectionError, OSError):
            # An answer to it that nobody reads any more.
            await self._connection.close()
        await self._process.close()
