"""The tool that ends a diagnosis: what it says of the code is compared with the code before anybody hears of it."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from board import working
from board.crew import plans
from board.diagnosis import cases, citations, findings
from board.diagnosis.findings import Confidence, Diagnosis, Evidence
from board.diagnosis.sources import Sources
from board.room import Room
from board.service import Board
from board.workers.agents import SUBMISSION
from board.workspaces import BASE
from kernel.errors import InvalidInput
from kernel.specs import Tool
from kernel.tasks import Attempt, Brief
from kernel.turns import ToolContext
from store import attempts, marks, tasks
from store.units import Query, Unit

NAME = "diagnosis_submit"
# As often a diagnosis is sent back in one attempt; then a person is told that none of them held.
ROUNDS = 4
ROUND = "diagnosis:rounds"
ORDER = (
    "Find the cause by reading the code, which stands at the commit that was reported about. Follow it to the line that"
    " is wrong, and quote what stands there. Change nothing."
)
LONGEST = 5000


class Cited(TypedDict):
    """One piece of evidence."""

    file: Annotated[str, Field(description="The file, from the top of the repository.")]
    line: Annotated[int, Field(description="The line, from 1.")]
    quote: Annotated[str, Field(description="What stands in that line, word for word.")]


@dataclass(frozen=True, slots=True)
class _Asked:
    """The attempt that diagnoses, what its task says, and how often it was sent back."""

    attempt: Attempt
    brief: Brief
    rounds: int


class DiagnosisTool:
    """Takes diagnoses, and sends back those whose evidence does not hold."""

    def __init__(self, room: Room, sources: Sources) -> None:
        self._room = room
        self._sources = sources

    async def diagnosis_submit(
        self,
        context: ToolContext,
        outcome: Annotated[
            Literal["found", "not_found"],
            Field(description="found; not_found where the cause cannot be named, and cause says why."),
        ],
        cause: Annotated[str, Field(description="Why it happens, in a few sentences.", max_length=LONGEST)],
        evidence: Annotated[
            list[Cited], Field(description="Each place that shows it; all are compared with the code.")
        ] = [],  # noqa: B006 - not changed
        confidence: Literal["low", "medium", "high"] = "medium",
        fix: Annotated[str, Field(description="How it would be mended.", max_length=LONGEST)] = "",
        commit: Annotated[
            str, Field(description="The commit that the evidence stands in; empty: the one you were given.")
        ] = "",
    ) -> str:
        """End a diagnosis: the cause, its evidence as file and line with what stands there, and the proposed fix."""
        asked = await self._asked(context)
        if not cause.strip() or (outcome == "found" and not fix.strip()):
            raise InvalidInput("Say what the cause is and how it would be mended.")
        diagnosis = await self._diagnosis(asked, cause, evidence, confidence, fix, commit)
        wrong = await asyncio.to_thread(self._compared, asked, diagnosis, found=outcome == "found")
        if wrong:
            return await self._sent_back(asked, wrong)
        if outcome == "not_found":
            said = {"summary": diagnosis.cause, "outcome": "blocked", "owner": asked.brief.behalf}
            await self._room.database.write(_submit, asked.attempt, said, None)
            return "It counts from the end of this turn; end here."
        said = {"summary": findings.shown(diagnosis), "outcome": "done", "owner": ""}
        await self._room.database.write(_submit, asked.attempt, said, diagnosis)
        return "Every place holds. It counts from the end of this turn; end here."

    async def _asked(self, context: ToolContext) -> _Asked:
        request = context.request
        found = await self._room.database.read(_read, request.session_id, request.id)
        if found is None:
            raise InvalidInput("This conversation diagnoses nothing.")
        return found

    async def _diagnosis(
        self, asked: _Asked, cause: str, evidence: Sequence[Cited], confidence: str, fix: str, commit: str
    ) -> Diagnosis:
        named = commit.strip() or base_of(asked.brief)
        whole = await self._sources.commit_of(Path(asked.brief.project), named)
        if not whole:
            raise InvalidInput(f"There is no commit {named}.", remedy="Leave commit empty: it is known.")
        redact, folder = self._room.redact, f"{asked.attempt.workspace.rstrip('/')}/"
        places = tuple(
            Evidence(
                one["file"].strip().removeprefix(folder).removeprefix("./"),
                one["line"],
                redact(one["quote"]),
            )
            for one in evidence
        )
        said = [redact(text.strip().replace(folder, "")) for text in (cause, fix)]
        return Diagnosis(said[0], places, Confidence(confidence), said[1], whole)

    def _compared(self, asked: _Asked, diagnosis: Diagnosis, *, found: bool) -> list[str]:
        read = self._sources.at(Path(asked.brief.project), diagnosis.commit)
        if found:
            return citations.faults(diagnosis.evidence, (diagnosis.cause, diagnosis.fix), read)
        return citations.loose(diagnosis.cause, read)

    async def _sent_back(self, asked: _Asked, wrong: Sequence[str]) -> str:
        """Say what does not hold; after so many rounds the attempt ends, and nothing of it is shown."""
        last = asked.rounds + 1 >= ROUNDS
        await self._room.database.write(_send_back, asked, len(wrong), last=last)
        if last:
            return "It was sent back too often. Nothing of it is shown; end here."
        told = "\n".join(f"- {one}" for one in wrong)
        raise InvalidInput(f"Sent back, and shown to nobody: {len(wrong)} of its places do not hold.\n{told}")


def base_of(brief: Brief) -> str:
    """Return the commit that a task begins at."""
    named = (label.removeprefix(BASE) for label in brief.labels if label.startswith(BASE))
    return next(named, "HEAD")


def _read(q: Query, session_id: str, turn_id: str) -> _Asked | None:
    attempt = attempts.of_turn(q, session_id, turn_id)
    if attempt is None:
        return None
    task = tasks.get(q, attempt.task_id)
    found = plans.progress(q, task)
    if found is None or found.current.ends_with != NAME:
        return None
    rounds = marks.get(q, _round(attempt))
    return _Asked(attempt, tasks.brief(q, task.id), int(rounds or 0))


def _round(attempt: Attempt) -> str:
    return marks.of_session(attempt.session_id, f"{ROUND}:{attempt.epoch}")


def _send_back(tx: Unit, asked: _Asked, faults: int, *, last: bool) -> None:
    attempt = asked.attempt
    working.held(tx, attempt.task_id, attempt.epoch)
    marks.put(tx, _round(attempt), str(asked.rounds + 1))
    tx.emit(
        "task.sent_back", str(attempt.task_id), actor="system", epoch=attempt.epoch, round=asked.rounds + 1,
        faults=faults,
    )  # fmt: skip
    if last:
        summary = f"The evidence of {ROUNDS} diagnoses did not hold against the code; none of them is shown."
        said = {"summary": summary, "outcome": "blocked", "owner": asked.brief.behalf}
        _put(tx, attempt, said)


def _submit(tx: Unit, attempt: Attempt, said: dict[str, str], diagnosis: Diagnosis | None) -> None:
    working.held(tx, attempt.task_id, attempt.epoch)
    _put(tx, attempt, said)
    if diagnosis is not None:
        cases.keep_found(tx, attempt.task_id, diagnosis)
        tx.emit(
            "task.diagnosed", str(attempt.task_id), actor=attempt.agent, epoch=attempt.epoch,
            commit=diagnosis.commit, places=len(diagnosis.evidence), confidence=str(diagnosis.confidence),
        )  # fmt: skip


def _put(tx: Unit, attempt: Attempt, said: dict[str, str]) -> None:
    text = json.dumps(said, ensure_ascii=False)
    marks.put(tx, marks.of_session(attempt.session_id, f"{SUBMISSION}:{attempt.epoch}"), text)


def planned(plan: plans.Plan, gate: str) -> plans.Plan:
    """Return the bug template as a diagnosis goes through it: checked first, fixed when a person says so, and then
    judged by whoever lets it be pushed.
    """
    first, *rest = plan.stages
    first = replace(first, ends_with=NAME, order=ORDER)
    second = [replace(one, gate=gate) for one in rest[:1]]
    return replace(plan, stages=(first, *second, *rest[1:]), review=True, reviewer=plans.APPROVAL)


def diagnosis_tools(board: Board, sources: Sources) -> Sequence[Tool]:
    """Return the tool of diagnoses."""
    tool = DiagnosisTool(board.room, sources)
    return (
        Tool(NAME, tool.diagnosis_submit, idempotent=True, label=lambda _: "comparing the evidence with the code"),
    )  # fmt: skip
