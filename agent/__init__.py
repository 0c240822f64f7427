"""Agents: models, tools, conversations, and the operator that works without a model; no database."""
