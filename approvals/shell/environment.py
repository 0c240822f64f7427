"""Assignments that make a harmless command execute something, and variables that hold secrets."""

import re
from collections.abc import Iterable

from approvals.shell.bench import Walking
from approvals.shell.call import Call
from approvals.shell.marks import is_opaque
from approvals.shell.paths import Zone, locate
from approvals.shell.protect import is_token
from approvals.shell.rules.variables import COMMANDS, LOADS, SAFE_VALUES, SEARCHES
from approvals.shell.uses import run_text
from kernel.risk import Tier

_FUNCTION_EXPORT = re.compile(r"BASH_FUNC_")


def judge_assignments(walk: Walking, call: Call) -> None:
    """Judge the assignments in front of a command."""
    for name, value in call.environment.items():
        judge_assignment(walk, name, value, call)


def judge_assignment(walk: Walking, name: str, value: str, call: Call) -> None:
    """Judge one ``NAME=value`` that a command will see in its environment."""
    piece = f"{name}={value}"
    if name.startswith("HERMES_") and name != "HERMES_HOME":
        walk.add(Tier.MEDIUM, "variable.hermes", "sets a variable of Hermes", piece)
    if _FUNCTION_EXPORT.match(name):
        walk.add(Tier.HIGH, "variable.function", "plants a shell function", piece)
    safe = SAFE_VALUES.get(name)
    if safe is not None and safe.fullmatch(value):
        return
    if name in COMMANDS:
        walk.add(Tier.MEDIUM, f"variable.{name}", "makes other commands run what it names", piece)
        run_text(walk.judge, value, call, name)
    elif name in LOADS or name.startswith(("GIT_CONFIG", "LD_", "DYLD_", "npm_config_", "NPM_CONFIG_")):
        tier = Tier.HIGH if is_opaque(value) or _runs_in_prompt(name, value) else Tier.MEDIUM
        walk.add(tier, f"variable.{name}", "makes other commands load or obey something", piece)
    elif name in SEARCHES:
        _search_path(walk, name, value, call)


def _runs_in_prompt(name: str, value: str) -> bool:
    """Tell whether a prompt's text would be expanded and so run something."""
    return name in {"PS0", "PS1", "PS2", "PS4"} and ("$(" in value or "`" in value)


def _search_path(walk: Walking, name: str, value: str, call: Call) -> None:
    """Search paths inside the workspace are the project's own."""
    context = walk.judge.context(call)
    for piece in value.split(":"):
        place = locate(piece or ".", call.scope.directories[0], context)
        if place.zone not in {Zone.WORKSPACE, Zone.ROOT, Zone.CACHE} and not piece.startswith("\ue000"):
            walk.add(
                Tier.MEDIUM,
                f"variable.{name}",
                "makes other commands load code from elsewhere",
                f"{name}={value}",
            )
            return


def judge_variables(walk: Walking, names: Iterable[str]) -> None:
    """Refuse to hand out Hermes' own secrets."""
    for name in names:
        if is_token(name):
            walk.add(Tier.DENY, "hermes.token", "reads one of Hermes' own secrets", f"${name}")
