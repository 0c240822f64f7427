"""REST, MCP and the local page: three projections of the operations that the other rooms declare."""
