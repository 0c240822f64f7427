"""A small MCP server for tests: ``python -m tests.fakes.mcp_tools stdio`` or ``… http PORT``."""

import asyncio
import os
import sys

from mcp.server.mcpserver import MCPServer

server = MCPServer("tests")


@server.tool()
def add(a: int, b: int) -> str:
    """Add two numbers."""
    return str(a + b)


@server.tool()
def secret_tool() -> str:
    """Do something nobody listed as safe."""
    return "done"


@server.tool()
def fails() -> str:
    """Fail."""
    raise ValueError("on purpose")


@server.tool()
async def sleeps() -> str:
    """Sleep for a long time."""
    await asyncio.sleep(60)
    return "awake"


@server.tool()
def dies() -> str:
    """End the whole server."""
    os._exit(3)


@server.tool()
def environment() -> str:
    """Return the names of the environment's variables."""
    return " ".join(sorted(os.environ))


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run("stdio")
    else:
        server.run("streamable-http", port=int(sys.argv[2]))
