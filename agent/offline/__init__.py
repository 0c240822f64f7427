"""The offline operator: a small command language on the agent's own tools, for a machine without a model."""
