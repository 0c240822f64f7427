"""Assignments as a shell carries them out: what a value is, and what is known of a variable afterwards."""

from approvals.shell.call import Call
from approvals.shell.expand import Expander
from approvals.shell.scope import Scope
from approvals.shell.tree import Assignment


def value_of(found: Assignment, expander: Expander, scope: Scope) -> str:
    """Return what is assigned, in marked text; the elements of an array stand on lines of their own."""
    if found.subscript is not None:
        expander.scan(found.subscript, scope, arithmetic=True)
    if found.value is None:
        return ""
    if found.array:
        return "\n".join(expander.elements(found.value, scope))
    return expander.value(found.value, scope)


def assign(found: Assignment, call: Call) -> None:
    """Note in the command's scope what an assignment does there."""
    value, scope = call.environment[found.name], call.scope
    if found.subscript is not None:
        scope.forget(found.name)
    elif found.array:
        known = scope.arrays.get(found.name, ()) if found.append else ()
        scope.forget(found.name)
        scope.arrays[found.name] = known + tuple(value.split("\n")) if value else known
    elif found.append:
        scope.assign(found.name, scope.value(found.name) + value)
    else:
        scope.assign(found.name, value)
