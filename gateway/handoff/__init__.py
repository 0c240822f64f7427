"""Handoff: a conversation goes on at another surface, with all that belongs to it."""
