"""What all programs have in common that run the command behind their own options."""

from approvals.shell.rule import Option, Rule, Tier, Use


def wrapper(
    *options: Option,
    operands: tuple[Use, ...] = (Use.COMMAND,),
    tier: Tier = Tier.NONE,
    why: str = "",
) -> Rule:
    """Return the rule of a wrapper; an option that it is not known to have makes it opaque."""
    return Rule(tier, why, options=options, operands=operands, posix=True, strict=True)
