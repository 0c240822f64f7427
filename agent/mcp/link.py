"""One connection to an MCP server; this is the module that loads the SDK (1 s, 69 MiB)."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from mcp import MCPError, StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CONNECTION_CLOSED, REQUEST_TIMEOUT, CallToolResult, TextContent
from mcp_types import Tool as McpTool

from agent.settings import McpServerSettings


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool of a server: ``schema`` is the JSON schema of its arguments."""

    name: str
    description: str
    schema: dict[str, Any]
    idempotent: bool


class Link:
    """An open connection."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def offers(self) -> list[Offer]:
        """Return the server's tools, asked anew."""
        found: list[Offer] = []
        cursor: str | None = None
        while True:
            listed = await self._client.list_tools(cursor=cursor, cache_mode="refresh")
            found.extend(_offer(tool) for tool in listed.tools)
            cursor = listed.next_cursor
            if cursor is None:
                return found

    async def call(self, name: str, arguments: dict[str, Any]) -> str:
        """Call a tool and return its answer as text; a refusal of the server is an answer, a lost connection raises."""
        try:
            return _text(await self._client.call_tool(name, arguments))
        except MCPError as error:
            if error.code == CONNECTION_CLOSED:
                raise
            if error.code == REQUEST_TIMEOUT:
                raise TimeoutError from error
            return f"Failed: {error}"


@asynccontextmanager
async def connect(settings: McpServerSettings) -> AsyncGenerator[Link]:
    """Connect to a server for as long as the context lasts."""
    if settings.command:
        env = {name: value.get_secret_value() for name, value in settings.env.items()}
        started = StdioServerParameters(command=settings.command, args=list(settings.args), env=env)
        # What a server writes to its standard error has no bound and would land on a person's terminal.
        with Path(os.devnull).open("w") as nowhere:  # noqa: ASYNC230 - the null device never blocks
            transport = stdio_client(started, errlog=nowhere)
            async with Client(transport, read_timeout_seconds=settings.timeout) as client:
                yield Link(client)
        return
    headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
    timeout = httpx2.Timeout(settings.timeout, read=None)
    async with httpx2.AsyncClient(headers=headers, timeout=timeout, trust_env=False) as http:
        transport = streamable_http_client(settings.url, http_client=http)
        async with Client(transport, read_timeout_seconds=settings.timeout) as client:
            yield Link(client)


def _offer(tool: McpTool) -> Offer:
    hints = tool.annotations
    again = hints is not None and bool(hints.read_only_hint or hints.idempotent_hint)
    return Offer(tool.name, tool.description or tool.title or "", tool.input_schema, again)


def _text(result: CallToolResult) -> str:
    pieces = [item.text if isinstance(item, TextContent) else f"[{item.type}]" for item in result.content]
    text = "\n".join(pieces) or "(no output)"
    return f"Failed: {text}" if result.is_error else text
