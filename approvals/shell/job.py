"""What a handler is given: one program with its rule and arguments, and the judge to report to."""

from dataclasses import dataclass

from approvals.shell.bench import Judging
from approvals.shell.call import Call
from approvals.shell.rule import Rule


@dataclass(frozen=True, slots=True)
class Job:
    """``label`` is the program with its sub-commands so far, ``args`` what follows them."""

    judge: Judging
    rule: Rule
    label: str
    args: list[str]
    call: Call
