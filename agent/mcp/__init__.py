"""MCP servers as a source of tools: connected in the background, offered while they are there."""
