"""What can go wrong with a coding agent."""

from kernel.errors import AgentError, HermesError


class AgentBroke(AgentError):
    """A coding agent could not be used, or stopped in the middle of its work."""


class AgentSilent(AgentError):
    """A coding agent gave no sign of life and was ended."""


class Withdrawn(HermesError):
    """A person stopped the work while it waited for them."""
