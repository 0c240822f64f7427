"""The terminal as a surface: a client of the chat endpoints."""
