"""Coding agents over the Agent Client Protocol; nothing of this room is imported before a session has one."""
