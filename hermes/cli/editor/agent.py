"""Hermes as an editor's agent: its sessions are chats of the daemon, which other surfaces can continue."""

import asyncio
import base64
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import acp
from acp.exceptions import RequestError
from acp.schema import (
    AgentCapabilities,
    Implementation,
    InitializeResponse,
    ListSessionsResponse,
    LoadSessionResponse,
    NewSessionResponse,
    PromptCapabilities,
    PromptResponse,
    SessionCapabilities,
    SessionInfo,
    SessionListCapabilities,
)

from gateway.local import EDITOR
from hermes.cli.editor.conversation import Conversation
from hermes.cli.talk.client import PLATFORM, ChatClient
from hermes.version import VERSION
from kernel.errors import HermesError

PROTOCOL = 1
LISTED = 100


class EditorAgent:
    """Answers one editor (``acp.interfaces.Agent``); ``client(chat)`` opens a chat of the daemon."""

    def __init__(self, client: Callable[[str], ChatClient]) -> None:
        self._client = client
        self._editor: Any = None
        self._open: dict[str, Conversation] = {}

    def on_connect(self, conn: Any) -> None:
        """Take the connection to the editor."""
        self._editor = conn

    async def initialize(self, protocol_version: int, **_: Any) -> InitializeResponse:
        """Say what Hermes can do."""
        del protocol_version
        return InitializeResponse(
            protocol_version=PROTOCOL,
            agent_capabilities=AgentCapabilities(
                load_session=True,
                prompt_capabilities=PromptCapabilities(image=True, embedded_context=True),
                session_capabilities=SessionCapabilities(list=SessionListCapabilities()),
            ),
            agent_info=Implementation(name="hermes", title="Hermes", version=VERSION),
        )

    async def authenticate(self, method_id: str, **_: Any) -> None:
        """Need nothing: whoever can read this home's files is its owner."""
        del method_id

    async def new_session(self, cwd: str, **_: Any) -> NewSessionResponse:
        """Begin a conversation that works in the editor's folder."""
        id = f"{EDITOR}{secrets.token_hex(8)}"
        await self._begin(id, id, cwd)
        return NewSessionResponse(session_id=id)

    async def load_session(self, cwd: str, session_id: str, **_: Any) -> LoadSessionResponse:
        """Continue a conversation, also one that was held elsewhere until now: it moves into the editor."""
        chat = session_id if session_id.startswith(EDITOR) else f"{EDITOR}{secrets.token_hex(8)}"
        if chat != session_id:
            client = self._client(chat)
            try:
                await client.take(session_id)
            except HermesError as error:
                raise _refused(error) from error
            finally:
                await client.close()
        for message in await self._begin(session_id, chat, cwd):
            if message["text"]:
                mine = message["direction"] == "in"
                told = acp.update_user_message_text if mine else acp.update_agent_message_text
                await self._editor.session_update(session_id, told(message["text"]))
        return LoadSessionResponse()

    async def list_sessions(
        self, cwd: str | None = None, cursor: str | None = None, **_: Any
    ) -> ListSessionsResponse:
        """List the conversations of every surface."""
        del cursor
        client = self._client(f"{EDITOR}list")
        try:
            found = await client.sessions(LISTED)
        except HermesError as error:
            raise _refused(error) from error
        finally:
            await client.close()
        return ListSessionsResponse(sessions=[_listed(one, cwd or "/") for one in found])

    async def prompt(self, session_id: str, prompt: list[Any], **_: Any) -> PromptResponse:
        """Say something and stream the answer; requests for approval are put to the editor meanwhile."""
        conversation = self._find(session_id)
        try:
            attachments = [
                await conversation.client.give(
                    f"image-{number}", base64.b64decode(block.data), block.mime_type
                )
                for number, block in enumerate(prompt)
                if block.type == "image"
            ]
            await conversation.prompt("\n\n".join(filter(None, map(_words, prompt))), attachments)
        except HermesError as error:
            raise _refused(error) from error
        return PromptResponse(stop_reason="cancelled" if conversation.stopped else "end_turn")

    async def cancel(self, session_id: str, **_: Any) -> None:
        """Stop what a conversation does."""
        if (conversation := self._open.get(session_id)) is not None:
            await conversation.stop()

    async def ext_method(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Refuse what is not part of the protocol."""
        del params
        raise RequestError.method_not_found(method)

    async def ext_notification(self, method: str, params: dict[str, Any]) -> None:
        """Leave out what is not part of the protocol."""

    async def close(self) -> None:
        """Follow nothing any more; the conversations stay."""
        for conversation in self._open.values():
            await conversation.close()

    def _find(self, session_id: str) -> Conversation:
        if (found := self._open.get(session_id)) is None:
            raise RequestError.resource_not_found(session_id)
        return found

    async def _begin(self, id: str, chat: str, folder: str) -> list[dict[str, Any]]:
        """Follow a chat and let it work in the editor's folder; return what was said there before."""
        if (before := self._open.pop(id, None)) is not None:
            await before.close()
        conversation = self._open[id] = Conversation(id, self._client(chat), self._editor)
        try:
            said = await conversation.open()
            await conversation.quietly(f"/folder {folder}")
        except HermesError as error:
            raise _refused(error) from error
        return said


def _refused(error: HermesError) -> RequestError:
    return RequestError(-32000, str(error))


def _words(block: Any) -> str:
    """Return a part of a prompt as text: what was written, a file's text with its name, or the address of one."""
    if block.type == "text":
        return block.text
    if block.type == "resource_link":
        return f"@{block.uri}"
    text = getattr(block.resource, "text", "") if block.type == "resource" else ""
    return f"{block.resource.uri}:\n```\n{text}\n```" if text else ""


def _listed(session: dict[str, Any], folder: str) -> SessionInfo:
    platform, _, rest = str(session["address"]).partition(":")
    chat = rest.rpartition(":")[2] if platform == PLATFORM else ""
    at = datetime.fromtimestamp(session["active_at"] / 1000, UTC).isoformat()
    id = chat if chat.startswith(EDITOR) else session["id"]
    return SessionInfo(session_id=id, cwd=folder, title=session["title"] or None, updated_at=at)


async def serve(client: Callable[[str], ChatClient], reader: asyncio.StreamReader, writer: Any) -> None:
    """Answer the editor on these streams until it goes."""
    agent = EditorAgent(client)
    try:
        await acp.run_agent(agent, writer, reader)  # pyright: ignore[reportArgumentType]
    finally:
        await agent.close()
