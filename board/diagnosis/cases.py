"""Cases: what somebody wants diagnosed, from the report in a channel to the task, its diagnosis and its fix.

A case is kept as marks of the store: small, one writer at a time, and gone through step by step. The work itself is the
task's; its states are the board's.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from board.diagnosis import findings
from board.diagnosis.findings import Diagnosis
from kernel.messages import Address
from store import marks
from store.units import Query, Unit

LABEL = "diagnosis"
TEMPLATE = "bug_fix"
CASE = "diagnosis:case:"
OF_TASK = "diagnosis:task:"
FOUND = "diagnosis:found:"
FIX = "diagnosis:fix:"
FOLDER = "diagnosis:folder:"
CHANNEL = "diagnosis:channel:"


@dataclass(frozen=True, slots=True)
class Report:
    """A message that may be the report: its place, its platform id (empty: unknown), its author, time and text."""

    address: Address
    message_id: str
    author: str
    at: int
    text: str


@dataclass(frozen=True, slots=True)
class Case:
    """One wish for a diagnosis.

    ``place`` is where it was asked for and where answers go, ``channel`` where the report was looked for and ``called``
    what people call that. ``chosen`` is the report's number, -1 while it is open; ``folder`` and ``task`` are empty
    until they are known.
    """

    id: str
    principal: str
    place: Address
    words: str
    channel: Address
    called: str
    reports: tuple[Report, ...]
    chosen: int = -1
    folder: str = ""
    task: int = 0

    @property
    def report(self) -> Report:
        """The report that was chosen."""
        return self.reports[self.chosen]


@dataclass(frozen=True, slots=True)
class Fix:
    """A fix that was tested and is asked about.

    ``version`` is the submission it is of, ``commit`` what would be pushed, ``diff`` the SHA-256 of its difference to
    ``base``; ``name`` is the branch at ``remote``, ``approval`` the request's id, ``tests`` what the tests said.
    """

    version: int
    branch: str
    base: str
    commit: str
    diff: str
    remote: str
    name: str
    approval: str
    tests: str


def find(q: Query, id: str) -> Case | None:
    """Return a case, or ``None``."""
    text = marks.get(q, CASE + id)
    return _case(json.loads(text)) if text else None


def of_task(q: Query, task_id: int) -> Case | None:
    """Return the case that a task was made for, or ``None``."""
    id = marks.get(q, f"{OF_TASK}{task_id}")
    return find(q, id) if id else None


def put(tx: Unit, case: Case) -> None:
    """Store a case as it is now."""
    marks.put(tx, CASE + case.id, json.dumps(asdict(case), ensure_ascii=False))
    if case.task:
        marks.put(tx, f"{OF_TASK}{case.task}", case.id)


def folder_of(q: Query, channel: Address) -> str:
    """Return the folder whose bugs are reported in a channel, or an empty string while nobody has said."""
    return marks.get(q, FOLDER + str(channel.parent))


def keep_folder(tx: Unit, channel: Address, folder: str) -> None:
    """Remember which folder a channel's reports are about."""
    marks.put(tx, FOLDER + str(channel.parent), folder)


def channel_of(q: Query, principal: str) -> str:
    """Return the channel that somebody had searched last, or an empty string."""
    return marks.get(q, CHANNEL + principal)


def keep_channel(tx: Unit, principal: str, channel: Address) -> None:
    """Remember which channel somebody had searched."""
    marks.put(tx, CHANNEL + principal, str(channel))


def found(q: Query, task_id: int) -> Diagnosis | None:
    """Return the diagnosis of a task, or ``None`` while there is none whose evidence held."""
    text = marks.get(q, f"{FOUND}{task_id}")
    return findings.parse(text) if text else None


def keep_found(tx: Unit, task_id: int, diagnosis: Diagnosis) -> None:
    """Store a diagnosis whose evidence holds."""
    marks.put(tx, f"{FOUND}{task_id}", findings.text_of(diagnosis))


def fix_of(q: Query, task_id: int) -> Fix | None:
    """Return the fix of a task that was asked about, or ``None``."""
    text = marks.get(q, f"{FIX}{task_id}")
    return Fix(**json.loads(text)) if text else None


def keep_fix(tx: Unit, task_id: int, fix: Fix) -> None:
    """Store what is asked about."""
    marks.put(tx, f"{FIX}{task_id}", json.dumps(asdict(fix)))


def forget_fix(tx: Unit, task_id: int) -> None:
    """Forget what was asked about: it is tested and asked anew."""
    marks.take(tx, f"{FIX}{task_id}")


def choose(case: Case, number: int) -> Case:
    """Return a case whose report is known."""
    return replace(case, chosen=number)


def _case(given: Mapping[str, Any]) -> Case:
    reports = tuple(
        Report(Address(*one["address"]), one["message_id"], one["author"], one["at"], one["text"])
        for one in given["reports"]
    )
    place, channel = Address(*given["place"]), Address(*given["channel"])
    rest = (given["chosen"], given["folder"], given["task"])
    return Case(
        given["id"], given["principal"], place, given["words"], channel, given["called"], reports, *rest
    )
