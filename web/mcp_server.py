"""The operations as tools of an MCP server, on the official SDK's low-level server; imported on the first request."""

import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from kernel.errors import HermesError, NotFound
from kernel.people import Principal
from kernel.specs import Operation
from web.auth import Visitor
from web.bodies import adapter, parse
from web.errors import code_of

VISITOR = "hermes.visitor"
IDLE = 1800.0
SESSIONS = 100
INSTRUCTIONS = (
    "Hermes puts AI agents within reach of a phone. These tools read its state and send messages to its owner's chats;"
    " they cannot decide approvals, grant anything or change settings."
)

Seen = Callable[[str, str, Visitor], None]
Context = ServerRequestContext[Any, Request]


class McpServer:
    """Serves MCP over streamable HTTP to visitors that the door has let in."""

    def __init__(self, operations: Sequence[Operation], version: str, seen: Seen) -> None:
        self._operations = {tool_name(one): one for one in operations if one.mcp}
        self._seen = seen
        server: Server[Any] = Server(
            "hermes",
            version=version,
            title="Hermes",
            instructions=INSTRUCTIONS,
            on_list_tools=self._list,
            on_call_tool=self._call,
        )
        self._manager = StreamableHTTPSessionManager(
            server, json_response=True, session_idle_timeout=IDLE, max_sessions=SESSIONS
        )

    @asynccontextmanager
    async def run(self) -> AsyncGenerator[None]:
        """Keep sessions while inside."""
        async with self._manager.run():
            yield

    async def serve(self, visitor: Visitor, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a session answers only to the token that opened it."""
        token = AccessToken(token="", client_id=visitor.token.id, scopes=[])
        scope = {**scope, "user": AuthenticatedUser(token), VISITOR: visitor}
        await self._manager.handle_request(scope, receive, send)

    async def _list(self, context: Context, _params: PaginatedRequestParams | None) -> ListToolsResult:
        principal = self._principal(context)
        tools = [_tool(name, one) for name, one in self._operations.items() if principal.may(one.scope)]
        return ListToolsResult(tools=tools, cache_scope="private")

    async def _call(self, context: Context, params: CallToolRequestParams) -> CallToolResult:
        principal = self._principal(context)
        try:
            operation = self._operations.get(params.name)
            if operation is None or not principal.may(operation.scope):
                raise NotFound(f"There is no tool {params.name} for this token.")
            value = parse(operation.input, params.arguments or {})
            return _result(operation, await operation.run(principal, value))
        except HermesError as error:
            return _failure(error)

    def _principal(self, context: Context) -> Principal:
        assert context.request is not None  # noqa: S101 - over HTTP there is always one
        visitor: Visitor = context.request.scope[VISITOR]
        client = context.session.client_params
        if client is not None:
            self._seen(client.client_info.name, client.client_info.version, visitor)
        return visitor.principal


def tool_name(operation: Operation) -> str:
    """Return an operation's name as a tool: clients take letters, digits and ``_``."""
    return operation.name.replace(".", "_")


def _tool(name: str, operation: Operation) -> Tool:
    return Tool(
        name=name,
        title=operation.summary,
        description=operation.summary,
        input_schema=_object_schema(adapter(operation.input).json_schema()),
        output_schema=_object_schema(adapter(operation.output).json_schema(mode="serialization")),
        annotations=ToolAnnotations(
            read_only_hint=operation.method == "GET",
            destructive_hint=operation.method == "DELETE",
            open_world_hint=False,
        ),
    )


def _object_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", **schema}


def _result(operation: Operation, value: Any) -> CallToolResult:
    content = adapter(operation.output).dump_python(value, mode="json")
    text = json.dumps(content, ensure_ascii=False, indent=1)
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=content)


def _failure(error: HermesError) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(type="text", text=f"{code_of(error)}: {error}")], is_error=True
    )
