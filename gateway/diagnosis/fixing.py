"""From a fix to a pushed branch: tested as it is, shown whole, and pushed only as the approval says.

What is asked about is a commit and the SHA-256 of everything it changes. Whatever changes after that makes the request
void; then the fix is tested and asked about anew. A push that a crash interrupted is looked for at the remote, and made
where it is not there: one commit at one name, twice is the same as once.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from approvals.service import ApprovalService
from board import deciding, workspaces
from board.diagnosis import cases, testing
from board.diagnosis.cases import Case, Fix
from board.diagnosis.running import Tested, TestRunner
from board.diagnosis.sources import GitFailed, Sources, diff_name
from board.diagnosis.tools import base_of
from board.service import Board
from gateway.diagnosis import words
from gateway.diagnosis.settings import DiagnosisSettings
from gateway.diagnosis.telling import Teller
from kernel.approvals import Action, ActionKind, Approval, arguments_text
from kernel.crashpoints import crashpoint
from kernel.errors import HermesError, Stale, StoreError
from kernel.people import Principal, Role
from kernel.risk import Tier
from kernel.states import ApprovalState, TaskState
from kernel.tasks import Attempt, Brief, Task
from store import approvals, attempts, remarks, submissions, tasks
from store.submissions import Submission
from store.units import Query, Unit

TOOL = "fix_push"
MINUTE = 60
OPEN = (ApprovalState.PENDING, ApprovalState.HELD)
BEGUN = (ApprovalState.RUNNING, ApprovalState.UNKNOWN)
REFUSED = (ApprovalState.REFUSED, ApprovalState.EXPIRED, ApprovalState.CANCELLED)


def asker(task_id: int) -> Principal:
    """Return who asks whether a fix may be pushed: nobody who could decide it."""
    return Principal(f"task:{task_id}", Role.NONE)


class Fixer:
    """Takes each fix that waits one step further."""

    def __init__(
        self,
        board: Board,
        sources: Sources,
        runner: TestRunner,
        teller: Teller,
        gate: Callable[[], ApprovalService],
    ) -> None:
        self._board = board
        self._room = board.room
        self._sources = sources
        self.runner = runner
        self._teller = teller
        self._gate = gate
        self.settings = DiagnosisSettings()

    async def look(self, case: Case, task: Task) -> str:
        """Take a task whose fix waits one step further; return the request it waits for, or an empty string."""
        brief, version, fix, asked = await self._room.database.read(_read, task.id)
        if version is None or version.verdict:
            return ""
        try:
            if fix is None or fix.version != version.version:
                return "" if deciding.escalated(task) else await self._prepare(case, task, brief, version)
            return await self._decided(case, task, brief, fix, asked)
        except (Stale, StoreError):
            raise
        except HermesError as error:
            await self._ask_person(task, f"The fix could not be pushed: {error.message}")
        return ""

    async def close(self, task: Task) -> None:
        """Take back what is still asked about a task whose fix waits no more."""
        _, _, _, asked = await self._room.database.read(_read, task.id)
        if asked is not None and asked.open:
            await self._gate().withdraw(asked.id, asker(task.id), f"Task {task.id} is {task.state}.")

    async def tidy(self, task: Task) -> None:
        """Remove the worktrees of a task that is over, and the branches without a commit; what somebody did stays."""
        brief, made = await self._room.database.read(_made, task.id)
        for attempt in made:
            await workspaces.tidy(self._room, attempt, brief.project)
            branch = workspaces.branch_of(task.id, attempt.epoch)
            await self._sources.forget_empty(Path(brief.project), branch, base_of(brief))

    # Before it is asked

    async def _prepare(self, case: Case, task: Task, brief: Brief, version: Submission) -> str:
        project, base = Path(brief.project), base_of(brief)
        branch = workspaces.branch_of(task.id, version.epoch)
        worktree = self._room.worktrees / f"{task.id}-{version.epoch}"
        await self._sources.keep_rest(worktree, f"Fix: {words.line(task.title)}")
        commit = await self._sources.commit_of(project, branch)
        if not commit:
            raise GitFailed(f"The branch {branch} is gone.")
        diff, hashed, stat = await self._sources.changes(project, base, commit)
        if not diff.strip():
            await self._send_back(task, "Nothing was changed: make the fix, and commit it.")
            return ""
        run = await self._tested(task, project, brief.project, commit)
        if not run.good:
            await self._send_back(task, words.failing(run, branch))
            return ""
        remote, name = await self._sources.remote(project), f"hermes/fix-{task.id}"
        fix = Fix(version.version, branch, base, commit, hashed, remote, name, "", words.tested(run))
        return await self._ask(case, task, brief.project, fix, (version.summary, stat, diff))

    async def _tested(self, task: Task, project: Path, named: str, commit: str) -> Tested:
        """Run the tests in a worktree of the commit alone, and store what they said."""
        folder = self._room.worktrees / f"tests-{task.id}"
        await self._sources.check_out(project, commit, folder)
        try:
            place = folder / await self._sources.below(project)
            line = await asyncio.to_thread(testing.command, place, named, self.settings.tests)
            seconds = self.settings.test_minutes * MINUTE
            run = await self.runner.run(place, line, seconds) if line else Tested()
        finally:
            await self._sources.drop(project, folder)
        run = replace(run, output=self._room.redact(run.output))
        await self._room.database.write(_note_tests, task.id, run, commit)
        return run

    async def _ask(self, case: Case, task: Task, project: str, fix: Fix, shown: tuple[str, str, str]) -> str:
        """Show a fix and ask whether exactly that may be pushed; the request and what is kept of it are one unit."""
        redact = self._room.redact
        text = redact(words.fixed(task, fix, *shown))
        file = await self._teller.diff_file(task.id, fix, redact(shown[2]))
        given = {
            "commit": fix.commit,
            "diff": fix.diff,
            "branch": fix.name,
            "remote": fix.remote,
            "base": fix.base,
        }
        action = Action(
            ActionKind.TERMINAL,
            TOOL,
            arguments_text(given),
            f"git push {fix.remote} {fix.commit}:refs/heads/{fix.name}",
            target=fix.remote,
            cwd=project,
            workspaces=(project,),
            inputs=((diff_name(project, fix.base, fix.branch), fix.diff),),
        )

        def also(tx: Unit, asked: Approval) -> None:
            cases.keep_fix(tx, task.id, replace(fix, approval=asked.id))

        # What is asked about stands above the question.
        await self._room.database.write(self._teller.fix, case, fix, text, file)
        crashpoint("diagnosis.before_ask")
        asked = await self._gate().ask(
            asker(task.id), action, risk=Tier.HIGH, origin=case.place, behalf=case.principal, also=also
        )
        crashpoint("diagnosis.after_ask")
        return asked.id

    # Once it is decided

    async def _decided(self, case: Case, task: Task, brief: Brief, fix: Fix, asked: Approval | None) -> str:
        if asked is None or asked.state is ApprovalState.VOID:
            await self._void(task, fix)
            return ""
        if asked.state in OPEN:
            return asked.id
        if asked.state is ApprovalState.APPROVED:
            await self._approved(case, task, brief, fix)
        elif asked.state in BEGUN:
            await self._begun(case, task, brief, fix, asked)
        elif asked.state is ApprovalState.DONE and not asked.exit_code:
            await self._done(case, task, fix, asked)
        elif asked.state is ApprovalState.DONE:
            await self._ask_person(task, f"The fix was not pushed: {asked.result}")
        elif asked.state in REFUSED:
            return await self._refused(task, fix, asked)
        return ""

    async def _approved(self, case: Case, task: Task, brief: Brief, fix: Fix) -> None:
        if not await self._same(brief, fix):
            await self._gate().withdraw(fix.approval, asker(task.id), "The diff has changed.")
            await self._void(task, fix)
            return
        try:
            # What it is bound to is measured once more, by the gate itself.
            asked = await self._gate().consume(fix.approval, asker(task.id))
        except Stale:
            await self._void(task, fix)
            return
        crashpoint("diagnosis.before_push")
        await self._push(case, task, brief, fix, asked)

    async def _same(self, brief: Brief, fix: Fix) -> bool:
        _, now, _ = await self._sources.changes(Path(brief.project), fix.base, fix.branch)
        return now == fix.diff

    async def _push(self, case: Case, task: Task, brief: Brief, fix: Fix, asked: Approval) -> None:
        try:
            await self._sources.push(Path(brief.project), fix.remote, fix.commit, fix.name)
        except GitFailed as error:
            said = self._room.redact(error.message)
            await self._gate().report(fix.approval, asker(task.id), said, 1)
            await self._ask_person(task, f"The fix was not pushed: {said}")
            return
        crashpoint("diagnosis.after_push")
        told = f"Pushed {fix.commit} as {fix.name} to {fix.remote}."
        asked = await self._gate().report(asked.id, asker(task.id), told, 0)
        crashpoint("diagnosis.after_report")
        await self._done(case, task, fix, asked)

    async def _begun(self, case: Case, task: Task, brief: Brief, fix: Fix, asked: Approval) -> None:
        """Find out whether a push that was interrupted arrived; where nobody can tell, a person is asked."""
        try:
            there = await self._sources.at_remote(Path(brief.project), fix.remote, fix.name)
        except GitFailed as error:
            why = f"It is unknown whether {fix.name} was pushed to {fix.remote}: {error.message}"
            await self._ask_person(task, why)
            return
        if there != fix.commit and not await self._same(brief, fix):
            told = "Not pushed: the diff has changed."
            await self._gate().report(asked.id, asker(task.id), told, 1)
            await self._void(task, fix)
            return
        await self._push(case, task, brief, fix, asked)

    async def _done(self, case: Case, task: Task, fix: Fix, asked: Approval) -> None:
        text = self._room.redact(words.pushed(task, fix))
        await self._room.database.write(self._finish, case, task, fix, asked.decided_by or "system", text)
        crashpoint("diagnosis.after_end")

    def _finish(self, tx: Unit, case: Case, task: Task, fix: Fix, actor: str, text: str) -> None:
        if not _waits(tasks.get(tx, task.id)):
            return
        tx.emit(
            "task.pushed", str(task.id), actor=actor, commit=fix.commit, diff=fix.diff, approval=fix.approval
        )
        deciding.accept(tx, task.id, actor=actor)
        self._teller.say(tx, case.place, f"{task.id}:pushed", text)

    async def _refused(self, task: Task, fix: Fix, asked: Approval) -> str:
        """Ask how it goes on; a request that was asked again in its place is the one that counts."""
        follower = await self._room.database.read(approvals.follower, asked.id)
        if follower is not None and asked.state is ApprovalState.EXPIRED:
            await self._room.database.write(cases.keep_fix, task.id, replace(fix, approval=follower.id))
            return follower.id
        why = f": {asked.reason}" if asked.reason else ""
        await self._ask_person(task, f"The push of the fix was {asked.state}{why}.")
        return ""

    async def _void(self, task: Task, fix: Fix) -> None:
        """Forget what was asked about: it is tested and asked about anew; what the gate asked in its place goes."""
        follower = await self._room.database.read(approvals.follower, fix.approval)
        if follower is not None and follower.open:
            await self._gate().withdraw(
                follower.id, asker(task.id), "It is tested first, and then asked about anew."
            )
        await self._room.database.write(_forget, task.id)

    # What people and agents have to do

    async def _send_back(self, task: Task, why: str) -> None:
        await self._room.database.write(
            deciding.request_changes, task.id, self._room.redact(why), actor="system"
        )

    async def _ask_person(self, task: Task, question: str) -> None:
        await self._room.database.write(_escalate, task.id, self._room.redact(question))

    async def again(self, task_id: int, actor: str) -> bool:
        """Test and ask anew; tell whether there was anything to ask about."""
        return await self._room.database.write(_again, task_id, actor)


def _read(q: Query, id: int) -> tuple[Brief, Submission | None, Fix | None, Approval | None]:
    fix = cases.fix_of(q, id)
    asked = approvals.get(q, fix.approval) if fix is not None else None
    return tasks.brief(q, id), submissions.latest(q, id), fix, asked


def _made(q: Query, id: int) -> tuple[Brief, list[Attempt]]:
    return tasks.brief(q, id), attempts.of_task(q, id)


def _waits(task: Task) -> bool:
    return task.state is TaskState.IN_REVIEW or deciding.escalated(task)


def _note_tests(tx: Unit, id: int, run: Tested, commit: str) -> None:
    tx.emit("task.tested", str(id), commit=commit, known=bool(run.command), code=run.code)
    remarks.add_comment(tx, id, words.tested(run), author="system")


def _forget(tx: Unit, id: int) -> None:
    cases.forget_fix(tx, id)
    _reopen(tx, id, "system")


def _reopen(tx: Unit, id: int, actor: str) -> None:
    if deciding.escalated(tasks.get(tx, id)):
        tasks.move(tx, id, "submit", actor=actor, question="", return_state="")


def _again(tx: Unit, id: int, actor: str) -> bool:
    if not deciding.escalated(tasks.get(tx, id)):
        return False
    fix = cases.fix_of(tx, id)
    if fix is None or approvals.get(tx, fix.approval).state not in BEGUN:
        cases.forget_fix(tx, id)
    # Of a push that may have arrived the remote is asked again before anything else.
    _reopen(tx, id, actor)
    return True


def _escalate(tx: Unit, id: int, question: str) -> None:
    task = tasks.get(tx, id)
    if task.state is TaskState.IN_REVIEW:
        tasks.move(tx, id, "escalate", question=question, return_state=str(TaskState.IN_REVIEW))
    elif deciding.escalated(task):
        tasks.change(tx, id, question=question)
