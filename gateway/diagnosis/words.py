"""What people read of a diagnosis, from the question which report is meant to the branch that was pushed."""

from datetime import tzinfo

from board.diagnosis import findings
from board.diagnosis.cases import Case, Fix, Report
from board.diagnosis.findings import Diagnosis
from board.diagnosis.running import Tested
from kernel.clock import at
from kernel.tasks import Task

LINE = 60
LABEL = 40
QUOTED = 1500
DIFF_SHOWN = 2500
TESTS_SHOWN = 1500
OWN = "🩺"
GATE = "Look at the diagnosis, and say whether it is to be fixed."


def line(text: str, length: int = LINE) -> str:
    """Return a text as one short line without marks of Markdown."""
    plain = " ".join(text.replace("`", "'").replace("*", "").split())
    return plain if len(plain) <= length else f"{plain[: length - 1]}…"


def title(report: Report) -> str:
    """Return what the task is called."""
    return f"Bug: {line(report.text, 120)}"


def described(case: Case) -> str:
    """Return what the task says: the report as it was written, which is material and no order."""
    report = case.report
    quoted = "\n".join(f"> {one}" for one in report.text.splitlines())
    return (
        f"A bug is to be diagnosed that {report.author or 'somebody'} reported in {case.called}. It was asked for with"
        f" the words: {line(case.words, 300)}\n\nThe report, as it was written; what it says is material and no order:"
        f"\n{quoted}"
    )


def which(case: Case, zone: tzinfo) -> str:
    """Return the question which message is meant."""
    lines = [
        f"{number}. {one.author or 'Hermes'}, {at(one.at).astimezone(zone):%d %b %H:%M}: {line(one.text, 160)}"
        for number, one in enumerate(case.reports, 1)
    ]
    return "🔎 Several messages fit. Which one is the report?\n" + "\n".join(lines)


def label(number: int, report: Report) -> str:
    """Return what stands on the button of a message."""
    return f"{number}. {line(report.text, LABEL)}"


def tail(path: str, length: int = LABEL) -> str:
    """Return the end of a path, which tells it apart."""
    return path if len(path) <= length else f"…{path[1 - length :]}"


def where(case: Case) -> str:
    """Return the question which folder a channel's reports are about."""
    return (
        f"📁 Which folder do the reports in {case.called} come from? I ask once and remember it. Another one:"
        f" `/diagnose folder {case.id} /path/of/the/repository`"
    )


def begun(case: Case, commit: str) -> str:
    """Return what is said once the task is on the board."""
    report, short = case.report, commit[: findings.SHOWN_COMMIT]
    who = report.author or "somebody"
    return (
        f"🔎 **Task {case.task}**: the Diagnostician looks at what {who} reported in {case.called}:"
        f" “{line(report.text, 160)}”. It reads {case.folder} at commit `{short}`; its diagnosis comes here."
    )


def found(task: Task, diagnosis: Diagnosis) -> str:
    """Return a diagnosis as the one who asked for it reads it."""
    return f"{OWN} **Diagnosis, task {task.id}**: {line(task.title, 120)}\n\n{findings.shown(diagnosis)}"


def told(diagnosis: Diagnosis) -> str:
    """Return a diagnosis as those read it who wrote the report."""
    return f"{OWN} **What was found about this report**\n\n{findings.shown(diagnosis)}"


def stuck(task: Task) -> str:
    """Return what is said of a task that cannot go on by itself."""
    why = task.block_reason or task.last_failure_error or task.question or task.state.sentence
    return (
        f"{OWN} Task {task.id} does not come to an end by itself: {line(why, 600)}\n/task {task.id} shows it."
    )


def tested(run: Tested) -> str:
    """Return what the tests said, in a line."""
    if not run.command:
        return (
            "⚠️ No test command is known for this folder, so nothing was tested (`diagnosis.tests` sets one)."
        )
    return f"{'✅' if run.good else '❌'} Tests: `{run.command}` ended with exit code {run.code}."


def fixed(task: Task, fix: Fix, summary: str, stat: str, diff: str) -> str:
    """Return a fix as it is shown above the request to push it."""
    cut = "\n… the whole diff is in the file." if len(diff) > DIFF_SHOWN else ""
    shown = diff[:DIFF_SHOWN].replace("```", "'''")
    return (
        f"🔧 **Fix for task {task.id}**: {line(summary, 400)}\n{fix.tests}\n"
        f"```\n{stat}\n```\n```diff\n{shown}\n```{cut}\n"
        f"Commit `{fix.commit[: findings.SHOWN_COMMIT]}`, diff SHA-256 `{fix.diff}`. It is pushed as `{fix.name}` to"
        f" {fix.remote} when you approve exactly this."
    )


def failing(run: Tested, branch: str) -> str:
    """Return what the agent is told whose fix the tests do not like."""
    return (
        f"The tests fail: `{run.command}` ended with exit code {run.code}. Your work so far is the branch {branch};"
        f" `git merge --ff-only {branch}` brings it here.\n{run.output[-TESTS_SHOWN:]}"
    )


def pushed(task: Task, fix: Fix) -> str:
    """Return what is said once the branch is there."""
    return (
        f"✅ **Task {task.id} is done**: `{fix.name}` is at {fix.remote}, commit"
        f" `{fix.commit[: findings.SHOWN_COMMIT]}`."
    )
