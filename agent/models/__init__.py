"""Models: where each provider's class is found, and what stands between an agent and a model that fails."""
