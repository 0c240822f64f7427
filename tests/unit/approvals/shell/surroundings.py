"""Where the texts of these tests would run."""

from approvals.shell import Context, classify
from kernel.risk import Tier

CONTEXT = Context(
    cwd="/home/dev/project",
    home="/home/dev",
    hermes_home="/home/dev/.hermes-gateway",
    workspaces=("/home/dev/project",),
)


def tier_of(text: str, context: Context = CONTEXT) -> Tier:
    """Return the tier of a text."""
    return classify(text, context).tier
